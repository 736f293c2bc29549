"""Bootstrap tokens: what `kubeadm join` logs in with, kept in Secrets of kube-system.

Models plugin/pkg/auth/authenticator/token/bootstrap.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from hmac import compare_digest

from cluster.apiserver.authn.serviceaccounts import Lookup
from cluster.apiserver.operations import User
from cluster.apiserver.resources import SECRETS
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object

TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
TYPE = "bootstrap.kubernetes.io/token"
NAMESPACE, PREFIX = "kube-system", "bootstrap-token-"
GROUP = "system:bootstrappers"
EXTRA_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class BootstrapTokens:
    """`now` is the cluster's time."""

    def __init__(self, lookup: Lookup, now: Callable[[], float]) -> None:
        self._lookup = lookup
        self._now = now

    def authenticate(
        self, token: str, audiences: tuple[str, ...] = ()
    ) -> tuple[User, tuple[str, ...]] | None:
        match = TOKEN.fullmatch(token)
        if match is None:
            return None
        secret = self._lookup.find(SECRETS, NAMESPACE, PREFIX + match[1])
        if (
            secret is None
            or secret.get("type") != TYPE
            or "deletionTimestamp" in secret["metadata"]
        ):
            return None
        data = plain(secret)
        good = compare_digest(data.get("token-secret", ""), match[2])
        if not good or data.get("token-id") != match[1] or ended(data) <= self._now():
            return None
        if data.get("usage-bootstrap-authentication") != "true":
            return None
        wanted = [g for g in data.get("auth-extra-groups", "").split(",") if g]
        if not all(EXTRA_GROUP.fullmatch(g) for g in wanted):
            return None
        return User(f"system:bootstrap:{match[1]}", (GROUP, *wanted)), audiences


def plain(secret: Object) -> dict[str, str]:
    found = secret.get("data") or {}
    return {k: base64.b64decode(v or "").decode("utf-8", "replace") for k, v in found.items()}


def ended(data: dict[str, str]) -> float:
    """The moment of its expiration; what cannot be read is over."""
    text = data.get("expiration", "")
    if not text:
        return float("inf")
    try:
        return parse_time(text)
    except ValueError:
        return 0.0
