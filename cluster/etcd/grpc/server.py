"""The gRPC server behind the TLS port: all services on a private Unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from cluster.etcd.grpc.errors import answering
from cluster.etcd.grpc.face import Face
from cluster.etcd.grpc.kv import KV
from cluster.etcd.grpc.lease import Lease
from cluster.etcd.grpc.maintenance import Maintenance
from cluster.etcd.grpc.members import Auth, Cluster, Health
from cluster.etcd.grpc.protos import METHODS, Method
from cluster.etcd.grpc.watch import Watch
from cluster.etcd.grpc.watchers import Hub

# etcd's own limits: 1.5 MiB a request and half a MiB for what gRPC adds.
OPTIONS = (
    ("grpc.max_receive_message_length", 2 * 1024 * 1024),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5000),
    ("grpc.http2.max_ping_strikes", 0),
)
END_WITHIN = 1.0


class EtcdServer:
    """Made inside the event loop."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self.hub = Hub(face)
        self.watch = Watch(face, self.hub)
        self._server = aio.server(options=OPTIONS)
        services = {
            "etcdserverpb.KV": KV(face),
            "etcdserverpb.Watch": self.watch,
            "etcdserverpb.Lease": Lease(face),
            "etcdserverpb.Maintenance": Maintenance(face),
            "etcdserverpb.Cluster": Cluster(face),
            "etcdserverpb.Auth": Auth(face),
            "grpc.health.v1.Health": Health(),
        }
        for name, service in services.items():
            handlers = {
                m.name: _handler(m, getattr(service, m.name))
                for m in METHODS
                if m.service == name and hasattr(service, m.name)
            }
            generic = grpc.method_handlers_generic_handler(name, handlers)
            self._server.add_generic_rpc_handlers((generic,))

    async def start(self, socket: Path) -> None:
        socket.unlink(missing_ok=True)
        self._server.add_insecure_port(f"unix:{socket}")
        await self._server.start()
        self.hub.heard()

    async def stop(self) -> None:
        self.hub.close()
        await self._server.stop(END_WITHIN)
        self.face.close()
        await asyncio.sleep(0)


def _handler(method: Method, function: Callable[..., Any]) -> Any:
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.streams_in, method.streams_out]
    if not method.streams_out:
        function = answering(function)
    return make(
        function,
        request_deserializer=method.request.FromString,
        response_serializer=method.response.SerializeToString,
    )
