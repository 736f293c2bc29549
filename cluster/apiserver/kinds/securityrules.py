"""Security contexts of pods and containers. Models pkg/apis/core/validation."""

from __future__ import annotations

import re

from cluster.machinery.errors import Cause, duplicate, invalid_value, not_supported, required
from cluster.machinery.meta import Object

ID_TEXT = "must be between 0 and 2147483647, inclusive"
MAX_ID = 2**31 - 1
SECCOMP = ("Localhost", "RuntimeDefault", "Unconfined")
CHANGE_POLICIES = ("Always", "OnRootMismatch")
GROUP_POLICIES = ("Merge", "Strict")
SYSCTL = re.compile(r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?([\./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*")
SYSCTL_TEXT = (
    "must have at most 253 characters and match regex "
    "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
)


def _ids(found: Object, path: str, *fields: str) -> list[Cause]:
    return [
        invalid_value(f"{path}.{field}", value, ID_TEXT)
        for field in fields
        if (value := found.get(field)) is not None and not 0 <= value <= MAX_ID
    ]


def pod_security(found: Object, spec: Object, path: str) -> list[Cause]:
    causes = _ids(found, path, "fsGroup", "runAsUser", "runAsGroup")
    for index, group in enumerate(found.get("supplementalGroups") or ()):
        if not 0 <= group <= MAX_ID:
            causes.append(invalid_value(f"{path}.supplementalGroups[{index}]", group, ID_TEXT))
    seen: set[str] = set()
    for index, entry in enumerate(found.get("sysctls") or ()):
        here, name = f"{path}.sysctls[{index}].name", entry.get("name", "")
        if not name:
            causes.append(required(here))
        elif not SYSCTL.fullmatch(name) or len(name) > 253:
            causes.append(invalid_value(here, name, SYSCTL_TEXT))
        elif name in seen:
            causes.append(duplicate(here, name))
        seen.add(name)
    policy = found.get("fsGroupChangePolicy")
    if policy is not None and policy not in CHANGE_POLICIES:
        causes.append(not_supported(f"{path}.fsGroupChangePolicy", policy, CHANGE_POLICIES))
    policy = found.get("supplementalGroupsPolicy")
    if policy is not None and policy not in GROUP_POLICIES:
        causes.append(not_supported(f"{path}.supplementalGroupsPolicy", policy, GROUP_POLICIES))
    return causes + _profiles(found, path)


def shared_processes(spec: Object, path: str) -> list[Cause]:
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        text = "ShareProcessNamespace and HostPID cannot both be enabled"
        return [invalid_value(f"{path}.shareProcessNamespace", True, text)]
    return []


def container_security(found: Object, path: str) -> list[Cause]:
    causes = _ids(found, path, "runAsUser", "runAsGroup")
    kind = found.get("procMount")
    if kind is not None and kind not in ("Default", "Unmasked"):
        causes.append(not_supported(f"{path}.procMount", kind, ("Default", "Unmasked")))
    if found.get("allowPrivilegeEscalation") is False:
        if found.get("privileged"):
            text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            causes.append(invalid_value(path, found, text))
        for capability in (found.get("capabilities") or {}).get("add") or ():
            if capability == "CAP_SYS_ADMIN":
                text = (
                    "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` "
                    "CAP_SYS_ADMIN"
                )
                causes.append(invalid_value(path, found, text))
    return causes + _profiles(found, path)


def _profiles(found: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for field, word in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        profile, here = found.get(field), f"{path}.{field}"
        if profile is None:
            continue
        kind, local = profile.get("type", ""), profile.get("localhostProfile")
        if not kind:
            causes.append(required(f"{here}.type", f"a valid {word} profile type is required")
                          if word == "seccomp" else required(f"{here}.type"))  # fmt: skip
        elif kind not in SECCOMP:
            causes.append(not_supported(f"{here}.type", kind, SECCOMP))
        if kind == "Localhost" and local is None:
            text = f"must be set when {word} type is Localhost"
            causes.append(required(f"{here}.localhostProfile", text))
        elif kind != "Localhost" and local is not None:
            text = f"can only be set when {word} type is Localhost"
            causes.append(invalid_value(f"{here}.localhostProfile", local, text))
    return causes
