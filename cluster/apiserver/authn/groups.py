"""Names that authentication gives, which bindings refer to."""

from __future__ import annotations

from cluster.apiserver.operations import User

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))
SERVICE_ACCOUNT = "system:serviceaccount:"
ACCOUNTS = "system:serviceaccounts"


def account_name(namespace: str, name: str) -> str:
    return f"{SERVICE_ACCOUNT}{namespace}:{name}"


def account_groups(namespace: str) -> tuple[str, ...]:
    """Models serviceaccount.MakeGroupNames."""
    return (ACCOUNTS, f"{ACCOUNTS}:{namespace}")


def split_account(user: str) -> tuple[str, str] | None:
    """(namespace, name) of a service account's user name."""
    if not user.startswith(SERVICE_ACCOUNT):
        return None
    namespace, colon, name = user.removeprefix(SERVICE_ACCOUNT).partition(":")
    return (namespace, name) if colon and namespace and name and ":" not in name else None
