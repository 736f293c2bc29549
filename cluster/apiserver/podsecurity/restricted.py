"""Restricted: current best practice of hardening. Windows pods are let off what they can't set."""

from __future__ import annotations

from cluster.apiserver.podsecurity.words import (
    Finding,
    containers,
    plural,
    quoted,
    security,
    several,
)
from cluster.machinery.meta import Object

VOLUMES = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
     "projected", "secret", "image")
)  # fmt: skip
PROFILES = ("RuntimeDefault", "Localhost")


def _windows(spec: Object) -> bool:
    return (spec.get("os") or {}).get("name") == "windows"


def privilege_escalation(meta: Object, spec: Object) -> Finding | None:
    if _windows(spec):
        return None
    named = [
        c["name"]
        for c in containers(spec)
        if security(c).get("allowPrivilegeEscalation") is not False
    ]
    if not named:
        return None
    text = "must set securityContext.allowPrivilegeEscalation=false"
    return Finding("allowPrivilegeEscalation != false", f"{several(named)} {text}")


def capabilities(meta: Object, spec: Object) -> Finding | None:
    if _windows(spec):
        return None
    keeping, adding, extra = [], [], set()
    for container in containers(spec):
        own = security(container).get("capabilities") or {}
        if "ALL" not in (own.get("drop") or ()):
            keeping.append(container["name"])
        beyond = [c for c in own.get("add") or () if c != "NET_BIND_SERVICE"]
        if beyond:
            adding.append(container["name"])
            extra.update(beyond)
    details = []
    if keeping:
        details.append(f'{several(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        text = f"must not include {quoted(sorted(extra))} in securityContext.capabilities.add"
        details.append(f"{several(adding)} {text}")
    return Finding("unrestricted capabilities", "; ".join(details)) if details else None


def volumes(meta: Object, spec: Object) -> Finding | None:
    named, kinds = [], set()
    for volume in spec.get("volumes") or ():
        sources = [k for k in volume if k != "name" and volume[k] is not None]
        bad = [k for k in sources if k not in VOLUMES]
        if bad:
            named.append(volume["name"])
            kinds.update(bad)
    if not named:
        return None
    use = "uses" if len(named) == 1 else "use"
    restricted = f"restricted volume {plural('type', len(kinds))} {quoted(sorted(kinds))}"
    return Finding("restricted volume types", f"{several(named, 'volume')} {use} {restricted}")


def run_as_non_root(meta: Object, spec: Object) -> Finding | None:
    whole = security(spec).get("runAsNonRoot")
    bad = [c["name"] for c in containers(spec) if security(c).get("runAsNonRoot") is False]
    unset = [c["name"] for c in containers(spec) if security(c).get("runAsNonRoot") is None]
    if whole is False:
        setters = "pod" if not bad else f"pod and {several(bad)}"
        return _root(f"{setters} must not set securityContext.runAsNonRoot=false")
    if bad:
        return _root(f"{several(bad)} must not set securityContext.runAsNonRoot=false")
    if whole is None and unset:
        text = f"pod or {several(unset)} must set securityContext.runAsNonRoot=true"
        return _root(text)
    return None


def _root(detail: str) -> Finding:
    return Finding("runAsNonRoot != true", detail)


def run_as_user(meta: Object, spec: Object) -> Finding | None:
    setters = ["pod"] if security(spec).get("runAsUser") == 0 else []
    named = [c["name"] for c in containers(spec) if security(c).get("runAsUser") == 0]
    if named:
        setters.append(several(named))
    if not setters or spec.get("hostUsers") is False:
        return None
    return Finding("runAsUser=0", f"{' and '.join(setters)} must not set runAsUser=0")


def seccomp(meta: Object, spec: Object) -> Finding | None:
    if _windows(spec):
        return None
    whole = (security(spec).get("seccompProfile") or {}).get("type")
    bad: dict[str, list[str]] = {}
    unset = []
    for container in containers(spec):
        own = (security(container).get("seccompProfile") or {}).get("type")
        if own is None:
            unset.append(container["name"])
        elif own not in PROFILES:
            bad.setdefault(own, []).append(container["name"])
    details = []
    if whole is not None and whole not in PROFILES:
        details.append(f'pod must not set securityContext.seccompProfile.type to "{whole}"')
    for kind, named in sorted(bad.items()):
        text = f'must not set securityContext.seccompProfile.type to "{kind}"'
        details.append(f"{several(named)} {text}")
    if not details and whole is None and unset:
        text = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
        details.append(f"pod or {several(unset)} {text}")
    return Finding("seccompProfile", "; ".join(details)) if details else None
