"""if, for, while, case and { }, and how one leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.runtime.kernel import TICK, Run
from cluster.runtime.shell import expansion, patterns
from cluster.runtime.shell.nodes import Case, Command, For, Group, If, While

if TYPE_CHECKING:
    from cluster.runtime.shell.interpreter import Shell


class Control(Exception):
    """`levels` loops to leave."""

    def __init__(self, levels: int = 1) -> None:
        super().__init__(levels)
        self.levels = levels


class Broken(Control):
    pass


class Continued(Control):
    pass


class Returned(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Exited(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


CONTROL = (Broken, Continued)


def compound(shell: Shell, node: Command) -> Run:
    if isinstance(node, Group):
        return (yield from shell.sequence(node.body))
    if isinstance(node, If):
        return (yield from _if(shell, node))
    if isinstance(node, For):
        return (yield from _for(shell, node))
    if isinstance(node, While):
        return (yield from _while(shell, node))
    assert isinstance(node, Case)
    return (yield from _case(shell, node))


def _if(shell: Shell, node: If) -> Run:
    for test, body in node.branches:
        shell.unchecked += 1
        try:
            yield from shell.sequence(test)
        finally:
            shell.unchecked -= 1
        if shell.status == 0:
            return (yield from shell.sequence(body))
    shell.status = 0
    if node.otherwise is not None:
        yield from shell.sequence(node.otherwise)
    return shell.status


def _for(shell: Shell, node: For) -> Run:
    if node.words is None:
        items = list(shell.arguments)
    else:
        items = yield from expansion.fields(shell, node.words)
    shell.status = 0
    for item in items:
        shell.set(node.name, item)
        if not (yield from _turn(shell, node)):
            break
    return shell.status


def _while(shell: Shell, node: While) -> Run:
    last = 0
    while True:
        yield TICK
        shell.unchecked += 1
        try:
            yield from shell.sequence(node.test)
        finally:
            shell.unchecked -= 1
        if (shell.status == 0) == node.until:
            shell.status = last
            return last
        shell.status = 0
        if not (yield from _turn(shell, node)):
            return shell.status
        last = shell.status


def _turn(shell: Shell, node: For | While) -> Run:
    """One round of a loop; 0 when it was the last."""
    try:
        yield from shell.sequence(node.body)
    except Broken as broken:
        if broken.levels > 1:
            raise Broken(broken.levels - 1) from None
        return 0
    except Continued as continued:
        if continued.levels > 1:
            raise Continued(continued.levels - 1) from None
    return 1


def _case(shell: Shell, node: Case) -> Run:
    value = yield from expansion.text(shell, node.word)
    for wanted, body in node.branches:
        for word in wanted:
            if patterns.matches((yield from expansion.pattern(shell, word)), value):
                shell.status = 0
                return (yield from shell.sequence(body))
    shell.status = 0
    return 0
