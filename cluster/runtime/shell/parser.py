"""Scripts into nodes. Models the grammar of POSIX 2.10."""

from __future__ import annotations

from functools import lru_cache

from cluster.runtime.shell.nodes import (
    AndOr,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Literal,
    Pipeline,
    Redirect,
    Sequence,
    Simple,
    While,
    Word,
)
from cluster.runtime.shell.reader import Reader, ShellSyntaxError, is_name

RESERVED = frozenset(
    ("if", "then", "elif", "else", "fi", "for", "in", "do", "done", "while", "until", "case",
     "esac", "{", "}", "!", "function")
)  # fmt: skip
CLOSING = frozenset(("then", "elif", "else", "fi", "do", "done", "esac", "}"))
REDIRECTS = ("<", ">", ">>", ">|", "<>", "<&", ">&", "<<", "<<-", "<<<", "&>")


@lru_cache(maxsize=512)
def parse(text: str) -> Sequence:
    """Raises ShellSyntaxError."""
    reader = Reader(text, _inside)
    found = _Parser(reader).program()
    reader.finish()
    return found


def _inside(reader: Reader, close: str) -> Sequence:
    parser = _Parser(reader)
    found = parser.sequence(close)
    if close:
        if not reader.accept(close):
            parser.unexpected(close)
    elif reader.operator() or reader.at < len(reader.text):
        parser.unexpected()
    return found


