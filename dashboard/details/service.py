"""A Service and where it leads."""

from __future__ import annotations

from cluster.client import Client, kinds
from cluster.machinery.meta import Object, labels_of
from dashboard.details.base import Detail, Fact, Section, common_facts, labels_sections
from dashboard.projection.services import port_text
from dashboard.projection.world import SERVICE_LABEL


def service(client: Client, obj: Object) -> Detail:
    spec, meta = obj.get("spec") or {}, obj["metadata"]
    endpoints = _endpoints(client, meta.get("namespace", ""), meta["name"])
    ready = sum(e["ready"] for e in endpoints)
    selector = ",".join(f"{k}={v}" for k, v in (spec.get("selector") or {}).items())
    facts = [
        Fact("Type", spec.get("type", "ClusterIP")),
        Fact("Cluster IP", spec.get("clusterIP") or "—", mono=True),
        Fact("Ports", ", ".join(port_text(p) for p in spec.get("ports") or ()) or "—", mono=True),
        Fact("Selector", selector or "none", mono=True),
        *common_facts(obj),
    ]
    tone = "run" if ready else "wait"
    text = f"{ready} of {len(endpoints)} endpoints ready" if endpoints else "no endpoints"
    why = "" if endpoints else _why(selector)
    sections = [Section("endpoints", "Endpoints", endpoints)] if endpoints else []
    return Detail(tone, text, facts, why, sections + labels_sections(obj))


def _why(selector: str) -> str:
    if not selector:
        return "It has no selector, so somebody else has to write its endpoints."
    return f"No pod has the labels {selector} yet."


def _endpoints(client: Client, namespace: str, name: str) -> list[Object]:
    out = []
    for each in client.list(kinds.ENDPOINT_SLICES, namespace):
        if labels_of(each).get(SERVICE_LABEL) != name:
            continue
        ports = ",".join(str(p.get("port")) for p in each.get("ports") or ())
        for endpoint in each.get("endpoints") or ():
            ref = endpoint.get("targetRef") or {}
            out.append(
                {
                    "address": f"{(endpoint.get('addresses') or ['?'])[0]}:{ports}",
                    "ready": (endpoint.get("conditions") or {}).get("ready") is not False,
                    "node": endpoint.get("nodeName", ""),
                    "pod": ref.get("name", ""),
                    "link": f"pods/{ref['namespace']}/{ref['name']}" if ref.get("name") else "",
                }
            )
    return out
