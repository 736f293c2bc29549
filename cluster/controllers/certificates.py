"""CertificateSigningRequests: kubelets' own are approved, approved ones signed, old ones deleted.

Models pkg/controller/certificates/{approver,signer,cleaner}.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from cryptography import x509

from cluster.apiserver.authz import Attributes, Authorizer
from cluster.client import Controller, Env, User, kinds
from cluster.controllers import rights
from cluster.machinery import signing
from cluster.machinery.clock import format_time, parse_time
from cluster.machinery.meta import Object, is_deleting
from cluster.machinery.signing import Request, RequestError

GROUP = "certificates.k8s.io"
CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY = "kubernetes.io/legacy-unknown"
NODES, NODE = "system:nodes", "system:node:"
OPTIONAL = "key encipherment"
CLIENT_USAGES = ("client auth", "digital signature")
SERVING_USAGES = ("digital signature", "server auth")
LIFETIME = 365 * 24 * 3600.0  # --cluster-signing-duration
KEPT, KEPT_PENDING = 3600.0, 24 * 3600.0
Problem = str


class _Requests(Controller):
    """What the three have in common."""

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.requests = env.informers.lister(kinds.SIGNING_REQUESTS)
        env.informers[kinds.SIGNING_REQUESTS].add_handler(lambda e: self.enqueue(e.key, e.revision))

    def condition(self, csr: Object, kind: str, reason: str, message: str) -> Object:
        now = format_time(self.clock.now())
        new = {
            "type": kind, "status": "True", "reason": reason, "message": message,
            "lastUpdateTime": now, "lastTransitionTime": now,
        }  # fmt: skip
        status = csr.get("status") or {}
        return {**status, "conditions": [*(status.get("conditions") or ()), new]}


def types_of(csr: Object) -> set[str]:
    return {c["type"] for c in (csr.get("status") or {}).get("conditions") or ()}


def is_issued(csr: Object) -> bool:
    return bool((csr.get("status") or {}).get("certificate"))


# ---- who may sign what: helpers.go of pkg/apis/certificates


def kubelet_client_problem(request: Request, usages: list[str]) -> Problem:
    if request.organizations != (NODES,):
        return "subject organization is not system:nodes"
    alternatives = (
        ("DNS", request.dns), ("Email", request.emails), ("IP", request.addresses),
        ("URI", request.uris),
    )  # fmt: skip
    for kind, found in alternatives:
        if found:
            return f"{kind} subjectAltNames are not allowed"
    if not request.common_name.startswith(NODE):
        return "subject common name does not begin with system:node: "
    return _usages_problem(usages, CLIENT_USAGES)


def kubelet_serving_problem(request: Request, usages: list[str]) -> Problem:
    if not request.dns and not request.addresses:
        return "DNS or IP subjectAltName is required"
    for kind, found in (("Email", request.emails), ("URI", request.uris)):
        if found:
            return f"{kind} subjectAltNames are not allowed"
    if request.organizations != (NODES,):
        return "subject organization is not system:nodes"
    if not request.common_name.startswith(NODE):
        return "subject common name does not begin with system:node: "
    return _usages_problem(usages, SERVING_USAGES)


def _usages_problem(usages: list[str], needed: tuple[str, ...]) -> Problem:
    if set(usages) - {OPTIONAL} == set(needed):
        return ""
    return f"usages did not match [{' '.join(sorted((*needed, OPTIONAL)))}]"


def client_problem(request: Request, usages: list[str]) -> Problem:
    for usage in usages:
        if usage not in (*CLIENT_USAGES, OPTIONAL):
            return f"invalid usage for client certificate: {usage}"
    if "client auth" not in usages:
        return "missing required usage for client certificate: client auth"
    return ""


SIGNERS = {
    CLIENT: client_problem,
    KUBELET_CLIENT: kubelet_client_problem,
    KUBELET_SERVING: kubelet_serving_problem,
    LEGACY: lambda request, usages: "",
}


# ---- the controllers


class ApprovingController(_Requests):
    name = "certificatesigningrequest-approving-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self._authorizer: Authorizer = rights.authorizer(env)

    def reconcile(self, key: str) -> None:
        csr = self.requests.get(key)
        if csr is None or is_issued(csr) or types_of(csr) & {"Approved", "Denied"}:
            return
        spec = csr["spec"]
        if spec["signerName"] != KUBELET_CLIENT:
            return
        request = signing.request_of(spec["request"])
        if kubelet_client_problem(request, spec["usages"]):
            return
        own = spec.get("username", "") == request.common_name
        wanted = [("selfnodeclient", "self kubelet client")] if own else []
        for subresource, what in [*wanted, ("nodeclient", "kubelet client")]:
            if self._may(spec, subresource):
                text = f"Auto approving {what} certificate after SubjectAccessReview."
                status = self.condition(csr, "Approved", "AutoApproved", text)
                self.client.update({**csr, "status": status}, base=csr, subresource="approval")
                return

    def _may(self, spec: Object, subresource: str) -> bool:
        user = User(spec.get("username", ""), tuple(spec.get("groups") or ()))
        asked = Attributes("create", GROUP, "*", "certificatesigningrequests", subresource)
        return self._authorizer.decide(user, asked).allowed


class SigningController(_Requests):
    name = "certificatesigningrequest-signing-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.authority: signing.Authority | None = None  # `build` sets it

    def reconcile(self, key: str) -> None:
        csr = self.requests.get(key)
        if self.authority is None or csr is None or is_issued(csr) or is_deleting(csr):
            return
        kinds_found, spec = types_of(csr), csr["spec"]
        if "Approved" not in kinds_found or "Failed" in kinds_found:
            return
        check = SIGNERS.get(spec["signerName"])
        if check is None:
            return
        request = signing.request_of(spec["request"])
        problem = check(request, spec["usages"])
        if not problem:
            try:
                status = self._signed(csr, request)
            except RequestError as error:
                problem = str(error)
        if problem:
            status = self.condition(csr, "Failed", "SignerValidationFailure", problem)
        self.client.update_status({**csr, "status": status}, base=csr)

    def _signed(self, csr: Object, request: Request) -> Object:
        assert self.authority is not None
        spec = csr["spec"]
        asked = spec.get("expirationSeconds")
        seconds = LIFETIME if asked is None else min(max(float(asked), 600.0), LIFETIME)
        now = datetime.fromtimestamp(self.clock.wall(), UTC)
        pem, _ = self.authority.sign(request, spec["usages"], now, seconds)
        return {**(csr.get("status") or {}), "certificate": base64.b64encode(pem).decode()}


class CleaningController(_Requests):
    name = "certificatesigningrequest-cleaner-controller"

    def reconcile(self, key: str) -> None:
        csr = self.requests.get(key)
        if csr is None or is_deleting(csr):
            return
        end = self._end(csr)
        if end is None:
            return
        if self.clock.now() >= end:
            self.client.delete(csr)
        else:
            self.queue.add_at(key, end)

    def _end(self, csr: Object) -> float | None:
        """When it is of no use to anybody any more."""
        conditions = (csr.get("status") or {}).get("conditions") or []
        if not conditions:
            return parse_time(csr["metadata"]["creationTimestamp"]) + KEPT_PENDING
        ends = [self._expiry(csr)] if is_issued(csr) else []
        for condition in conditions:
            if condition["type"] == "Approved" and not is_issued(csr):
                continue
            stamp = condition.get("lastUpdateTime") or condition.get("lastTransitionTime")
            if condition["type"] in ("Approved", "Denied", "Failed") and stamp:
                ends.append(parse_time(stamp) + KEPT)
        return min(ends, default=None)

    def _expiry(self, csr: Object) -> float:
        """Validity is wall time; as far from now in cluster time."""
        pem = base64.b64decode(csr["status"]["certificate"])
        last = x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()
        return self.clock.now() + last - self.clock.wall()
