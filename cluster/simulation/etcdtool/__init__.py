"""etcdctl and etcdutl inside the cluster: what `kubectl exec etcd-minikube -- etcdctl ...` runs.

The programs of simulated containers, on the cluster's own store. A handshake fails here as it
would against the real port, by the very files in the container, and the etcd pod's log says so.
Texts are those of etcd 3.5 and 3.6. Not here: txn, elect, lock, users and roles.
"""

from __future__ import annotations

from cluster.runtime import volumes
from cluster.runtime.kernel import Main, Process, Run
from cluster.runtime.tools import register
from cluster.simulation.etcdtool.commands import COMMANDS, UTILITIES
from cluster.simulation.etcdtool.flags import Call, Usage, parse
from cluster.simulation.etcdtool.world import CERTIFICATES, DATA, World


def install(world: World) -> None:
    """For all containers of this process."""
    volumes.HOST_PATHS[CERTIFICATES] = lambda pod: world.certificates()
    volumes.HOST_PATHS[DATA] = lambda pod: world.member_files()
    register("etcdctl", _program("etcdctl", world))
    register("etcdutl", _program("etcdutl", world))


def _program(name: str, world: World) -> Main:
    commands = COMMANDS if name == "etcdctl" else UTILITIES

    def main(process: Process, arguments: list[str]) -> Run:
        try:
            handler, call = parse(name, commands, process, arguments)
        except Usage as usage:
            process.say(usage.text, 2 if usage.code else 1)
            return usage.code
        return (yield from handler(world, call))

    return main


__all__ = ["Call", "World", "install"]
