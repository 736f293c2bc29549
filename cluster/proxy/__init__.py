"""kube-proxy and cluster DNS: from a name or an address to the pod that answers, or does not.

The rules follow from Services and EndpointSlices at the moment of asking. Not here: what a
container answers (the runtime knows), delays in propagation, renderings as iptables.
"""

from cluster.proxy.dns import Dns
from cluster.proxy.policies import Policies
from cluster.proxy.routes import Destination, Objects, Router

__all__ = ["Destination", "Dns", "Objects", "Policies", "Router"]
