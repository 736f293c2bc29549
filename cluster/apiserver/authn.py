"""Who is asking: client certificates and bearer tokens. Models k8s.io/apiserver authentication."""

from __future__ import annotations

from collections.abc import Mapping

from cluster.apiserver.operations import User
from cluster.machinery import errors

AUTHENTICATED = "system:authenticated"
MASTERS = "system:masters"
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
# What system:public-info-viewer lets everybody see.
PUBLIC = frozenset({"/healthz", "/livez", "/readyz", "/version"})


class Authenticator:
    """`tokens` maps bearer tokens to users."""

    def __init__(self, tokens: Mapping[str, User] | None = None) -> None:
        self._tokens = dict(tokens or {})

    def identify(
        self, certificate: tuple[str, list[str]] | None, authorization: str, path: str
    ) -> User:
        """The user, or StatusError 401. A certificate was verified by TLS: (CN, [O, ...])."""
        if certificate is not None and certificate[0]:
            return User(certificate[0], (*certificate[1], AUTHENTICATED))
        if authorization.startswith("Bearer "):
            user = self._tokens.get(authorization[7:].strip())
            if user is None:
                raise errors.unauthorized()
            return User(user.name, (*user.groups, AUTHENTICATED), user.uid)
        if path in PUBLIC or path.startswith(("/livez/", "/readyz/", "/healthz/")):
            return ANONYMOUS
        raise errors.unauthorized()


def authorize(user: User, verb: str, resource: str, group: str, namespace: str) -> None:
    """RBAC is not here yet: members of system:masters and the cluster's own components may do
    everything, everybody else may do nothing. Raises StatusError 403."""
    if MASTERS in user.groups:
        return
    where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
    raise errors.forbidden(
        resource,
        group,
        "",
        f'User "{user.name}" cannot {verb} resource "{resource}" in API group "{group}"{where}',
    )
