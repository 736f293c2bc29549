"""A component inside its worker process: built at the first task, kept between tasks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic

from cluster.client import Component, FencedError, Resource
from workers.switchboard import Switchboard

log = logging.getLogger(__name__)
SLICE = 1.0  # seconds after which a busy component hands over to its next task


class Host:
    """`build` makes the component anew from the log, with a fresh fencing token. `epoch` is the
    store's: when it changes, a snapshot was restored, and nothing a component knows holds."""

    def __init__(
        self,
        name: str,
        build: Callable[[], Component],
        board: Switchboard,
        epoch: Callable[[], int] = lambda: 1,
    ) -> None:
        self._epoch = epoch
        self._built_in = 0
        self.name = name
        self._build = build
        self.board = board
        self._component: Component | None = None
        self._enlisted: frozenset[Resource] = frozenset()

    def drain(self) -> None:
        """Run until clean. What breaks leaves the mark, so that the work is tried again, and the
        component behind, so that it is tried by a new one."""
        mark = self.board.mark(self.name)
        if not mark and self._component is not None:
            return
        if (epoch := self._epoch()) != self._built_in:
            self._component, self._built_in = None, epoch
        component, self._component = self._component or self._build(), None
        end = monotonic() + SLICE
        try:
            while mark := self._once(component, mark):
                if monotonic() > end:
                    self.board.send_to([self.name])
                    break
        except FencedError:
            log.warning("%s runs elsewhere now; this worker stops writing", self.name)
            return
        self._component = component

    def _once(self, component: Component, mark: int) -> int:
        """One run; 0 when clean afterwards, else the next mark."""
        self._enlist(component)
        component.env.informers.sync()  # a change of the clock counts before the clock is asked
        deadline = component.run(component.env.clock.now())
        if self._enlist(component):
            deadline = component.run(component.env.clock.now())
        left = self.board.settle(self.name, mark, deadline)
        if left < 0:  # Redis was restarted
            self._enlisted = frozenset()
        return left

    def _enlist(self, component: Component) -> bool:
        """Before the first look, so that no change falls between look and interest."""
        if component.interests == self._enlisted:
            return False
        self._enlisted = component.interests
        self.board.enlist(self.name, sorted(r.id for r in self._enlisted))
        return True
