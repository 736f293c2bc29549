"""A script, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Literal:
    """`quoted` text is neither split nor expanded."""

    text: str
    quoted: bool = False


@dataclass(slots=True)
class Parameter:
    """`$name`, `${name}`, `${name op word}`; `op` of length is `#`."""

    name: str
    op: str = ""
    word: Word | None = None
    quoted: bool = False


@dataclass(slots=True)
class Substitution:
    """`$(...)`: the commands as they are written."""

    body: Sequence
    quoted: bool = False


@dataclass(slots=True)
class Arithmetic:
    word: Word
    quoted: bool = False


Part = Literal | Parameter | Substitution | Arithmetic


@dataclass(slots=True)
class Word:
    parts: list[Part] = field(default_factory=list)

    def plain(self) -> str | None:
        """The text, if nothing in it is quoted or expanded."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Literal):
            part = self.parts[0]
            return None if part.quoted else part.text
        return None


@dataclass(slots=True)
class Redirect:
    """`fd` of `op` (<, >, >>, >|, <>, <&, >&, <<, <<-, <<<, &>) leads to `target`."""

    fd: int
    op: str
    target: Word


@dataclass(slots=True)
class Simple:
    assignments: list[tuple[str, Word]]
    words: list[Word]
    redirects: list[Redirect]


@dataclass(slots=True)
class Group:
    """`{ ...; }`, or `( ... )` in a process of its own."""

    body: Sequence
    subshell: bool
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class If:
    branches: list[tuple[Sequence, Sequence]]
    otherwise: Sequence | None
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class For:
    """`words` is None for the positional parameters."""

    name: str
    words: list[Word] | None
    body: Sequence
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class While:
    test: Sequence
    body: Sequence
    until: bool
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    word: Word
    branches: list[tuple[list[Word], Sequence]]
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    name: str
    body: Command


Command = Simple | Group | If | For | While | Case | Function


@dataclass(slots=True)
class Pipeline:
    commands: list[Command]
    negated: bool = False


@dataclass(slots=True)
class AndOr:
    """Pipelines with the operator before each: "", && or ||. `text` is what was written."""

    items: list[tuple[str, Pipeline]]
    background: bool = False
    text: str = ""


@dataclass(slots=True)
class Sequence:
    items: list[AndOr] = field(default_factory=list)
