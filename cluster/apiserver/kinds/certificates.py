"""CertificateSigningRequests: who asked is recorded, what was asked never changes.

/approval sets Approved and Denied, /status everything else. Models pkg/apis/certificates,
pkg/registry/certificates and the admission plugins CertificateApproval, CertificateSigning and
CertificateSubjectRestriction.
"""

from __future__ import annotations

import re

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.strategy import Context
from cluster.machinery import errors, signing
from cluster.machinery.clock import format_time
from cluster.machinery.errors import Cause, duplicate, forbidden_field, invalid_value, required
from cluster.machinery.errors import not_supported as unsupported
from cluster.machinery.meta import Object

GROUP = "certificates.k8s.io"
USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign",
    "data encipherment", "decipher only", "digital signature", "email protection",
    "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement",
    "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth",
    "signing", "timestamping",
)  # fmt: skip
MIN_SECONDS = 600
SIGNER = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+/.+")
DECISIONS = ("Approved", "Denied")
MASTERS = "system:masters"
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"
LEGACY_SIGNER = "kubernetes.io/legacy-unknown"


class CertificateSigningRequests(Kind):
    has_status = True
    name_rule = staticmethod(names.path_segment)

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        user, spec = ctx.operation.user, obj.setdefault("spec", {})
        for field in ("username", "uid", "groups", "extra"):
            spec.pop(field, None)
        spec["username"] = user.name
        if user.uid:
            spec["uid"] = user.uid
        if user.groups:
            spec["groups"] = list(user.groups)
        if user.extra:
            spec["extra"] = {key: list(values) for key, values in user.extra}
        obj["status"] = {}

    def validate(self, ctx: Context, obj: Object) -> list[Cause]:
        causes = super().validate(ctx, obj)
        if not causes:
            self._restrict(ctx, obj)
        return causes

    @staticmethod
    def _restrict(ctx: Context, obj: Object) -> None:
        """CertificateSubjectRestriction."""
        spec = obj["spec"]
        if spec["signerName"] != CLIENT_SIGNER:
            return
        if MASTERS in signing.request_of(spec["request"]).organizations:
            why = f"use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed"
            name = obj["metadata"].get("name", "")
            raise errors.forbidden("certificatesigningrequests", GROUP, name, why)

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        self._keep(new, old, "spec")
        self._keep(new, old, "status")

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        try:
            signing.request_of(spec.get("request") or "")
        except signing.RequestError as error:
            causes.append(invalid_value("spec.request", spec.get("request", ""), str(error)))
        causes += _check_usages(spec.get("usages") or [])
        causes += _check_signer(spec.get("signerName") or "")
        seconds = spec.get("expirationSeconds")
        if seconds is not None and seconds < MIN_SECONDS:
            text = "may not specify a duration less than 600 seconds (10 minutes)"
            causes.append(invalid_value("spec.expirationSeconds", seconds, text))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return []

    # ---- /approval and /status

    def view(self, ctx: Context, subresource: str, obj: Object) -> Object:
        return obj if subresource == "approval" else super().view(ctx, subresource, obj)

    def put(self, ctx: Context, subresource: str, new: Object, old: Object) -> Object:
        if subresource != "approval":
            return super().put(ctx, subresource, new, old)
        out = {**old, "metadata": {**new["metadata"]}}
        status = {**(old.get("status") or {})}
        status["conditions"] = (new.get("status") or {}).get("conditions") or []
        out["status"] = _stamped(ctx, status, old)
        causes = _check_conditions(out) + _frozen(out, old, ("Failed",))
        self._raise(ctx, out, causes)
        if _decided(out) != _decided(old):
            self._authorize(ctx, old, "approve")
        return out

    def put_status(self, ctx: Context, new: Object, old: Object) -> Object:
        if "status" in new:
            new = {**new, "status": _stamped(ctx, new["status"] or {}, old)}
        return super().put_status(ctx, new, old)

    def validate_status(self, ctx: Context, new: Object, old: Object) -> list[Cause]:
        have = (old.get("status") or {}).get("certificate")
        given = (new.get("status") or {}).get("certificate")
        causes = _check_conditions(new) + _frozen(new, old, DECISIONS)
        if have and given != have:
            text = "updates may not modify existing certificate content"
            causes.append(forbidden_field("status.certificate", text))
        elif given and not signing.is_certificate(given):
            text = "must contain at least one CERTIFICATE PEM block"
            causes.append(invalid_value("status.certificate", "<certificate data>", text))
        if not causes and new.get("status") != old.get("status"):
            self._authorize(ctx, old, "sign")
        return causes

    @staticmethod
    def _authorize(ctx: Context, old: Object, verb: str) -> None:
        op, signer = ctx.operation, old["spec"]["signerName"]
        if op.authorizer is None:
            return
        domain = signer.partition("/")[0]
        for name in (signer, f"{domain}/*"):
            if op.authorizer.may(op.user, verb, GROUP, "signers", "", name):
                return
        why = f'user not permitted to {verb} requests with signerName "{signer}"'
        raise errors.forbidden("certificatesigningrequests", GROUP, op.name, why)

    def fields(self, obj: Object) -> dict[str, str]:
        return {"spec.signerName": (obj.get("spec") or {}).get("signerName", "")}


