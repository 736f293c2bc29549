"""kube-proxy and cluster DNS: the rules every node derives from Services and EndpointSlices.

Not here yet: in this release Services have addresses and endpoints, and nothing dials them.
"""
