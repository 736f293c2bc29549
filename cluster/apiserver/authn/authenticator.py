"""From what a connection and a request bring to a User. Models the union of authenticators."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Protocol

from cluster.apiserver.authn.groups import ANONYMOUS, AUTHENTICATED
from cluster.apiserver.operations import User
from cluster.machinery import errors
from cluster.machinery.errors import StatusError

# What system:public-info-viewer lets everybody see; everything else wants a name.
PUBLIC = frozenset({"/healthz", "/livez", "/readyz", "/version"})
CREDENTIAL = "authentication.kubernetes.io/credential-id"
PUBLIC_BELOW = ("/livez/", "/readyz/", "/healthz/")


# How a browser, which cannot set headers, brings its token to a websocket.
BEARER_PROTOCOL = "base64url.bearer.authorization.k8s.io."


def of_subprotocols(offered: Iterable[str] | None) -> str:
    """The Authorization header that a websocket's subprotocols stand for; or empty. Models
    apiserver/pkg/authentication/request/websocket."""
    for protocol in offered or ():
        if protocol.startswith(BEARER_PROTOCOL):
            text = protocol.removeprefix(BEARER_PROTOCOL)
            try:
                return f"Bearer {base64.urlsafe_b64decode(text + '=' * (-len(text) % 4)).decode()}"
            except ValueError:
                return "Bearer -"
    return ""


class TokenSource(Protocol):
    """A further kind of bearer token, asked when the static ones know none."""

    def authenticate(
        self, token: str, audiences: tuple[str, ...] = ()
    ) -> tuple[User, tuple[str, ...]] | None:
        """The user and for whom the token is meant; None for a token of another kind. Raises
        StatusError for one of this kind that is not valid."""
        ...


class Authenticator:
    """`tokens` maps bearer tokens to users; `sources` are asked in turn."""

    def __init__(
        self, tokens: Mapping[str, User] | None = None, sources: Iterable[TokenSource] = ()
    ) -> None:
        self._tokens = dict(tokens or {})
        self.sources = list(sources)

    def identify(
        self,
        certificate: tuple[str, list[str]] | None,
        authorization: str,
        path: str,
        foreign: bool = False,
        credential: str = "",
    ) -> User:
        """The user, or StatusError 401. `certificate` is (CN, [O, ...]) of one that our authority
        signed, `credential` its identity; `foreign`: the connection brought one that it did not
        sign."""
        if certificate is not None and certificate[0]:
            extra = ((CREDENTIAL, (credential,)),) if credential else ()
            return User(certificate[0], (*certificate[1], AUTHENTICATED), "", extra)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            try:
                return self.review(token.strip())[0]
            except StatusError as error:
                raise errors.unauthorized() from error
        if not foreign and (path in PUBLIC or path.startswith(PUBLIC_BELOW)):
            return ANONYMOUS
        raise errors.unauthorized()

    def review(self, token: str, audiences: tuple[str, ...] = ()) -> tuple[User, tuple[str, ...]]:
        """Whose token it is, and for which of `audiences`. Raises StatusError 401."""
        user = self._tokens.get(token)
        if user is not None:
            return _authenticated(user), audiences
        for source in self.sources:
            found = source.authenticate(token, audiences)
            if found is not None:
                return _authenticated(found[0]), found[1]
        raise errors.unauthorized()


def _authenticated(user: User) -> User:
    if AUTHENTICATED in user.groups:
        return user
    return User(user.name, (*user.groups, AUTHENTICATED), user.uid, user.extra)
