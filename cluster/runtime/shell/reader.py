"""Characters, words and operators of a script. Models POSIX 2.3, Token Recognition."""

from __future__ import annotations

from collections.abc import Callable

from cluster.runtime.escapes import unescape
from cluster.runtime.shell.nodes import (
    Arithmetic,
    Literal,
    Parameter,
    Part,
    Redirect,
    Sequence,
    Substitution,
    Word,
)

META = " \t\n;&|<>()"
OPERATORS = ("&&", "||", ";;", "<<-", "<<<", "<<", ">>", "<&", ">&", "<>", ">|", "&>",
             ";", "&", "|", "<", ">", "(", ")", "\n")  # fmt: skip
SPECIAL = "@*#?-$!0123456789"
EXPANSIONS = (":-", ":=", ":?", ":+", "##", "%%", "//", "-", "=", "?", "+", "#", "%", "/", ":")


class ShellSyntaxError(Exception):
    """`incomplete`: more lines could make it right."""

    def __init__(self, text: str, incomplete: bool = False) -> None:
        super().__init__(text)
        self.incomplete = incomplete


def is_name(text: str) -> bool:
    return bool(text) and (text[0].isalpha() or text[0] == "_") and text.replace("_", "a").isalnum()


class Reader:
    """A cursor over the script. `commands` parses the inside of `$(...)`."""

    def __init__(self, text: str, commands: Callable[[Reader, str], Sequence]) -> None:
        self.text = text
        self.at = 0
        self.heredocs: list[tuple[Redirect, str, bool, bool]] = []
        self._commands = commands

    # ---- characters

    def peek(self, count: int = 1) -> str:
        return self.text[self.at : self.at + count]

    def take(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        return char

    def blanks(self) -> None:
        """Skip blanks, line continuations and comments."""
        while True:
            if self.peek() in (" ", "\t", "\r"):
                self.at += 1
            elif self.peek(2) == "\\\n":
                self.at += 2
            elif self.peek() == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    def operator(self) -> str:
        """The operator here, or ""."""
        self.blanks()
        for operator in OPERATORS:
            if self.text.startswith(operator, self.at):
                return operator
        return ""

    def accept(self, operator: str) -> bool:
        if self.operator() != operator:
            return False
        self.at += len(operator)
        if operator == "\n":
            self._read_heredocs()
        return True

    # ---- words

    def word(self) -> Word | None:
        """The word here, or None."""
        self.blanks()
        parts: list[Part] = []
        begin = self.at
        while self.at < len(self.text):
            char = self.peek()
            if char in META:
                break
            self._piece(parts, char)
        return Word(parts) if self.at > begin else None

    def _piece(self, parts: list[Part], char: str) -> None:
        if char == "\\":
            self.at += 1
            following = self.take()
            if following != "\n":
                parts.append(Literal(following or "\\", True))
        elif char == "'":
            self.at += 1
            parts.append(Literal(self._until("'"), True))
        elif char == '"':
            self.at += 1
            self._double(parts)
        elif char == "$":
            parts.append(self._dollar(False))
        elif char == "`":
            parts.append(self._backquote(False))
        else:
            self._literal(parts, self.take(), False)

    @staticmethod
    def _literal(parts: list[Part], text: str, quoted: bool) -> None:
        last = parts[-1] if parts else None
        if isinstance(last, Literal) and last.quoted == quoted:
            last.text += text
        else:
            parts.append(Literal(text, quoted))

    def _until(self, mark: str) -> str:
        end = self.text.find(mark, self.at)
        if end < 0:
            raise ShellSyntaxError("unterminated quoted string", incomplete=True)
        found = self.text[self.at : end]
        self.at = end + len(mark)
        return found

    def _double(self, parts: list[Part]) -> None:
        parts.append(Literal("", True))
        while True:
            char = self.peek()
            if not char:
                raise ShellSyntaxError("unterminated quoted string", incomplete=True)
            if char == '"':
                self.at += 1
                return
            self._quoted(parts, '$`"\\\n')

    def _quoted(self, parts: list[Part], escapes: str) -> None:
        char = self.take()
        if char == "\\":
            following = self.take()
            if following == "\n":
                return
            text = following if following in escapes else f"\\{following}"
            self._literal(parts, text, True)
        elif char == "$":
            self.at -= 1
            parts.append(self._dollar(True))
        elif char == "`":
            self.at -= 1
            parts.append(self._backquote(True))
        else:
            self._literal(parts, char, True)

    def _dollar(self, quoted: bool) -> Part:
        self.at += 1
        if self.peek(2) == "((":
            begin = self.at
            self.at += 2
            inside = self._balanced("))")
            if inside is not None:
                return Arithmetic(Reader(inside, self._commands).text_word(), quoted)
            self.at = begin
        char = self.peek()
        if char == "(":
            self.at += 1
            return Substitution(self._commands(self, ")"), quoted)
        if char == "{":
            self.at += 1
            return self._braces(quoted)
        if char and char in SPECIAL:
            self.at += 1
            return Parameter(char, quoted=quoted)
        if char == "'" and not quoted:
            self.at += 1
            return Literal(unescape(self._until_escaped("'")), True)
        name = self._name()
        return Parameter(name, quoted=quoted) if name else Literal("$", quoted)

    def _until_escaped(self, mark: str) -> str:
        begin = self.at
        while self.peek() and self.peek() != mark:
            self.at += 2 if self.peek() == "\\" else 1
        self.at += 1
        return self.text[begin : self.at - 1]

    def _name(self) -> str:
        begin = self.at
        while (char := self.peek()) and (char.isalnum() or char == "_"):
            self.at += 1
        return self.text[begin : self.at]

    def _balanced(self, close: str) -> str | None:
        """What is before the `))` that closes; None when it is no arithmetic after all."""
        depth, begin = 0, self.at
        while self.at < len(self.text):
            if depth == 0 and self.text.startswith(close, self.at):
                found = self.text[begin : self.at]
                self.at += len(close)
                return found
            char = self.take()
            depth += (char == "(") - (char == ")")
            if depth < 0:
                return None
        raise ShellSyntaxError("unterminated arithmetic", incomplete=True)

    def _braces(self, quoted: bool) -> Parameter:
        if self.peek() == "#" and self.peek(2) not in ("#}", "#:", "#-"):
            self.at += 1
            name = self._name() or self.take()
            self._expect_brace()
            return Parameter(name, "#", None, quoted)
        name = self._name() or self.take()
        for op in EXPANSIONS:
            if self.text.startswith(op, self.at):
                self.at += len(op)
                return Parameter(name, op, self._brace_word(quoted), quoted)
        self._expect_brace()
        return Parameter(name, "", None, quoted)

    def _expect_brace(self) -> None:
        if self.take() != "}":
            incomplete = self.at > len(self.text)
            raise ShellSyntaxError("bad substitution", incomplete)

    def _brace_word(self, quoted: bool) -> Word:
        parts: list[Part] = []
        while (char := self.peek()) != "}":
            if not char:
                raise ShellSyntaxError("missing '}'", incomplete=True)
            if quoted and char not in ('"',):
                self._quoted(parts, '$`"\\}\n')
            else:
                self._piece(parts, char)
        self.at += 1
        return Word(parts)

    def _backquote(self, quoted: bool) -> Part:
        self.at += 1
        inside = []
        while (char := self.take()) != "`":
            if not char:
                raise ShellSyntaxError("EOF in backquote substitution", incomplete=True)
            if char == "\\" and self.peek() in ("`", "\\", "$"):
                char = self.take()
            inside.append(char)
        nested = Reader("".join(inside), self._commands)
        return Substitution(self._commands(nested, ""), quoted)

    def text_word(self) -> Word:
        """All of it as if in double quotes: here-documents, arithmetic."""
        parts: list[Part] = []
        while self.peek():
            self._quoted(parts, "$`\\\n")
        return Word(parts)

    # ---- here-documents

    def _read_heredocs(self) -> None:
        for redirect, mark, literal, tabs in self.heredocs:
            lines: list[str] = []
            while True:
                if self.at >= len(self.text):
                    if not lines or lines[-1] != mark:
                        raise ShellSyntaxError("unterminated here-document", incomplete=True)
                    break
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = end + 1
                line = line.lstrip("\t") if tabs else line
                if line == mark:
                    break
                lines.append(f"{line}\n")
            body = "".join(lines)
            if literal:
                redirect.target = Word([Literal(body, True)])
            else:
                redirect.target = Reader(body, self._commands).text_word()
        self.heredocs.clear()

    def finish(self) -> None:
        if self.heredocs:
            self.at += 1
            self._read_heredocs()
