"""What an object of a kind is before anything is said: Go's zero value, as JSON.

A struct that is not behind a pointer is always there, so nobody owns it for having filled it.
The published definitions do not tell pointers from values, hence the names.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.schema import definitions, resolve

# Fields that hold a struct by value, wherever they are reached from the root by such fields.
BY_VALUE = frozenset(
    (
        "metadata", "spec", "status", "template", "strategy", "updateStrategy", "jobTemplate",
        "source", "nodeInfo", "daemonEndpoints", "kubeletEndpoint", "loadBalancer", "names",
        "priorityLevelConfiguration", "devices",
    )
)  # fmt: skip
CLAIM_SPEC = "PersistentVolumeClaimSpec"
# A zero time is written as null, and some strings are written even when empty.
WRITTEN: dict[str, dict[str, Any]] = {
    "io.k8s.api.core.v1.Event": {
        "eventTime": None, "firstTimestamp": None, "lastTimestamp": None,
        "reportingComponent": "", "reportingInstance": "",
    },
    "io.k8s.api.events.v1.Event": {
        "eventTime": None, "deprecatedFirstTimestamp": None, "deprecatedLastTimestamp": None,
    },
}  # fmt: skip


def empty_object(name: str, depth: int = 0) -> dict[str, Any]:
    """The zero value of a definition."""
    schema = resolve(definitions()[name])
    required = schema.get("required") or ()
    out: dict[str, Any] = dict(WRITTEN.get(name, {}))
    for field, member in (schema.get("properties") or {}).items():
        by_value = field in BY_VALUE or (field == "resources" and name.endswith(CLAIM_SPEC))
        target = str(member.get("$ref") or "")
        if by_value and target and depth < 6 and "properties" in definitions()[target]:
            out[field] = empty_object(target, depth + 1)
        elif field in required and member.get("type") == "array":
            out[field] = None
    return out
