"""The downward API: fields of the pod and resources of its containers, as text.

Models pkg/fieldpath and pkg/api/v1/resource (ExtractContainerResourceValue)."""

from __future__ import annotations

import re

from cluster.machinery import quantity
from cluster.machinery.meta import Object

SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


def _quoted_lines(values: Object) -> str:
    escaped = {k: v.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
               for k, v in values.items()}  # fmt: skip
    return "\n".join(f'{k}="{escaped[k]}"' for k in sorted(escaped))


def field(pod: Object, path: str) -> str:
    meta, status = pod["metadata"], pod.get("status") or {}
    if match := SUBSCRIPT.fullmatch(path):
        return str((meta.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        return _quoted_lines(meta.get(path.partition(".")[2]) or {})
    if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
        return str(meta[path.partition(".")[2]])
    if path in ("spec.nodeName", "spec.serviceAccountName"):
        return str(pod["spec"].get(path.partition(".")[2], ""))
    if path == "status.podIPs":
        return ",".join(e["ip"] for e in status.get("podIPs") or ())
    if path == "status.hostIPs":
        return ",".join(e["ip"] for e in status.get("hostIPs") or ())
    return str(status.get(path.partition(".")[2], "")) if path.startswith("status.") else ""


NODE_CPU, NODE_MEMORY, NODE_DISK = "2", "8Gi", "100Gi"


def resource(pod: Object, container: str, wanted: Object) -> str:
    """A limit that is not set is the node's."""
    name = wanted.get("containerName") or container
    specs = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    spec: Object = next((c for c in specs if c["name"] == name), {})
    kind, _, unit = wanted["resource"].partition(".")
    given = (spec.get("resources") or {}).get(kind) or {}
    fallback = {"cpu": NODE_CPU, "memory": NODE_MEMORY, "ephemeral-storage": NODE_DISK}
    amount = given.get(unit) or (fallback.get(unit, "0") if kind == "limits" else "0")
    divisor = str(wanted.get("divisor") or "1")
    if unit == "cpu":
        per = max(1, quantity.milli(divisor if divisor != "0" else "1"))
        return str(-(-quantity.milli(amount) // per))
    per = max(1, quantity.value(divisor if divisor != "0" else "1"))
    return str(-(-quantity.value(amount) // per))
