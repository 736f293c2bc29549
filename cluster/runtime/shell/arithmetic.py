"""$((...)): signed 64-bit integers. Models POSIX 2.6.4 with ash's ** and assignments."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping

TOKEN = re.compile(
    r"\s*(0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|<<=|>>=|\*\*|<<|>>|<=|>=|==|!=|&&|\|\||"
    r"\+\+|--|[-+*/%&|^]=|[-+*/%<>=!~&|^?:(),])"
)
LEVELS: list[dict[str, Callable[[int, int], int]]] = [
    {"|": lambda a, b: a | b},
    {"^": lambda a, b: a ^ b},
    {"&": lambda a, b: a & b},
    {"==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b)},
    {"<": lambda a, b: int(a < b), ">": lambda a, b: int(a > b),
     "<=": lambda a, b: int(a <= b), ">=": lambda a, b: int(a >= b)},
    {"<<": lambda a, b: a << (b & 63), ">>": lambda a, b: a >> (b & 63)},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: _divide(a, b),
     "%": lambda a, b: a - b * _divide(a, b)},
]  # fmt: skip
ASSIGN = ("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=")


class ArithmeticError_(Exception):
    pass


def _divide(a: int, b: int) -> int:
    if b == 0:
        raise ArithmeticError_("divide by zero")
    sign = -1 if (a < 0) != (b < 0) else 1
    return sign * (abs(a) // abs(b))


def wrap(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


def evaluate(text: str, variables: MutableMapping[str, str]) -> int:
    """Raises ArithmeticError_."""
    tokens, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise ArithmeticError_("arithmetic syntax error")
        tokens.append(match[1])
        at = match.end()
    if not tokens:
        return 0
    machine = _Evaluator(tokens, variables)
    value = machine.comma()
    if machine.at < len(tokens):
        raise ArithmeticError_("arithmetic syntax error")
    return value


class _Evaluator:
    def __init__(self, tokens: list[str], variables: MutableMapping[str, str]) -> None:
        self.tokens = tokens
        self.variables = variables
        self.at = 0
        self.dry = 0  # inside a branch that is not taken: nothing is assigned

    def peek(self, ahead: int = 0) -> str:
        where = self.at + ahead
        return self.tokens[where] if where < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def comma(self) -> int:
        value = self.assignment()
        while self.peek() == ",":
            self.take()
            value = self.assignment()
        return value

    def assignment(self) -> int:
        name = self.peek()
        if _is_name(name) and self.peek(1) in ASSIGN:
            self.take()
            op = self.take()[:-1]
            value = self.assignment()
            if op:
                level = next(level for level in LEVELS if op in level)
                value = level[op](self.value(name), value)
            return self.assign(name, value)
        return self.ternary()

    def assign(self, name: str, value: int) -> int:
        value = wrap(value)
        if not self.dry:
            self.variables[name] = str(value)
        return value

    def value(self, name: str) -> int:
        text = self.variables.get(name, "").strip()
        if not text:
            return 0
        try:
            return int(text, 0) if not re.fullmatch(r"-?0\d+", text) else int(text, 8)
        except ValueError:
            if _is_name(text) and text != name:
                return self.value(text)
            raise ArithmeticError_("arithmetic syntax error") from None

    def _skipping(self, skip: bool, part: Callable[[], int]) -> int:
        self.dry += skip
        try:
            return part()
        except ArithmeticError_:
            if not skip or self.at >= len(self.tokens):
                raise
            return 0
        finally:
            self.dry -= skip

    def ternary(self) -> int:
        test = self.either()
        if self.peek() != "?":
            return test
        self.take()
        yes = self._skipping(not test, self.assignment)
        if self.take() != ":":
            raise ArithmeticError_("arithmetic syntax error")
        no = self._skipping(bool(test), self.assignment)
        return yes if test else no

    def either(self) -> int:
        value = self.both()
        while self.peek() == "||":
            self.take()
            right = self._skipping(bool(value), self.both)
            value = int(bool(value) or bool(right))
        return value

    def both(self) -> int:
        value = self.binary(0)
        while self.peek() == "&&":
            self.take()
            right = self._skipping(not value, lambda: self.binary(0))
            value = int(bool(value) and bool(right))
        return value

    def binary(self, level: int) -> int:
        if level == len(LEVELS):
            return self.power()
        value = self.binary(level + 1)
        while self.peek() in LEVELS[level]:
            operate = LEVELS[level][self.take()]
            right = self.binary(level + 1)
            value = 0 if self.dry else wrap(operate(value, right))
        return value

    def power(self) -> int:
        base = self.unary()
        if self.peek() != "**":
            return base
        self.take()
        return wrap(pow(base, max(0, self.power()), 2**64))

    def unary(self) -> int:
        token = self.take()
        if token == "-":
            return wrap(-self.unary())
        if token == "+":
            return self.unary()
        if token == "!":
            return int(not self.unary())
        if token == "~":
            return ~self.unary()
        if token in ("++", "--"):
            name = self.take()
            return self.assign(name, self.value(name) + (1 if token == "++" else -1))
        if token == "(":
            value = self.comma()
            if self.take() != ")":
                raise ArithmeticError_("arithmetic syntax error")
            return value
        return self._atom(token)

    def _atom(self, token: str) -> int:
        if token[:1].isdigit():
            try:
                return wrap(int(token, 8 if token[0] == "0" and token.isdigit() else 0))
            except ValueError:
                raise ArithmeticError_("arithmetic syntax error") from None
        if not _is_name(token):
            raise ArithmeticError_("arithmetic syntax error")
        value = self.value(token)
        if self.peek() in ("++", "--"):
            self.assign(token, value + (1 if self.take() == "++" else -1))
        return value


def _is_name(token: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z_]\w*", token))