def _check_usages(usages: list[str]) -> list[Cause]:
    if not usages:
        return [required("spec.usages")]
    causes: list[Cause] = []
    for index, usage in enumerate(usages):
        if usage not in USAGES:
            causes.append(unsupported(f"spec.usages[{index}]", usage, USAGES))
        if usage in usages[:index]:
            causes.append(duplicate(f"spec.usages[{index}]", usage))
    return causes


def _check_signer(signer: str) -> list[Cause]:
    path = "spec.signerName"
    if not signer:
        return [required(path)]
    if signer == LEGACY_SIGNER:
        text = "the legacy signerName is not allowed via this API version"
        return [invalid_value(path, signer, text)]
    if not SIGNER.fullmatch(signer):
        text = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [invalid_value(path, signer, text)]
    return []


def _conditions(obj: Object) -> list[Object]:
    return (obj.get("status") or {}).get("conditions") or []


def _decided(obj: Object) -> list[Object]:
    return [c for c in _conditions(obj) if c.get("type") in DECISIONS]


def _stamped(ctx: Context, status: Object, old: Object) -> Object:
    """Times that nobody gave are now, or those of the condition as it was."""
    if not status.get("conditions"):
        return {k: v for k, v in status.items() if k != "conditions"}
    now, before = format_time(ctx.now), {c.get("type"): c for c in _conditions(old)}
    out = []
    for given in status["conditions"]:
        condition = {**given}
        known = before.get(condition.get("type"))
        same = known is not None and known.get("status") == condition.get("status")
        condition.setdefault("lastUpdateTime", now)
        kept = known.get("lastTransitionTime", now) if same and known is not None else now
        condition.setdefault("lastTransitionTime", kept)
        out.append(condition)
    return {**status, "conditions": out}


def _check_conditions(obj: Object) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, condition in enumerate(_conditions(obj)):
        path, kind = f"status.conditions[{index}]", condition.get("type", "")
        if not kind:
            causes.append(required(f"{path}.type"))
        value = condition.get("status", "")
        allowed = ("True",) if kind in (*DECISIONS, "Failed") else ("True", "False", "Unknown")
        if not value:
            causes.append(required(f"{path}.status"))
        elif value not in allowed:
            causes.append(unsupported(f"{path}.status", value, allowed))
        if kind in seen:
            causes.append(duplicate(f"{path}.type", kind))
        if kind in DECISIONS and seen & set(DECISIONS) - {kind}:
            text = "Approved and Denied conditions are mutually exclusive"
            causes.append(invalid_value(f"{path}.type", kind, text))
        seen.add(kind)
    return causes


def _frozen(new: Object, old: Object, kinds: tuple[str, ...]) -> list[Cause]:
    causes = []
    for kind in kinds:
        before = [c for c in _conditions(old) if c.get("type") == kind]
        after = [c for c in _conditions(new) if c.get("type") == kind]
        if before == after:
            continue
        what = "add" if not before else "remove" if not after else "modify"
        text = f'updates may not {what} a condition of type "{kind}"'
        causes.append(forbidden_field("status.conditions", text))
    if "Failed" in kinds:  # by /approval, decisions stay once they are made
        for kind in DECISIONS:
            had = any(c.get("type") == kind for c in _conditions(old))
            if had and not any(c.get("type") == kind for c in _conditions(new)):
                text = f'updates may not remove a condition of type "{kind}"'
                causes.append(forbidden_field("status.conditions", text))
    return causes
