"""Baseline: no known privilege escalation."""

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

CAPABILITIES = frozenset(
    ("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
     "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT")
)  # fmt: skip
SE_LINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
SYSCTLS = frozenset(
    ("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range",
     "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
     "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
     "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
     "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem")
)  # fmt: skip
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"


def app_armor(meta: Object, spec: Object) -> Finding | None:
    bad: list[str] = []
    profile = (security(spec).get("appArmorProfile") or {}).get("type")
    if profile == "Unconfined":
        bad.append('pod must not set AppArmor profile type to "Unconfined"')
    named = [
        c["name"]
        for c in containers(spec)
        if (security(c).get("appArmorProfile") or {}).get("type") == "Unconfined"
    ]
    if named:
        bad.append(f'{several(named)} must not set AppArmor profile type to "Unconfined"')
    for key, value in sorted((meta.get("annotations") or {}).items()):
        allowed = value in ("", "runtime/default") or value.startswith("localhost/")
        if key.startswith(APP_ARMOR) and not allowed:
            bad.append(f'annotation "{key}" must not be set to "{value}"')
    return Finding(plural("forbidden AppArmor profile", len(bad)), ", ".join(bad)) if bad else None


def capabilities(meta: Object, spec: Object) -> Finding | None:
    named, extra = [], set()
    for container in containers(spec):
        added = (security(container).get("capabilities") or {}).get("add") or ()
        beyond = [c for c in added if c not in CAPABILITIES]
        if beyond:
            named.append(container["name"])
            extra.update(beyond)
    if not named:
        return None
    detail = (
        f"{several(named)} must not include {quoted(sorted(extra))} in "
        "securityContext.capabilities.add"
    )
    return Finding("non-default capabilities", detail)


def host_namespaces(meta: Object, spec: Object) -> Finding | None:
    found = [f"{f}=true" for f in ("hostNetwork", "hostPID", "hostIPC") if spec.get(f)]
    return Finding("host namespaces", ", ".join(found)) if found else None


def host_path_volumes(meta: Object, spec: Object) -> Finding | None:
    named = [v["name"] for v in spec.get("volumes") or () if v.get("hostPath") is not None]
    return Finding("hostPath volumes", several(named, "volume")) if named else None


def host_ports(meta: Object, spec: Object) -> Finding | None:
    named, ports = [], set()
    for container in containers(spec):
        found = [p["hostPort"] for p in container.get("ports") or () if p.get("hostPort")]
        if found:
            named.append(container["name"])
            ports.update(found)
    if not named:
        return None
    listed = ", ".join(str(p) for p in sorted(ports))
    use = "uses" if len(named) == 1 else "use"
    return Finding("hostPort", f"{several(named)} {use} {plural('hostPort', len(ports))} {listed}")


def host_probes(meta: Object, spec: Object) -> Finding | None:
    """Probes and hooks that name a host."""
    named, hosts = [], set()
    for container in containers(spec):
        handlers = [container.get(f"{p}Probe") or {} for p in ("liveness", "readiness", "startup")]
        handlers += [h for h in (container.get("lifecycle") or {}).values() if isinstance(h, dict)]
        found = {
            (h.get(kind) or {}).get("host", "")
            for h in handlers
            for kind in ("httpGet", "tcpSocket")
        } - {"", "127.0.0.1", "::1"}
        if found:
            named.append(container["name"])
            hosts |= found
    if not named:
        return None
    use = "uses" if len(named) == 1 else "use"
    detail = f"{several(named)} {use} probe or lifecycle {plural('host', len(hosts))} "
    return Finding("probe or lifecycle host", detail + quoted(sorted(hosts)))


def privileged(meta: Object, spec: Object) -> Finding | None:
    named = [c["name"] for c in containers(spec) if security(c).get("privileged")]
    if not named:
        return None
    return Finding("privileged", f"{several(named)} must not set securityContext.privileged=true")


def proc_mount(meta: Object, spec: Object) -> Finding | None:
    if spec.get("hostUsers") is False:
        return None
    named, kinds = [], set()
    for container in containers(spec):
        kind = security(container).get("procMount")
        if kind not in (None, "Default"):
            named.append(container["name"])
            kinds.add(kind)
    if not named:
        return None
    detail = f"{several(named)} must not set securityContext.procMount to {quoted(sorted(kinds))}"
    return Finding("procMount", detail)


def seccomp(meta: Object, spec: Object) -> Finding | None:
    bad: list[str] = []
    if (security(spec).get("seccompProfile") or {}).get("type") == "Unconfined":
        bad.append('pod must not set securityContext.seccompProfile.type to "Unconfined"')
    named = [
        c["name"]
        for c in containers(spec)
        if (security(c).get("seccompProfile") or {}).get("type") == "Unconfined"
    ]
    if named:
        text = 'must not set securityContext.seccompProfile.type to "Unconfined"'
        bad.append(f"{several(named)} {text}")
    return Finding("seccompProfile", "; ".join(bad)) if bad else None


def se_linux(meta: Object, spec: Object) -> Finding | None:
    bad, setters = [], []
    whole = security(spec).get("seLinuxOptions") or {}
    if _se_linux_bad(whole):
        setters.append("pod")
    named = []
    options = [whole]
    for container in containers(spec):
        own = security(container).get("seLinuxOptions") or {}
        options.append(own)
        if _se_linux_bad(own):
            named.append(container["name"])
    if named:
        setters.append(several(named))
    if not setters:
        return None
    types = sorted({o.get("type", "") for o in options} - set(SE_LINUX_TYPES))
    if types:
        bad.append(f"{plural('type', len(types))} {quoted(types)}")
    if any(o.get("user") for o in options):
        bad.append("user may not be set")
    if any(o.get("role") for o in options):
        bad.append("role may not be set")
    verb = "set forbidden securityContext.seLinuxOptions"
    detail = f"{' and '.join(setters)} {verb}: {'; '.join(bad)}"
    return Finding("seLinuxOptions", detail)


def _se_linux_bad(options: Object) -> bool:
    odd = options.get("type", "") not in SE_LINUX_TYPES
    return odd or bool(options.get("user")) or bool(options.get("role"))


def sysctls(meta: Object, spec: Object) -> Finding | None:
    found = [s["name"] for s in security(spec).get("sysctls") or () if s["name"] not in SYSCTLS]
    return Finding("forbidden sysctls", ", ".join(found)) if found else None


def windows_host_process(meta: Object, spec: Object) -> Finding | None:
    setters = []
    if (security(spec).get("windowsOptions") or {}).get("hostProcess"):
        setters.append("pod")
    named = [
        c["name"]
        for c in containers(spec)
        if (security(c).get("windowsOptions") or {}).get("hostProcess")
    ]
    if named:
        setters.append(several(named))
    if not setters:
        return None
    text = "must not set securityContext.windowsOptions.hostProcess=true"
    return Finding("hostProcess", f"{' and '.join(setters)} {text}")
