"""All checks of a level in upstream's order, and what they say of one pod."""

from __future__ import annotations

from collections.abc import Callable

from cluster.apiserver.podsecurity import baseline, restricted
from cluster.apiserver.podsecurity.words import Finding
from cluster.machinery.meta import Object

Check = Callable[[Object, Object], Finding | None]

BASELINE: tuple[Check, ...] = (
    baseline.app_armor,
    baseline.capabilities,
    baseline.host_namespaces,
    baseline.host_path_volumes,
    baseline.host_ports,
    baseline.host_probes,
    baseline.privileged,
    baseline.proc_mount,
    baseline.seccomp,
    baseline.se_linux,
    baseline.sysctls,
    baseline.windows_host_process,
)
RESTRICTED: tuple[Check, ...] = (
    restricted.privilege_escalation,
    restricted.capabilities,
    restricted.volumes,
    restricted.run_as_non_root,
    restricted.run_as_user,
    restricted.seccomp,
)
# A restricted check that says more of the same replaces the baseline one.
OVERRIDDEN = {
    restricted.capabilities: baseline.capabilities,
    restricted.volumes: baseline.host_path_volumes,
    restricted.seccomp: baseline.seccomp,
}


def _chosen(level: str) -> list[Check]:
    if level == "privileged":
        return []
    if level == "baseline":
        return list(BASELINE)
    kept = [c for c in BASELINE if c not in OVERRIDDEN.values()]
    return kept + list(RESTRICTED)


def findings(level: str, meta: Object, spec: Object) -> list[Finding]:
    return [f for check in _chosen(level) if (f := check(meta, spec)) is not None]


def violations(level: str, meta: Object, spec: Object) -> str:
    """`reason (detail), reason (detail)`; empty when the pod passes."""
    found = findings(level, meta, spec)
    return ", ".join(f"{f.reason} ({f.detail})" if f.detail else f.reason for f in found)


def reasons(level: str, meta: Object, spec: Object) -> str:
    """The reasons alone, as warnings about existing pods list them."""
    return ", ".join(f.reason for f in findings(level, meta, spec))
