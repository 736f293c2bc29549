"""What goes wrong, in etcd's words and gRPC's codes. Models api/v3rpc/rpctypes/error.go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from django.db import Error as DatabaseError
from grpc import StatusCode

from cluster.etcd.api import (
    CompactedError,
    FutureRevisionError,
    LeaseNotFoundError,
    NoSpaceError,
)


class EtcdError(Exception):
    """An answer other than success."""

    def __init__(self, code: StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code


def _invalid(text: str) -> EtcdError:
    return EtcdError(StatusCode.INVALID_ARGUMENT, f"etcdserver: {text}")


EMPTY_KEY = _invalid("key is not provided")
KEY_NOT_FOUND = _invalid("key not found")
VALUE_PROVIDED = _invalid("value is provided")
LEASE_PROVIDED = _invalid("lease is provided")
TOO_MANY_OPS = _invalid("too many operations in txn request")
DUPLICATE_KEY = _invalid("duplicate key given in txn request")
TOO_LARGE = _invalid("request is too large")
INVALID_SORT = _invalid("invalid sort option")
LEASE_NOT_FOUND = EtcdError(StatusCode.NOT_FOUND, "etcdserver: requested lease not found")
LEASE_EXISTS = EtcdError(StatusCode.FAILED_PRECONDITION, "etcdserver: lease already exists")
TTL_TOO_LARGE = EtcdError(StatusCode.OUT_OF_RANGE, "etcdserver: too large lease TTL")
MEMBER_NOT_FOUND = EtcdError(StatusCode.NOT_FOUND, "etcdserver: member not found")
NOT_LEARNER = EtcdError(
    StatusCode.FAILED_PRECONDITION, "etcdserver: can only promote a learner member"
)
NO_ROOT_USER = EtcdError(StatusCode.FAILED_PRECONDITION, "etcdserver: root user does not exist")
AUTH_NOT_ENABLED = EtcdError(
    StatusCode.FAILED_PRECONDITION, "etcdserver: authentication is not enabled"
)
UNHEALTHY = EtcdError(StatusCode.UNAVAILABLE, "etcdserver: unhealthy cluster")
NO_ROOM = EtcdError(StatusCode.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded")
COMPACTED = EtcdError(
    StatusCode.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted"
)
FUTURE = EtcdError(
    StatusCode.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision"
)
BAD_LEADER = EtcdError(StatusCode.FAILED_PRECONDITION, "etcdserver: bad leader transferee")
NO_ANSWER = EtcdError(StatusCode.UNAVAILABLE, "etcdserver: request timed out")

OF: dict[type[Exception], EtcdError] = {
    CompactedError: COMPACTED,
    FutureRevisionError: FUTURE,
    LeaseNotFoundError: LEASE_NOT_FOUND,
    NoSpaceError: NO_ROOM,
}
STORE_ERRORS = tuple(OF)
Unary = Callable[[Any, Any], Awaitable[Any]]


def answering(handler: Unary) -> Unary:
    """The handler; what it raises becomes the call's status."""

    @wraps(handler)
    async def wrapped(request: Any, context: Any) -> Any:
        try:
            return await handler(request, context)
        except EtcdError as error:
            found = error
        except STORE_ERRORS as error:
            found = OF[type(error)]
        except DatabaseError:
            found = NO_ANSWER
        return await context.abort(found.code, str(found))

    return wrapped
