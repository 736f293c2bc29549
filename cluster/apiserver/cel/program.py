"""Expressions compiled once, run often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_encoders, ext_math, ext_optional, ext_strings

from cluster.apiserver.cel.library import functions

# What the evaluator has built in but does not switch on by itself.
CONFIG = "name: kubernetes\nextensions:\n- name: bindings\n- name: two-var-comprehensions\n"
LITERAL = re.compile(
    r"""[rRbB]{0,2}("{3}.*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.S
)
WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
MISSING = re.compile(r'NOT_FOUND: Key not found in map : "?(.*?)"?$')
UNDECLARED = re.compile(r"undeclared reference to '(\w+)\.[\w.]*'")
INDEX = re.compile(r"(?:Index error: )?index=(-?\d+) size=")


class CompileError(Exception):
    """`text` as the API shows it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class EvaluationError(Exception):
    """What went wrong at run time, in cel-go's words."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def extensions() -> list[Any]:
    return [
        ext_strings.ExtStrings(),
        ext_math.ExtMath(),
        ext_optional.ExtOptional(),
        ext_encoders.ExtEncoders(),
        cel.CelExtension("kubernetes", functions()),
    ]


@lru_cache(maxsize=64)
def _environment(variables: tuple[str, ...]) -> Any:
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(CONFIG),
        variables=dict.fromkeys(variables, cel.Type.DYN),
        extensions=extensions(),
    )


class Program:
    def __init__(self, expression: str, compiled: Any) -> None:
        self.expression = expression
        self._compiled = compiled
        self.returns: str = compiled.return_type().name()
        self.words = words_of(expression)

    def uses(self, variable: str) -> bool:
        return variable in self.words

    def run(self, data: Mapping[str, Any]) -> Any:
        """The value as Python has it. Raises EvaluationError."""
        found = self._compiled.eval(data=data)
        if found.type().name() == "ERROR":
            raise EvaluationError(go_text(str(found.value())))
        return found.plain_value()


def words_of(expression: str) -> frozenset[str]:
    """The identifiers that an expression names, those in strings excluded."""
    return frozenset(WORD.findall(LITERAL.sub("''", expression)))


@lru_cache(maxsize=4096)
def compile_expression(
    expression: str, variables: tuple[str, ...], returns: tuple[str, ...] = ()
) -> Program:
    """`returns` are the types it may have; dyn always may. Raises CompileError."""
    try:
        compiled = _environment(variables).compile(expression)
    except RuntimeError as error:
        raise CompileError(f"compilation failed: {_first(str(error))}") from error
    program = Program(expression, compiled)
    if returns and program.returns not in (*returns, "DYN", "ERROR"):
        wanted = returns[0].lower()
        raise CompileError(f"must evaluate to {wanted}")
    return program


def compile_text(environment: Any, expression: str) -> str | None:
    """What the compiler says against an expression; None when it takes it."""
    try:
        environment.compile(expression)
    except RuntimeError as error:
        return _first(str(error))
    return None


def _first(text: str) -> str:
    """Without the status code around cel's own words."""
    text = text.removeprefix("INVALID_ARGUMENT: ")
    text = text.removesuffix(" [INVALID_ARGUMENT]").rstrip()
    return UNDECLARED.sub(r"undeclared reference to '\1'", text)


def go_text(text: str) -> str:
    """The evaluator's error as cel-go words it."""
    if match := MISSING.search(text):
        return f"no such key: {match[1]}"
    if match := INDEX.search(text):
        return f"index out of bounds: {match[1]}"
    if "No matching overload" in text:
        return "no such overload"
    if "divide by zero" in text:
        return "division by zero"
    if "overflow" in text:
        return "integer overflow"
    return text.partition(": ")[2] or text
