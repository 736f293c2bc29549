"""Admission: what may be stored depends on more than the object itself.

Plugins run in upstream's order. `admit` changes `new` in place or raises StatusError; `new` is
None for a deletion, `old` is None for a creation. Models plugin/pkg/admission.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.apiserver.admission import (
    namespace_lifecycle,
    priority,
    service_account,
    toleration_seconds,
)
from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object

Plugin = Callable[[Context, Object | None, Object | None], None]

PLUGINS: dict[str, Plugin] = {
    "NamespaceLifecycle": namespace_lifecycle.admit,
    "ServiceAccount": service_account.admit,
    "DefaultTolerationSeconds": toleration_seconds.admit,
    "Priority": priority.admit,
}


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    for plugin in PLUGINS.values():
        plugin(ctx, new, old)


def admit_namespace(ctx: Context, new: Object) -> None:
    """Only the plugin whose answer differs between pods of one template."""
    namespace_lifecycle.admit(ctx, new, None)
