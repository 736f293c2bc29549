"""Command lines, as getopt takes them apart."""

from __future__ import annotations

from cluster.runtime.kernel import Leave, Process


def parse(
    process: Process, arguments: list[str], spec: str, long: dict[str, str] | None = None,
    code: int = 1,
) -> tuple[dict[str, str], list[str]]:  # fmt: skip
    """(options, operands). `spec` as getopt's: `n:` takes a value; `long` maps names to letters.

    Raises Leave after saying what is wrong, as busybox does."""
    options: dict[str, str] = {}
    operands: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            return options, operands + rest
        if argument.startswith("--"):
            name, mark, value = argument[2:].partition("=")
            letter = (long or {}).get(name)
            if letter is None:
                process.error(f"unrecognized option '--{name}'")
                raise Leave(code)
            if f"{letter}:" in spec and not mark:
                value = rest.pop(0) if rest else ""
            options[letter] = value
        elif argument.startswith("-") and len(argument) > 1:
            _letters(process, argument[1:], spec, options, rest, code)
        else:
            operands.append(argument)
    return options, operands


def _letters(
    process: Process, letters: str, spec: str, options: dict[str, str], rest: list[str], code: int
) -> None:
    at = 0
    while at < len(letters):
        letter = letters[at]
        at += 1
        if letter not in spec or letter == ":":
            process.error(f"invalid option -- '{letter}'")
            raise Leave(code)
        if spec[spec.index(letter) + 1 :][:1] != ":":
            options[letter] = ""
            continue
        if at < len(letters):
            options[letter] = letters[at:]
        elif rest:
            options[letter] = rest.pop(0)
        else:
            process.error(f"option requires an argument -- '{letter}'")
            raise Leave(code)
        return


def number(process: Process, text: str, code: int = 1) -> int:
    try:
        return int(text)
    except ValueError:
        process.error(f"invalid number '{text}'")
        raise Leave(code) from None
