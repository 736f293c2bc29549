"""Acting as somebody else: `--as`, `--as-group`, `--as-uid`, `--as-user-extra`.

Each of the four is a right of its own. Models apiserver/pkg/endpoints/filters/impersonation.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from cluster.apiserver.authn.groups import (
    ACCOUNTS,
    ANONYMOUS,
    AUTHENTICATED,
    SERVICE_ACCOUNT,
    UNAUTHENTICATED,
    account_groups,
    split_account,
)
from cluster.apiserver.authz import Attributes, Authorizer
from cluster.apiserver.operations import User
from cluster.machinery import errors

PREFIX = b"impersonate-"
EXTRA = "impersonate-extra-"
AUTHENTICATION = "authentication.k8s.io"
Headers = Iterable[tuple[bytes, bytes]]


@dataclass(slots=True)
class Wish:
    """What the headers ask for."""

    name: str = ""
    uid: str = ""
    groups: list[str] = field(default_factory=list)
    extra: dict[str, list[str]] = field(default_factory=dict)

    def questions(self) -> Iterator[Attributes]:
        """What the caller must be allowed, each on its own."""
        account = split_account(self.name)
        if account is not None:
            namespace, name = account
            yield Attributes("impersonate", "", "v1", "serviceaccounts", "", namespace, name)
        else:
            yield Attributes("impersonate", "", "v1", "users", name=self.name)
        for group in self.groups:
            yield Attributes("impersonate", "", "v1", "groups", name=group)
        for key, values in self.extra.items():
            for value in values:
                yield Attributes("impersonate", AUTHENTICATION, "v1", "userextras", key, name=value)
        if self.uid:
            yield Attributes("impersonate", AUTHENTICATION, "v1", "uids", name=self.uid)


def impersonated(authorizer: Authorizer, user: User, headers: Headers) -> User:
    """Whom the request is to be carried out as. Raises StatusError 403 for who may not."""
    wish = _wish(headers)
    if wish is None:
        return user
    for asked in wish.questions():
        authorizer.authorize(user, asked)
    return _become(wish)


def _wish(headers: Headers) -> Wish | None:
    found = [(k, v) for k, v in headers if k[:12].lower() == PREFIX]
    if not found:
        return None
    wish = Wish()
    for raw, value in found:
        key, text = raw.decode("latin-1").lower(), value.decode("utf-8", "replace")
        if key == "impersonate-user":
            wish.name = text
        elif key == "impersonate-group":
            wish.groups.append(text)
        elif key == "impersonate-uid":
            wish.uid = text
        elif key.startswith(EXTRA):
            wish.extra.setdefault(unquote(key.removeprefix(EXTRA)), []).append(text)
    if not wish.name and (wish.groups or wish.extra or wish.uid):
        # Upstream answers 500 here, which says that the server is broken.
        raise errors.bad_request("requested impersonation without impersonating a user")
    return wish if wish.name else None


def _become(wish: Wish) -> User:
    groups = list(wish.groups)
    if wish.name.startswith(SERVICE_ACCOUNT) and not groups:
        account = split_account(wish.name)
        groups += account_groups(account[0]) if account is not None else (ACCOUNTS,)
    if wish.name != ANONYMOUS.name:
        if AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
            groups.append(AUTHENTICATED)
    elif UNAUTHENTICATED not in groups:
        groups.append(UNAUTHENTICATED)
    extra = tuple((key, tuple(values)) for key, values in wish.extra.items())
    return User(wish.name, tuple(groups), wish.uid, extra)
