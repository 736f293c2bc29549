"""Tokens of service accounts: made by TokenRequest, or for a Secret; checked against the cluster.

A token is as good as what it is bound to: its account, and the Pod, Secret or Node it names, must
still be there with the same uid. Expiry is in cluster time. Models pkg/serviceaccount.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol
from uuid import uuid4

from cluster.apiserver.authn.groups import account_groups, account_name
from cluster.apiserver.authn.jwt import Claims, NotOurs, TokenKey
from cluster.apiserver.operations import User
from cluster.apiserver.resources import NODES, PODS, SECRETS, SERVICE_ACCOUNTS, Resource
from cluster.machinery import errors
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object

ISSUER = "https://kubernetes.default.svc.cluster.local"
LEGACY_ISSUER = "kubernetes/serviceaccount"
LEGACY = "kubernetes.io/serviceaccount/"
CLAIM = "kubernetes.io"
BOUND: dict[str, Resource] = {"pod": PODS, "secret": SECRETS, "node": NODES}
EXTRA = "authentication.kubernetes.io/"
GRACE = 60  # seconds that a token outlives the deletion of its pod
MIN_SECONDS = 600
# What admission asks for in a pod; such a token is extended, since old clients never read it again.
PROJECTED_SECONDS = 3607
EXTENDED_SECONDS = 365 * 24 * 3600
REMEMBERED = 4096  # verified signatures, tokens of pods


class Lookup(Protocol):
    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """As it is now."""
        ...


class ServiceAccountTokens:
    """`now` is the cluster's time."""

    def __init__(
        self, key: TokenKey, lookup: Lookup, now: Callable[[], float], issuer: str = ISSUER
    ) -> None:
        self.key = key
        self.issuer = issuer
        self.audiences = (issuer,)
        self._lookup = lookup
        self._now = now
        self._of_pods: OrderedDict[tuple[str, str, int], tuple[float, str]] = OrderedDict()
        self._verified: OrderedDict[str, Claims] = OrderedDict()

    # ---- making

    def issue(
        self,
        account: Object,
        seconds: int,
        audiences: tuple[str, ...] = (),
        bound: Object | None = None,
        warn_after: int = 0,
    ) -> str:
        """`bound` is the object without which the token is void; `warn_after`: the seconds it was
        asked for when it lives longer than that."""
        meta, now = account["metadata"], int(self._now())
        own: Claims = {
            "namespace": meta["namespace"],
            "serviceaccount": {"name": meta["name"], "uid": meta["uid"]},
        }
        if bound is not None:
            own |= self._bound(bound)
        if warn_after:
            own["warnafter"] = now + warn_after
        return self.key.sign(
            {
                "aud": list(audiences or self.audiences),
                "exp": now + seconds,
                "iat": now,
                "iss": self.issuer,
                "jti": str(uuid4()),
                CLAIM: own,
                "nbf": now,
                "sub": account_name(meta["namespace"], meta["name"]),
            }
        )

    def of_pod(self, pod: Object, audience: str, seconds: int) -> str:
        """What a kubelet mounts: a new one when four fifths of the last one's time are over.
        Empty when the account is gone. Models pkg/kubelet/token."""
        meta, key = pod["metadata"], (pod["metadata"]["uid"], audience, seconds)
        until, token = self._of_pods.get(key, (0.0, ""))
        now = self._now()
        if now < until:
            return token
        account = self._lookup.find(
            SERVICE_ACCOUNTS, meta["namespace"], pod["spec"].get("serviceAccountName", "")
        )
        if account is None:
            return ""
        extended = seconds == PROJECTED_SECONDS and not audience
        lasts = EXTENDED_SECONDS + seconds if extended else max(seconds, MIN_SECONDS)
        token = self.issue(
            account, lasts, (audience,) if audience else (), pod, seconds if extended else 0
        )
        self._of_pods[key] = (now + seconds * 0.8, token)
        while len(self._of_pods) > REMEMBERED:
            self._of_pods.popitem(last=False)
        return token

    def _bound(self, bound: Object) -> Claims:
        meta = bound["metadata"]
        out: Claims = {bound["kind"].lower(): {"name": meta["name"], "uid": meta["uid"]}}
        node = bound["spec"].get("nodeName", "") if bound["kind"] == "Pod" else ""
        if node:
            found = self._lookup.find(NODES, "", node)
            out["node"] = {"name": node}
            if found is not None:
                out["node"]["uid"] = found["metadata"]["uid"]
        return out

    # ---- checking

    def authenticate(
        self, token: str, audiences: tuple[str, ...] = ()
    ) -> tuple[User, tuple[str, ...]] | None:
        """Raises StatusError 401 for a token of ours that is not good (any more)."""
        claims = self._claims(token)
        if claims is None:
            return None
        if claims.get("iss") == LEGACY_ISSUER:
            return self._legacy(token, claims), audiences or self.audiences
        meant = _common(claims, audiences or self.audiences)
        now = self._now()
        if not meant:
            raise _refused("token audiences are not valid for the audiences of the request")
        if claims.get("exp", 0) <= now or claims.get("nbf", 0) > now + GRACE:
            raise _refused("service account token has expired")
        own = claims.get(CLAIM) or {}
        user = self._account(own.get("namespace", ""), own.get("serviceaccount") or {})
        extra: list[tuple[str, tuple[str, ...]]] = [
            (f"{EXTRA}credential-id", (f"JTI={claims.get('jti', '')}",))
        ]
        for kind in BOUND:
            if kind in own:
                self._check_bound(kind, own)
                if kind != "secret":
                    extra += _told(kind, own[kind])
        return User(user.name, user.groups, user.uid, tuple(extra)), meant

    def _claims(self, token: str) -> Claims | None:
        known = self._verified.get(token)
        if known is not None:
            return known
        try:
            claims = self.key.verify(token)
        except NotOurs:
            return None
        if claims.get("iss") not in (self.issuer, LEGACY_ISSUER):
            return None
        self._verified[token] = claims
        while len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return claims

    def _account(self, namespace: str, ref: dict[str, Any]) -> User:
        name, uid = ref.get("name", ""), ref.get("uid", "")
        found = self._lookup.find(SERVICE_ACCOUNTS, namespace, name)
        if found is None or self._gone(found):
            raise _refused("service account token has been invalidated")
        if uid != found["metadata"].get("uid"):
            raise _refused(f"service account UID ({found['metadata'].get('uid')}) does not match")
        return User(account_name(namespace, name), account_groups(namespace), uid)

    def _check_bound(self, kind: str, own: dict[str, Any]) -> None:
        ref, namespace = own[kind], "" if kind == "node" else own.get("namespace", "")
        if kind == "node" and "pod" in own:
            return  # told, but the token is bound to the pod
        found = self._lookup.find(BOUND[kind], namespace, ref.get("name", ""))
        if found is None or self._gone(found) or found["metadata"].get("uid") != ref.get("uid"):
            raise _refused("service account token has been invalidated")

    def _gone(self, obj: Object) -> bool:
        stamp = obj["metadata"].get("deletionTimestamp")
        return bool(stamp) and parse_time(stamp) + GRACE < self._now()

    def _legacy(self, token: str, claims: Claims) -> User:
        """Of a Secret of type kubernetes.io/service-account-token, which must still hold it."""
        namespace, secret = claims.get(f"{LEGACY}namespace"), claims.get(f"{LEGACY}secret.name")
        found = self._lookup.find(SECRETS, namespace or "", secret or "")
        held = ((found or {}).get("data") or {}).get("token", "")
        if found is None or base64.b64decode(held or "").decode() != token:
            raise _refused("service account token has been invalidated")
        ref = {
            "name": claims.get(f"{LEGACY}service-account.name", ""),
            "uid": claims.get(f"{LEGACY}service-account.uid", ""),
        }
        return self._account(namespace or "", ref)

    # ---- OpenID discovery

    def configuration(self, base: str) -> Object:
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{base}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.key.algorithm],
        }

    def keys(self) -> Object:
        return {"keys": [self.key.jwk()]}


def legacy_token(key: TokenKey, account: Object, secret: str) -> str:
    """What the tokens controller puts into a Secret. Models LegacyClaims."""
    meta = account["metadata"]
    return key.sign(
        {
            "iss": LEGACY_ISSUER,
            f"{LEGACY}namespace": meta["namespace"],
            f"{LEGACY}secret.name": secret,
            f"{LEGACY}service-account.name": meta["name"],
            f"{LEGACY}service-account.uid": meta["uid"],
            "sub": account_name(meta["namespace"], meta["name"]),
        }
    )


def _common(claims: Claims, wanted: tuple[str, ...]) -> tuple[str, ...]:
    given = claims.get("aud") or ()
    given = (given,) if isinstance(given, str) else given
    return tuple(a for a in wanted if a in given)


def _told(kind: str, ref: dict[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    fields = (("name", ref.get("name")), ("uid", ref.get("uid")))
    return [(f"{EXTRA}{kind}-{field}", (value,)) for field, value in fields if value]


def _refused(why: str) -> errors.StatusError:
    """TokenReviews tell why; requests are just unauthorized."""
    return errors.StatusError(401, "Unauthorized", why)
