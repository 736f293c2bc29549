"""What a caller asks of the registry: one Operation a request, in process or over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cluster.apiserver.resources import Resource
from cluster.etcd.api import Origin
from cluster.machinery.meta import Object

if TYPE_CHECKING:
    from cluster.apiserver.authz import Authorizer

Verb = Literal["create", "update", "patch", "delete"]
Propagation = Literal["", "Orphan", "Background", "Foreground"]


@dataclass(frozen=True, slots=True)
class User:
    """Models user.Info: who asks."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """Create, Update, Patch and DeleteOptions in one. grace None means the kind's default."""

    dry_run: bool = False
    field_manager: str = ""
    grace: int | None = None
    propagation: Propagation = ""
    uid: str = ""
    resource_version: str = ""


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Beside:
    """An object that is written in the same transaction, past admission: a component's own record
    of what it did. `resource` belongs to orrery.sim."""

    resource: Resource
    obj: Object
    ttl: int = 0


@dataclass(slots=True)
class Operation:
    """`body` for create and update; `transform` for patch: it gets the current object (or the
    subresource's view of it), must not change it, and returns the new one. `base` is the caller's
    cached current object: it saves a read and makes the write conditional on its version.
    `warnings` is where the caller wants to be told what he should know beside the result.
    `apply`: `transform` is a server-side apply, which also creates (it then gets {}), and which
    has settled the managedFields itself. `version`: the one the client wrote, when it is not that
    of `resource`. `beside` is only for updates.
    `authorizer` knows the rights of a user from outside; without one the caller is a trusted
    component."""

    verb: Verb
    resource: Resource
    namespace: str
    name: str
    user: User
    body: Object | None = None
    transform: Callable[[Object], Object] | None = None
    subresource: str = ""
    apply: bool = False
    version: Resource | None = None
    options: Options = NO_OPTIONS
    origin: Origin = field(default=Origin())
    base: Object | None = None
    beside: Beside | None = None
    warnings: list[str] | None = None
    authorizer: Authorizer | None = None
