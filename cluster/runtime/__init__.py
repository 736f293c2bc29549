"""CRI: container runtimes as personalities over simulated images and containers.

What a container does follows from its image and command (`programs`), so its log is a function of
both, its start and its end; what it was like is in the pod's status, which is durable. `fs`,
`kernel`, `shell` and `tools` are what runs inside. Not here: when containers are started or
stopped (the kubelet decides), and who answers on the network (`proxy`).
"""

from cluster.runtime.images import Image, PullError, catalogue
from cluster.runtime.logs import LogOptions, read_log
from cluster.runtime.personalities import RUNTIMES, Runtime
from cluster.runtime.programs import Program, program_for

__all__ = [
    "RUNTIMES",
    "Image",
    "LogOptions",
    "Program",
    "PullError",
    "Runtime",
    "catalogue",
    "program_for",
    "read_log",
]
