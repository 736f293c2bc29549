"""How a library describes a function to the evaluator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cel_expr_python import cel

BOOL, INT, STRING, DYN, LIST, MAP, DOUBLE = (
    cel.Type.BOOL, cel.Type.INT, cel.Type.STRING, cel.Type.DYN, cel.Type.LIST, cel.Type.MAP,
    cel.Type.DOUBLE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    parameters: tuple[Any, ...]
    returns: Any
    implementation: Callable[..., Any]
    member: bool = True

    def overload(self, number: int) -> Any:
        return cel.Overload(
            f"kubernetes_{self.name.replace('.', '_')}_{number}",
            return_type=self.returns,
            parameters=list(self.parameters),
            is_member=self.member,
            impl=self.implementation,
        )


def total(
    name: str, parameters: tuple[Any, ...], returns: Any, implementation: Callable[..., Any]
) -> Signature:
    """A function that is not called on a value."""
    return Signature(name, parameters, returns, implementation, member=False)
