"""Port-forward as kubectl does it: SPDY/3.1 frames inside binary websocket messages."""

from __future__ import annotations

from cluster.apiserver.http.channels import Wire
from cluster.apiserver.http.streams import Streams
from cluster.machinery.meta import Object

TUNNEL = "SPDY/3.1+portforward.k8s.io"


async def serve_tunnel(streams: Streams, pod: Object, wire: Wire) -> None:
    await wire.close()
