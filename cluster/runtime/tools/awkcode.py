"""awk programs, taken apart: rules of (pattern, statement); expressions are tuples."""

from __future__ import annotations

import re
from typing import Any

from cluster.runtime.escapes import unescape

Node = tuple[Any, ...]
TOKEN = re.compile(
    r"[ \t\r]*(?:\\\n)?(?:#[^\n]*)?"
    r"(\n|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|\"(?:[^\"\\]|\\.)*\"|[A-Za-z_]\w*|"
    r"\+\+|--|\+=|-=|\*=|/=|%=|\^=|==|!=|<=|>=|&&|\|\||!~|>>|[-+*/%^!<>~?:,;(){}\[\]=$|])"
)
STATEMENTS = ("if", "while", "for", "do", "print", "printf", "next", "exit", "break", "continue",
              "delete", "getline", "return")  # fmt: skip


class AwkSyntaxError(Exception):
    pass


class Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.token = ""
        self.before = ""
        self.no_in = False
        self.no_greater = False
        self.advance()

    # ---- tokens

    def advance(self) -> str:
        taken, self.before = self.token, self.token
        match = TOKEN.match(self.text, self.at)
        if match is None:
            if self.text[self.at :].strip(" \t\r\\\n"):
                rest = self.text[self.at :].lstrip()
                if not rest.startswith("#"):
                    raise AwkSyntaxError(f"Unexpected token near {rest[:10]!r}")
            self.token = ""
            self.at = len(self.text)
        else:
            self.token, self.at = match[1], match.end()
        return taken

    def accept(self, token: str) -> bool:
        if self.token != token:
            return False
        self.advance()
        return True

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise AwkSyntaxError(f"Unexpected token {self.token or 'end of file'!r}")

    def skip(self, *tokens: str) -> None:
        while self.token in (tokens or ("\n", ";")):
            self.advance()

    def regex(self) -> Node:
        """The rest of /.../, whose first slash is the current token."""
        end = self.at
        while end < len(self.text) and self.text[end] != "/":
            end += 2 if self.text[end] == "\\" else 1
        pattern = self.text[self.at : end]
        self.at = end + 1
        self.advance()
        return ("regex", pattern.replace("\\/", "/"))

    # ---- rules and statements

    def program(self) -> list[tuple[Any, Node]]:
        rules: list[tuple[Any, Node]] = []
        self.skip()
        while self.token:
            when: Any = None
            if self.token in ("BEGIN", "END"):
                when = self.advance()
            elif self.token != "{":
                when = self.expression()
                if self.accept(","):
                    when = ("range", when, self.expression(), [False])
            body: Node = ("print", [], "", None)
            if self.token == "{":
                body = self.block()
            rules.append((when, body))
            self.skip()
        return rules

    def block(self) -> Node:
        self.expect("{")
        out = []
        self.skip()
        while self.token != "}":
            if not self.token:
                raise AwkSyntaxError("Unexpected end of file")
            out.append(self.statement())
            self.skip()
        self.advance()
        return ("block", out)

    def body(self) -> Node:
        self.skip("\n")
        if self.accept(";"):
            return ("block", [])
        return self.statement()

    def statement(self) -> Node:
        if self.token == "{":
            return self.block()
        word = self.token
        if word in STATEMENTS:
            self.advance()
            found: Node = getattr(self, f"_{word}")()
            return found
        return ("expression", self.expression())

    def _if(self) -> Node:
        self.expect("(")
        test = self.expression()
        self.expect(")")
        then, otherwise = self.body(), None
        mark, token = self.at, self.token
        self.skip()
        if self.accept("else"):
            otherwise = self.body()
        else:
            self.at, self.token = mark, token
        return ("if", test, then, otherwise)

    def _while(self) -> Node:
        self.expect("(")
        test = self.expression()
        self.expect(")")
        return ("for", None, test, None, self.body())

    def _do(self) -> Node:
        body = self.body()
        self.skip()
        self.expect("while")
        self.expect("(")
        test = self.expression()
        self.expect(")")
        return ("block", [body, ("for", None, test, None, body)])

    def _for(self) -> Node:
        self.expect("(")
        match = re.match(r"\s*in\s+(\w+)\s*\)", self.text[self.at :])
        if match and self.token.isidentifier():
            name = self.token
            self.at += match.end()
            self.advance()
            return ("each", name, match[1], self.body())
        first = None if self.token == ";" else ("expression", self.expression())
        self.expect(";")
        test = None if self.token == ";" else self.expression()
        self.expect(";")
        step = None if self.token == ")" else ("expression", self.expression())
        self.expect(")")
        return ("for", first, test, step, self.body())

    def _output(self, kind: str) -> Node:
        values: list[Node] = []
        self.no_greater = True
        if self.token not in (";", "\n", "}", "", ">", ">>", "|"):
            values = [self.expression()]
            while self.accept(","):
                values.append(self.expression())
        self.no_greater = False
        if len(values) == 1 and values[0][0] == "group":
            values = list(values[0][1])
        mode = self.advance() if self.token in (">", ">>", "|") else ""
        return (kind, values, mode, self.concatenation() if mode else None)

    def _print(self) -> Node:
        return self._output("print")

    def _printf(self) -> Node:
        return self._output("printf")

    def _next(self) -> Node:
        return ("next",)

    def _break(self) -> Node:
        return ("break",)

    def _continue(self) -> Node:
        return ("continue",)

    def _getline(self) -> Node:
        return ("next",)

    def _return(self) -> Node:
        raise AwkSyntaxError("functions are not supported")

    def _exit(self) -> Node:
        value = None if self.token in (";", "\n", "}", "") else self.expression()
        return ("exit", value)

    def _delete(self) -> Node:
        name = self.advance()
        if not self.accept("["):
            return ("delete", name, None)
        index = self.indexes()
        return ("delete", name, index)

    def indexes(self) -> list[Node]:
        out = [self.expression()]
        while self.accept(","):
            out.append(self.expression())
        self.expect("]")
        return out

    # ---- expressions, weakest first

    def expression(self) -> Node:
        left = self.ternary()
        if self.token in ("=", "+=", "-=", "*=", "/=", "%=", "^="):
            if left[0] not in ("name", "field", "item"):
                raise AwkSyntaxError("Unexpected token '='")
            operator = self.advance()[:-1]
            right = self.expression()
            return ("assign", left, operator, right)
        return left

    def ternary(self) -> Node:
        test = self.either()
        if not self.accept("?"):
            return test
        yes = self.expression()
        self.expect(":")
        return ("?", test, yes, self.expression())

    def either(self) -> Node:
        left = self.both()
        while self.accept("||"):
            self.skip("\n")
            left = ("||", left, self.both())
        return left

    def both(self) -> Node:
        left = self.member()
        while self.accept("&&"):
            self.skip("\n")
            left = ("&&", left, self.member())
        return left

    def member(self) -> Node:
        left = self.match()
        while self.token == "in":
            self.advance()
            left = ("in", left, self.advance())
        return left

    def match(self) -> Node:
        left = self.comparison()
        while self.token in ("~", "!~"):
            left = (self.advance(), left, self.comparison())
        return left

    def comparison(self) -> Node:
        left = self.concatenation()
        while self.token in ("<", "<=", "==", "!=", ">", ">="):
            if self.token == ">" and self.no_greater:
                break
            left = ("compare", self.advance(), left, self.concatenation())
        return left

    def concatenation(self) -> Node:
        left = self.sum()
        while self._begins():
            left = ("concat", left, self.sum())
        return left

    def _begins(self) -> bool:
        token = self.token
        if not token or token in ("in",) or token in STATEMENTS:
            return False
        if token in ("!=", "!~"):
            return False
        return token[0].isalnum() or token[0] in '_"$(.!' or token in ("++", "--")

    def sum(self) -> Node:
        left = self.product()
        while self.token in ("+", "-"):
            left = ("math", self.advance(), left, self.product())
        return left

    def product(self) -> Node:
        left = self.unary()
        while self.token in ("*", "/", "%"):
            left = ("math", self.advance(), left, self.unary())
        return left

    def unary(self) -> Node:
        if self.token in ("!", "-", "+"):
            return ("unary", self.advance(), self.unary())
        return self.power()

    def power(self) -> Node:
        base = self.postfix()
        if self.accept("^"):
            return ("math", "^", base, self.unary())
        return base

    def postfix(self) -> Node:
        if self.token in ("++", "--"):
            operator = self.advance()
            return ("before", operator, self.primary())
        found = self.primary()
        if self.token in ("++", "--") and found[0] in ("name", "field", "item"):
            return ("after", self.advance(), found)
        return found

    def primary(self) -> Node:
        token = self.token
        if token == "/":
            return self.regex()
        self.advance()
        if token == "(":
            greater, self.no_greater = self.no_greater, False
            inside = [self.expression()]
            while self.accept(","):
                inside.append(self.expression())
            self.expect(")")
            self.no_greater = greater
            return inside[0] if len(inside) == 1 and self.token != "in" else ("group", inside)
        if token == "$":
            return ("field", self.postfix() if self.token in ("++", "--") else self.primary())
        if token[:1] == '"':
            return ("text", unescape(token[1:-1].replace('\\"', '"').replace("\\/", "/")))
        if token[:1].isdigit() or token[:1] == ".":
            return ("number", float(token))
        if not token.isidentifier():
            raise AwkSyntaxError(f"Unexpected token {token or 'end of file'!r}")
        if self.token == "(" and self.text[self.at - 2 : self.at - 1] not in (" ", "\t"):
            return self._call(token)
        if self.accept("["):
            return ("item", token, self.indexes())
        return ("call", token, []) if token == "length" else ("name", token)

    def _call(self, name: str) -> Node:
        self.advance()
        arguments: list[Node] = []
        while self.token != ")":
            arguments.append(self.expression())
            self.accept(",")
            if not self.token:
                raise AwkSyntaxError("Unexpected end of file")
        self.advance()
        return ("call", name, arguments)
