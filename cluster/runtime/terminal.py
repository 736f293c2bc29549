"""A terminal: echo, line editing with history, Ctrl-C, Ctrl-D. Models Linux's n_tty and ash."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from cluster.runtime.kernel import Sink, Source

if TYPE_CHECKING:
    from cluster.runtime.shell import Shell

KEYS = re.compile(rb"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Za-z]|[\xc0-\xff][\x80-\xbf]*|.", re.DOTALL)
HISTORY = 500


class Terminal(Source):
    """What is typed becomes lines; `screen` is where programs write. `begin_line` is the shell's
    way to ask for a line with a prompt, a history and completion."""

    def __init__(
        self, write: Callable[[bytes], None], busy: Callable[[], bool],
        interrupt: Callable[[int], None],
    ) -> None:  # fmt: skip
        super().__init__(is_tty=True)
        self._out = write
        self._interrupt = interrupt
        self.screen = Sink(lambda data: write(data.replace(b"\n", b"\r\n")), busy, is_tty=True)
        self.write_to = self.screen
        self.columns, self.rows = 80, 24
        self._line: list[str] = []
        self._at = 0
        self._prompt = ""
        self._editing = False
        self.history: list[str] = []
        self._back = 0
        self._kept = ""
        self._shell: Shell | None = None
        self._tail = b""

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows

    def begin_line(self, prompt: str, shell: Shell) -> None:
        self._shell = shell
        self._prompt = prompt
        self._editing = True
        self._back = 0
        self._put(prompt.replace("\n", "\r\n"))
        if self._line:  # typed ahead
            self._put("".join(self._line))

    def _put(self, text: str) -> None:
        self._out(text.encode("utf-8", "surrogateescape"))

    # ---- keys

    def feed(self, data: bytes) -> None:
        data = self._tail + data
        self._tail = b""
        if data.endswith((b"\x1b", b"\x1b[", b"\x1bO")) and len(data) > 1:
            data, _, rest = data.rpartition(b"\x1b")
            self._tail = b"\x1b" + rest
        for key in KEYS.findall(data):
            self._key(key)

    def _key(self, key: bytes) -> None:
        if key in (b"\r", b"\n"):
            self._enter()
        elif key == b"\x03":
            self._discard("^C")
            self._interrupt(signal.SIGINT)
        elif key == b"\x1c":
            self._discard("^\\")
            self._interrupt(signal.SIGQUIT)
        elif key == b"\x04":
            self._end_of_file()
        elif key == b"\t" and self._editing:
            self._complete()
        elif (edit := EDITS.get(key)) is not None:
            edit(self)
        elif key[0] >= 32 and not key.startswith(b"\x1b"):
            self._insert(key.decode("utf-8", "surrogateescape"))
        elif key == b"\t":
            self._insert("\t")

    def _enter(self) -> None:
        text = "".join(self._line)
        self._put("\r\n")
        if self._editing and text.strip() and self.history[-1:] != [text]:
            self.history = [*self.history[-HISTORY:], text]
        self._line, self._at, self._editing, self._back = [], 0, False, 0
        super().feed(f"{text}\n".encode("utf-8", "surrogateescape"))

    def _discard(self, shown: str) -> None:
        self._put(f"{shown}\r\n")
        self._line, self._at, self._editing = [], 0, False
        self._buffer.clear()

    def _end_of_file(self) -> None:
        if self._line:
            if self._editing:
                self._delete()
                return
            super().feed("".join(self._line).encode("utf-8", "surrogateescape"))
            self._line, self._at = [], 0
        else:
            self.end_of_file()

    def _insert(self, text: str) -> None:
        self._line[self._at : self._at] = list(text)
        self._at += len(text)
        rest = "".join(self._line[self._at :])
        self._put(text + rest + "\b" * len(rest))

    def _backspace(self) -> None:
        if self._at:
            self._at -= 1
            del self._line[self._at]
            rest = "".join(self._line[self._at :])
            self._put("\b" + rest + " " + "\b" * (len(rest) + 1))

    def _delete(self) -> None:
        if self._at < len(self._line):
            self._at += 1
            self._put(self._line[self._at - 1])
            self._backspace()

    def _left(self) -> None:
        if self._at and self._editing:
            self._at -= 1
            self._put("\b")

    def _right(self) -> None:
        if self._at < len(self._line):
            self._put(self._line[self._at])
            self._at += 1

    def _home(self) -> None:
        self._put("\b" * self._at)
        self._at = 0

    def _last(self) -> None:
        self._put("".join(self._line[self._at :]))
        self._at = len(self._line)

    def _replace(self, text: str) -> None:
        self._home()
        self._put("\x1b[K" if self._editing else " " * len(self._line) + "\b" * len(self._line))
        self._line = []
        self._insert(text)

    def _kill_line(self) -> None:
        rest = self._line[self._at :]
        self._replace("".join(rest))
        self._home()

    def _kill_rest(self) -> None:
        self._put("\x1b[K")
        del self._line[self._at :]

    def _kill_word(self) -> None:
        while self._at and self._line[self._at - 1] == " ":
            self._backspace()
        while self._at and self._line[self._at - 1] != " ":
            self._backspace()

    def _redraw(self) -> None:
        self._put("\x1b[H\x1b[J" + self._prompt + "".join(self._line))
        self._put("\b" * (len(self._line) - self._at))

    def _older(self) -> None:
        if self._editing and self._back < len(self.history):
            if not self._back:
                self._kept = "".join(self._line)
            self._back += 1
            self._replace(self.history[-self._back])

    def _newer(self) -> None:
        if self._editing and self._back:
            self._back -= 1
            self._replace(self.history[-self._back] if self._back else self._kept)

    # ---- completion

    def _complete(self) -> None:
        from cluster.runtime.shell.completion import candidates

        assert self._shell is not None
        before = "".join(self._line[: self._at])
        word, found = candidates(self._shell, before)
        if not found:
            self._put("\x07")
        elif len(found) == 1:
            end = "" if found[0].endswith("/") else " "
            self._insert(found[0][len(word) :] + end)
        else:
            common = _common(found)
            if len(common) > len(word):
                self._insert(common[len(word) :])
            else:
                names = "  ".join(f.rstrip("/").rpartition("/")[2] + "/" * f.endswith("/")
                                  for f in found)  # fmt: skip
                self._put(f"\r\n{names}\r\n{self._prompt}{''.join(self._line)}")
                self._put("\b" * (len(self._line) - self._at))


def _common(texts: list[str]) -> str:
    low, high = min(texts), max(texts)
    at = 0
    while at < len(low) and low[at] == high[at]:
        at += 1
    return low[:at]


EDITS: dict[bytes, Callable[[Terminal], None]] = {
    b"\x7f": Terminal._backspace, b"\x08": Terminal._backspace, b"\x15": Terminal._kill_line,
    b"\x17": Terminal._kill_word, b"\x0b": Terminal._kill_rest, b"\x0c": Terminal._redraw,
    b"\x01": Terminal._home, b"\x05": Terminal._last, b"\x02": Terminal._left,
    b"\x06": Terminal._right, b"\x10": Terminal._older, b"\x0e": Terminal._newer,
    b"\x1b[A": Terminal._older, b"\x1b[B": Terminal._newer, b"\x1b[C": Terminal._right,
    b"\x1b[D": Terminal._left, b"\x1b[H": Terminal._home, b"\x1b[F": Terminal._last,
    b"\x1bOA": Terminal._older, b"\x1bOB": Terminal._newer, b"\x1bOC": Terminal._right,
    b"\x1bOD": Terminal._left, b"\x1b[3~": Terminal._delete,
}  # fmt: skip
