"""Does a daemon's pod belong on a node? Models NodeShouldRunDaemonPod and its predicates."""

from __future__ import annotations

from cluster.controllers.tainteviction import tolerates
from cluster.machinery.meta import Object, labels_of, name_of
from cluster.machinery.selectors import Requirement

DAEMON_TOLERATED = frozenset(
    {
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.kubernetes.io/disk-pressure",
        "node.kubernetes.io/memory-pressure",
        "node.kubernetes.io/pid-pressure",
        "node.kubernetes.io/unschedulable",
    }
)


def node_should_run(daemon: Object, node: Object) -> tuple[bool, bool]:
    """(a pod should be started here, one that is here may stay)."""
    spec = daemon["spec"]["template"]["spec"]
    if spec.get("nodeName") and spec["nodeName"] != name_of(node):
        return False, False
    if not _selected(spec, node):
        return False, False
    run = keep = True
    for taint in node["spec"].get("taints") or ():
        if taint["key"] in DAEMON_TOLERATED or taint["effect"] == "PreferNoSchedule":
            continue
        if any(tolerates(t, taint) for t in spec.get("tolerations") or ()):
            continue
        run = False
        keep = keep and taint["effect"] != "NoExecute"
    return run, keep


def _selected(spec: Object, node: Object) -> bool:
    labels = labels_of(node)
    if any(labels.get(k) != v for k, v in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_term(term, node) for term in required.get("nodeSelectorTerms") or ())


def _term(term: Object, node: Object) -> bool:
    labels, fields = labels_of(node), {"metadata.name": name_of(node)}
    expressions = term.get("matchExpressions") or ()
    by_field = term.get("matchFields") or ()
    if not expressions and not by_field:
        return False
    return all(_holds(e, labels) for e in expressions) and all(_holds(e, fields) for e in by_field)


def _holds(expression: Object, values: dict[str, str]) -> bool:
    wanted = frozenset(expression.get("values") or ())
    return Requirement(expression["key"], expression["operator"], wanted).matches(values)
