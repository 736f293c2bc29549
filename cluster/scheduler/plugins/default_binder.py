"""DefaultBinder: POSTs the pod's binding. Models plugins/defaultbinder."""

from __future__ import annotations

from collections.abc import Callable

from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object
from cluster.scheduler.framework import BindPlugin, Pending


class DefaultBinder(BindPlugin):
    name = "DefaultBinder"

    def bind(
        self,
        pod: Pending,
        node: str,
        on_done: Callable[[Object], None],
        on_error: Callable[[StatusError], None],
    ) -> bool:
        self.handle.env.client.bind(
            pod.obj, node, beside=pod.beside, on_done=on_done, on_error=on_error
        )
        return True
