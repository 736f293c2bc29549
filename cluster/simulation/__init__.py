"""A whole cluster as one thing: what it is born with, and how it runs headless in virtual time.

`bootstrap` is our kubeadm: machines, namespaces, addons. `headless` runs every component in one
process on the in-memory store and a virtual clock. Not here: any component's behaviour; and no
outcome is ever written by hand.
"""

from cluster.simulation.bootstrap import Shape, bootstrap, resize
from cluster.simulation.headless import Simulation

__all__ = ["Shape", "Simulation", "bootstrap", "resize"]
