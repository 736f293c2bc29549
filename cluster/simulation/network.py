"""The cluster's network, put together: routes from the proxy, answers from the runtime."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cluster.apiserver import writtenlogs
from cluster.apiserver.http import ApiServer
from cluster.apiserver.operations import Operation, User
from cluster.apiserver.resources import JOURNAL
from cluster.apiserver.writtenlogs import Line
from cluster.client import Client
from cluster.etcd.api import Origin, Store
from cluster.kubelet.pictures import Pictures
from cluster.kubelet.surroundings import ClusterSurroundings, of_client
from cluster.machinery.clock import Clock
from cluster.machinery.meta import Object
from cluster.proxy import Destination, Dns, Objects, Policies, Router
from cluster.proxy.routes import pod_port, refused, service_port, timed_out
from cluster.runtime import web
from cluster.runtime.pod import PodRun
from cluster.runtime.web import Answer, Asked, Site

Log = Callable[[Object, str, str], None]  # pod, container, line
Api = Callable[[str, str, dict[str, str], bytes], Answer]
SYSTEM = User("system:node:minikube", ("system:nodes", "system:masters"))
OUTSIDE = "192.168.49.1"  # who asks from outside the cluster


class ClusterNetwork:
    """`log` is told of requests that servers write down; `api` is the API server's own door."""

    def __init__(
        self, objects: Objects, pictures: Pictures, clock: Clock, log: Log | None = None,
        api: Api | None = None,
    ) -> None:  # fmt: skip
        self.dns = Dns(objects)
        self.router = Router(objects)
        self.policies = Policies(objects)
        self._pictures = pictures
        self._clock = clock
        self._log = log
        self.api = api

    # ---- Network

    def resolve(self, name: str, pod: Object | None) -> list[str]:
        return self.dns.resolve(name, _namespace(pod))

    def canonical(self, name: str, pod: Object | None) -> tuple[str, list[str]]:
        return self.dns.canonical(name, _namespace(pod))

    def reverse(self, address: str) -> str:
        return self.dns.reverse(address)

    def reach(self, address: str, port: int, pod: Object | None) -> None:
        there = self.router.route(address, port, pod)
        self._permit(there, pod)
        self._site(there)

    def ask(
        self, address: str, port: int, method: str, path: str, headers: dict[str, str],
        body: bytes, pod: Object | None,
    ) -> Answer:  # fmt: skip
        there = self.router.route(address, port, pod)
        if there.pod is None:
            return self._ask_api(method, path, headers, body)
        self._permit(there, pod)
        return self.deliver(there, method, path, headers, body, pod)

    def _permit(self, there: Destination, client: Object | None) -> None:
        """Raises TimeoutError for what a NetworkPolicy drops. Port-forward and the API server's
        proxy come from the node, which no policy keeps out."""
        if there.pod is not None and not self.policies.allow(client, there.pod, there.port):
            raise timed_out()

    # ---- for port-forward and the proxy subresources

    def open(self, pod: Object, port: int) -> Callable[[str, str, dict[str, str], bytes], Answer]:
        """A connection to a pod's port from outside. Raises OSError when nobody listens."""
        there = Destination(pod, port)
        self._site(there)
        return lambda method, path, headers, body: self.deliver(
            there, method, path, headers, body, None
        )

    def fetch(
        self, target: Object, port: str, method: str, path: str, headers: dict[str, str],
        body: bytes,
    ) -> Answer:  # fmt: skip
        if target["kind"] == "Service":
            there = self.router.pick(target, service_port(target, port), None)
        else:
            there = Destination(target, pod_port(target, port))
        return self.deliver(there, method, path, headers, body, None)

    def deliver(
        self, there: Destination, method: str, path: str, headers: dict[str, str], body: bytes,
        client: Object | None,
    ) -> Answer:  # fmt: skip
        """Raises OSError when nobody listens at the destination."""
        site = self._site(there)
        if site is None:
            return self._ask_api(method, path, headers, body)
        source = (client.get("status") or {}).get("podIP", "") if client is not None else OUTSIDE
        asked = Asked(method, path, headers, body, self._clock.now(), source)
        found = web.answer(site, there.port, asked)
        line = web.access_line(site, asked, found)
        if line and self._log is not None:
            self._log(site.pod, site.spec["name"], line)
        if method == "HEAD":
            found.body = b""
        return found

    def _site(self, there: Destination) -> Site | None:
        if there.pod is None:
            return None
        pod = there.pod

        def run(make: bool) -> PodRun | None:
            return self._pictures.of(pod) if make else self._pictures.peek(pod)

        found = web.listener(pod, there.port, run, self._clock.now())
        if found is None:
            raise refused()
        return found

    def _ask_api(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if self.api is not None:
            return self.api(method, path, headers, body)
        text = b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        text += b'"message":"Unauthorized","reason":"Unauthorized","code":401}'
        return Answer(401, text, {"Content-Type": "application/json"})


def writer(store: Store, clock: Clock) -> Log:
    """Lines of servers, written down at this moment."""

    def log(pod: Object, container: str, line: str) -> None:
        keep(store)(pod, container, clock.now(), line)

    return log


def keep(store: Store) -> Callable[[Object, str, float, str], None]:
    def log(pod: Object, container: str, at: float, line: str) -> None:
        meta = pod["metadata"]
        writtenlogs.append(store, meta["namespace"], meta["name"], container, Line(at, line))

    return log


def recorder(server: ApiServer) -> Callable[[Object], Awaitable[str]]:
    """Writes journal entries through the API server."""

    async def record(entry: Object) -> str:
        operation = Operation(
            "create", JOURNAL, entry["metadata"]["namespace"], "", SYSTEM, entry,
            origin=Origin("kubelet", "exec"),
        )  # fmt: skip
        made = await server.commit(operation)
        return str(made["metadata"]["name"])

    return record


def surroundings(client: Client, clock: Clock, store: Store) -> ClusterSurroundings:
    """A kubelet's: its containers reach each other over the network."""
    around = of_client(client)
    around.log = keep(store)
    around.network = ClusterNetwork(around, Pictures(around), clock, writer(store, clock))
    return around


def _namespace(pod: Object | None) -> str:
    return str(pod["metadata"]["namespace"]) if pod is not None else "default"
