"""Backslash escapes, as echo -e, printf and $'...' read them."""

from __future__ import annotations

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
           "e": "\x1b", "\\": "\\"}  # fmt: skip


def unescape(text: str, stop: bool = False) -> str:
    r"""\n, \t, \033, \x41 as echo -e and printf read them; with `stop`, \c ends the text."""
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char != "\\" or at >= len(text):
            out.append(char)
            continue
        code = text[at]
        at += 1
        if code == "c" and stop:
            out.append("\0c")
            break
        if code == "x" or code in "01234567":
            base, most = (16, 2) if code == "x" else (8, 3)
            at -= code != "x"
            at += code == "0" and stop
            begin = at
            digits = "0123456789abcdefABCDEF"[: 22 if base == 16 else 8]
            while at < len(text) and at - begin < most and text[at] in digits:
                at += 1
            out.append(chr(int(text[begin:at] or "0", base) & 255))
            continue
        out.append(ESCAPES.get(code, f"\\{code}"))
    return "".join(out)