class _Parser:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def unexpected(self, wanted: str = "") -> None:
        operator = self.reader.operator()
        if self.reader.at >= len(self.reader.text):
            more = f' (expecting "{wanted}")' if wanted else ""
            raise ShellSyntaxError(f"syntax error: unexpected end of file{more}", True)
        shown = "newline" if operator == "\n" else f'"{operator}"' if operator else ""
        if not operator:
            begin = self.reader.at
            self.reader.word()
            shown = f'"{self.reader.text[begin : self.reader.at]}"'
        more = f' (expecting "{wanted}")' if wanted else ""
        raise ShellSyntaxError(f"syntax error: unexpected {shown}{more}")

    def program(self) -> Sequence:
        found = self.sequence("")
        if self.reader.at < len(self.reader.text):
            self.unexpected()
        return found

    def _newlines(self) -> None:
        while self.reader.accept("\n"):
            pass

    def sequence(self, close: str) -> Sequence:
        """Commands up to something that closes."""
        found = Sequence()
        while True:
            self._newlines()
            operator = self.reader.operator()
            if self.reader.at >= len(self.reader.text) or operator in (")", ";;"):
                return found
            if operator == "" and self._keyword() in CLOSING:
                return found
            begin = self.reader.at
            item = self._and_or()
            item.text = self.reader.text[begin : self.reader.at].strip()
            found.items.append(item)
            if self.reader.accept("&"):
                item.background = True
            elif not self.reader.accept(";") and self.reader.operator() != "\n":
                return found

    def _and_or(self) -> AndOr:
        items = [("", self._pipeline())]
        while True:
            operator = self.reader.operator()
            if operator not in ("&&", "||"):
                return AndOr(items)
            self.reader.accept(operator)
            self._newlines()
            items.append((operator, self._pipeline()))

    def _pipeline(self) -> Pipeline:
        negated = False
        while self._keyword() == "!":
            self._take("!")
            negated = not negated
        commands = [self._command()]
        while self.reader.operator() == "|":
            self.reader.accept("|")
            self._newlines()
            commands.append(self._command())
        return Pipeline(commands, negated)

    # ---- keywords

    def _keyword(self) -> str:
        """The reserved word here, without taking it."""
        reader = self.reader
        reader.blanks()
        end = reader.at
        while end < len(reader.text) and reader.text[end] not in " \t\n;&|<>()'\"$`\\":
            end += 1
        if end < len(reader.text) and reader.text[end] in "'\"$`\\":
            return ""
        word = reader.text[reader.at : end]
        return word if word in RESERVED else ""

    def _take(self, keyword: str) -> None:
        self._newlines() if keyword in ("then", "do", "in", "fi", "done", "}", "esac") else None
        if self._keyword() != keyword:
            self.unexpected(keyword)
        self.reader.at += len(keyword)

    def _body(self, *closing: str) -> Sequence:
        found = self.sequence(closing[0])
        if not found.items:
            self.unexpected()
        if self._keyword() not in closing:
            self.unexpected(closing[0])
        return found

    # ---- commands

    def _command(self) -> Command:
        keyword = self._keyword()
        compound = self._compound(keyword)
        if compound is not None:
            while (redirect := self._redirect()) is not None:
                compound.redirects.append(redirect)
            return compound
        if keyword in CLOSING or keyword == "in":
            self.unexpected()
        if keyword == "function":
            self._take("function")
            return self._function(self._name())
        return self._simple()

    def _compound(self, keyword: str) -> Group | If | For | While | Case | None:
        reader = self.reader
        if reader.operator() == "(":
            reader.accept("(")
            body = self.sequence(")")
            if not body.items or not reader.accept(")"):
                self.unexpected(")")
            return Group(body, True)
        if keyword == "{":
            self._take("{")
            body = self._body("}")
            self._take("}")
            return Group(body, False)
        if keyword == "if":
            return self._if()
        if keyword == "for":
            return self._for()
        if keyword in ("while", "until"):
            self._take(keyword)
            test = self._body("do")
            return While(test, self._do(), keyword == "until")
        if keyword == "case":
            return self._case()
        return None

    def _do(self) -> Sequence:
        self._take("do")
        body = self._body("done")
        self._take("done")
        return body

    def _if(self) -> If:
        branches = []
        self._take("if")
        while True:
            test = self._body("then")
            self._take("then")
            branches.append((test, self._body("fi", "else", "elif")))
            keyword = self._keyword()
            self._take(keyword)
            if keyword == "elif":
                continue
            otherwise = None
            if keyword == "else":
                otherwise = self._body("fi")
                self._take("fi")
            return If(branches, otherwise)

    def _for(self) -> For:
        self._take("for")
        name = self._name()
        words: list[Word] | None = None
        self._newlines()
        if self._keyword() == "in":
            self._take("in")
            words = []
            while (word := self.reader.word()) is not None:
                words.append(word)
        self.reader.accept(";")
        self._newlines()
        return For(name, words, self._do())

    def _name(self) -> str:
        word = self.reader.word()
        name = word.plain() if word else None
        if not name or not is_name(name.replace("-", "_")):
            self.unexpected()
        return name or ""

    def _case(self) -> Case:
        self._take("case")
        word = self.reader.word()
        if word is None:
            self.unexpected()
        self._newlines()
        self._take("in")
        branches: list[tuple[list[Word], Sequence]] = []
        while True:
            self._newlines()
            if self._keyword() == "esac":
                self._take("esac")
                return Case(word or Word(), branches)
            self.reader.accept("(")
            patterns = []
            while (pattern := self.reader.word()) is not None:
                patterns.append(pattern)
                if not self.reader.accept("|"):
                    break
            if not patterns or not self.reader.accept(")"):
                self.unexpected(")")
            branches.append((patterns, self.sequence(";;")))
            if not self.reader.accept(";;") and self._keyword() != "esac":
                self.unexpected(";;")

    def _function(self, name: str) -> Function:
        if self.reader.accept("(") and not self.reader.accept(")"):
            self.unexpected(")")
        self._newlines()
        return Function(name, self._command())

    def _simple(self) -> Command:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while True:
            redirect = self._redirect()
            if redirect is not None:
                redirects.append(redirect)
                continue
            word = self.reader.word()
            if word is None:
                break
            split = None if words else _assignment(word)
            if split is not None:
                assignments.append(split)
                continue
            words.append(word)
            name = word.plain()
            if len(words) == 1 and not assignments and name and self.reader.operator() == "(":
                return self._function(name)
        if not (assignments or words or redirects):
            self.unexpected()
        return Simple(assignments, words, redirects)

    def _redirect(self) -> Redirect | None:
        reader = self.reader
        reader.blanks()
        begin = reader.at
        while reader.peek().isdigit():
            reader.at += 1
        digits = reader.text[begin : reader.at]
        operator = next((o for o in REDIRECTS_LONGEST if reader.text.startswith(o, reader.at)), "")
        if not operator:
            reader.at = begin
            return None
        reader.at += len(operator)
        fd = int(digits) if digits else 0 if operator.startswith("<") else 1
        target = reader.word()
        if target is None:
            self.unexpected()
        found = Redirect(fd, operator, target or Word())
        if operator in ("<<", "<<-"):
            quoted = any(not isinstance(p, Literal) or p.quoted for p in found.target.parts)
            mark = "".join(p.text for p in found.target.parts if isinstance(p, Literal))
            reader.heredocs.append((found, mark, quoted, operator == "<<-"))
        return found


REDIRECTS_LONGEST = sorted(REDIRECTS, key=len, reverse=True)


def _assignment(word: Word) -> tuple[str, Word] | None:
    first = word.parts[0]
    if not isinstance(first, Literal) or first.quoted:
        return None
    name, mark, rest = first.text.partition("=")
    if not mark or not is_name(name):
        return None
    return name, Word([*([Literal(rest)] if rest else []), *word.parts[1:]])
