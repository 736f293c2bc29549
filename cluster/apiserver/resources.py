"""What the API serves: one row per resource, read from data/resources.yaml.

Adding a resource is one row there, a strategy in `kinds/` and, if it prints more than its name,
its columns. Components name resources by the constants below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

STANDARD_VERBS = (
    "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Resource:
    """One served resource. `storage` is its key prefix in the store, as upstream lays it out."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    storage: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = STANDARD_VERBS
    singular: str = field(default="")
    stored_as: str = ""  # the id of the resource that is stored when this is another version of it
    virtual: bool = False  # computed when it is read, never stored
    warning: str = ""  # that it is deprecated: every request is told
    transient: bool = False  # goes by itself after a while; no component follows it

    @cached_property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @cached_property
    def prefix(self) -> bytes:
        """All keys of the resource start with this; it ends in a slash."""
        return f"{self.storage}/".encode()

    @cached_property
    def id(self) -> str:
        """`deployments.apps`, `pods`: the name errors and configuration use."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def head(self) -> bytes:
        """How every stored body of the resource begins; the resourceVersion is spliced after it."""
        return f'{{"apiVersion":"{self.api_version}","kind":"{self.kind}","metadata":{{'.encode()

    def key(self, namespace: str, name: str) -> bytes:
        if self.namespaced:
            return f"{self.storage}/{namespace}/{name}".encode()
        return f"{self.storage}/{name}".encode()

    def split_key(self, key: bytes) -> tuple[str, str]:
        """(namespace, name) from a stored key."""
        rest = key[len(self.prefix) :].decode()
        if not self.namespaced:
            return "", rest
        namespace, _, name = rest.partition("/")
        return namespace, name

    def namespace_prefix(self, namespace: str) -> bytes:
        if self.namespaced and namespace:
            return f"{self.storage}/{namespace}/".encode()
        return self.prefix

    def __repr__(self) -> str:
        return f"<Resource {self.id}>"


def _row(raw: dict[str, Any]) -> Resource:
    group = raw.get("group", "")
    return Resource(
        group=group,
        version=raw["version"],
        plural=raw["plural"],
        kind=raw["kind"],
        namespaced=raw.get("namespaced", True),
        storage=raw.get("storage", f"/registry/{raw['plural']}"),
        short_names=tuple(raw.get("shortNames", ())),
        categories=tuple(raw.get("categories", ())),
        subresources=tuple(raw.get("subresources", ())),
        verbs=tuple(raw.get("verbs", STANDARD_VERBS)),
        singular=raw.get("singular", raw["kind"].lower()),
        stored_as=raw.get("storedAs", ""),
        virtual=raw.get("virtual", False),
        warning=raw.get("warning", ""),
        transient=raw.get("transient", False),
    )


def _load() -> list[Resource]:
    path = Path(__file__).with_name("data") / "resources.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows = yaml.load(path.read_text(), Loader=loader)
    storage = {_id(raw): raw.get("storage") for raw in rows if "storedAs" not in raw}
    for raw in rows:
        if "storedAs" in raw:
            plural = raw["storedAs"].partition(".")[0]
            raw["storage"] = storage[raw["storedAs"]] or f"/registry/{plural}"
    return [_row(raw) for raw in rows]


def _id(raw: dict[str, Any]) -> str:
    return f"{raw['plural']}.{raw['group']}" if raw.get("group") else str(raw["plural"])


# In the table's order. RESOURCES are those that are stored, by id; the others are further versions
# of them, or computed.
SERVED: list[Resource] = _load()
RESOURCES: dict[str, Resource] = {r.id: r for r in SERVED if not r.stored_as and not r.virtual}
VERSIONS: list[Resource] = [r for r in SERVED if r.stored_as]
BY_KIND: dict[tuple[str, str], Resource] = {(r.api_version, r.kind): r for r in RESOURCES.values()}
_BY_STORAGE: dict[bytes, Resource] = {r.prefix: r for r in RESOURCES.values()}


def for_key(key: bytes) -> Resource | None:
    """The resource a stored key belongs to, or None for a foreign key."""
    parts = key.split(b"/", 4)
    for length in (3, 4):
        found = _BY_STORAGE.get(b"/".join(parts[:length]) + b"/")
        if found is not None:
            return found
    return None


def is_custom(key: bytes) -> bool:
    """Whether a stored key lies where custom objects do: /registry/<group with a dot>/<plural>/."""
    parts = key.split(b"/", 4)
    return len(parts) == 5 and parts[1] == b"registry" and b"." in parts[2] and for_key(key) is None


NAMESPACES = RESOURCES["namespaces"]
NODES = RESOURCES["nodes"]
PODS = RESOURCES["pods"]
SERVICES = RESOURCES["services"]
ENDPOINTS = RESOURCES["endpoints"]
ENDPOINT_SLICES = RESOURCES["endpointslices.discovery.k8s.io"]
CONFIG_MAPS = RESOURCES["configmaps"]
SECRETS = RESOURCES["secrets"]
SERVICE_ACCOUNTS = RESOURCES["serviceaccounts"]
EVENTS = RESOURCES["events"]
LEASES = RESOURCES["leases.coordination.k8s.io"]
DEPLOYMENTS = RESOURCES["deployments.apps"]
REPLICA_SETS = RESOURCES["replicasets.apps"]
DAEMON_SETS = RESOURCES["daemonsets.apps"]
CONTROLLER_REVISIONS = RESOURCES["controllerrevisions.apps"]
JOBS = RESOURCES["jobs.batch"]
REPLICATION_CONTROLLERS = RESOURCES["replicationcontrollers"]
STATEFUL_SETS = RESOURCES["statefulsets.apps"]
CRON_JOBS = RESOURCES["cronjobs.batch"]
HORIZONTAL_POD_AUTOSCALERS = RESOURCES["horizontalpodautoscalers.autoscaling"]
POD_DISRUPTION_BUDGETS = RESOURCES["poddisruptionbudgets.policy"]
PERSISTENT_VOLUMES = RESOURCES["persistentvolumes"]
PERSISTENT_VOLUME_CLAIMS = RESOURCES["persistentvolumeclaims"]
STORAGE_CLASSES = RESOURCES["storageclasses.storage.k8s.io"]
CSI_DRIVERS = RESOURCES["csidrivers.storage.k8s.io"]
CSI_NODES = RESOURCES["csinodes.storage.k8s.io"]
CSI_STORAGE_CAPACITIES = RESOURCES["csistoragecapacities.storage.k8s.io"]
VOLUME_ATTACHMENTS = RESOURCES["volumeattachments.storage.k8s.io"]
VOLUME_ATTRIBUTES_CLASSES = RESOURCES["volumeattributesclasses.storage.k8s.io"]
LIMIT_RANGES = RESOURCES["limitranges"]
RESOURCE_QUOTAS = RESOURCES["resourcequotas"]
POD_TEMPLATES = RESOURCES["podtemplates"]
INGRESSES = RESOURCES["ingresses.networking.k8s.io"]
INGRESS_CLASSES = RESOURCES["ingressclasses.networking.k8s.io"]
NETWORK_POLICIES = RESOURCES["networkpolicies.networking.k8s.io"]
SERVICE_CIDRS = RESOURCES["servicecidrs.networking.k8s.io"]
PRIORITY_CLASSES = RESOURCES["priorityclasses.scheduling.k8s.io"]
RUNTIME_CLASSES = RESOURCES["runtimeclasses.node.k8s.io"]
CUSTOM_RESOURCE_DEFINITIONS = RESOURCES["customresourcedefinitions.apiextensions.k8s.io"]
API_SERVICES = RESOURCES["apiservices.apiregistration.k8s.io"]
MUTATING_WEBHOOKS = RESOURCES["mutatingwebhookconfigurations.admissionregistration.k8s.io"]
VALIDATING_WEBHOOKS = RESOURCES["validatingwebhookconfigurations.admissionregistration.k8s.io"]
VALIDATING_POLICIES = RESOURCES["validatingadmissionpolicies.admissionregistration.k8s.io"]
VALIDATING_POLICY_BINDINGS = RESOURCES[
    "validatingadmissionpolicybindings.admissionregistration.k8s.io"
]
FLOW_SCHEMAS = RESOURCES["flowschemas.flowcontrol.apiserver.k8s.io"]
PRIORITY_LEVELS = RESOURCES["prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"]
DEVICE_CLASSES = RESOURCES["deviceclasses.resource.k8s.io"]
RESOURCE_CLAIMS = RESOURCES["resourceclaims.resource.k8s.io"]
RESOURCE_CLAIM_TEMPLATES = RESOURCES["resourceclaimtemplates.resource.k8s.io"]
RESOURCE_SLICES = RESOURCES["resourceslices.resource.k8s.io"]
IP_ADDRESSES = RESOURCES["ipaddresses.networking.k8s.io"]
ROLES = RESOURCES["roles.rbac.authorization.k8s.io"]
ROLE_BINDINGS = RESOURCES["rolebindings.rbac.authorization.k8s.io"]
CLUSTER_ROLES = RESOURCES["clusterroles.rbac.authorization.k8s.io"]
CLUSTER_ROLE_BINDINGS = RESOURCES["clusterrolebindings.rbac.authorization.k8s.io"]
SIGNING_REQUESTS = RESOURCES["certificatesigningrequests.certificates.k8s.io"]
CLOCKS = RESOURCES["clocks.orrery.sim"]
SCHEDULING_DECISIONS = RESOURCES["schedulingdecisions.orrery.sim"]
FAULTS = RESOURCES["faults.orrery.sim"]
JOURNAL = RESOURCES["journalentries.orrery.sim"]
MACHINES = RESOURCES["machines.orrery.sim"]
