"""Which components a cluster has, and how each is made from the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from cluster.apiserver.authn import TokenKey
from cluster.client import Component, Env, InformerEvent, Informers, kinds
from cluster.machinery import pki
from cluster.machinery.signing import Authority
from workers.wiring import Live, set_anchor

Build = Callable[[Env], Component]


def component_names() -> list[str]:
    """Every component of the cluster; each has a queue of the same name."""
    kubelets = [f"kubelet.{shard}" for shard in range(settings.KUBELET_SHARDS)]
    return ["scheduler", "controller-manager", *kubelets]


def _scheduler(env: Env) -> Component:
    from cluster import scheduler

    return scheduler.build(env)


def _controller_manager(env: Env) -> Component:
    from cluster import controllers

    folder = Path(settings.DATA_DIR) / "pki"
    if not (folder / "sa.key").exists():
        return controllers.build(env, settings.CONTROLLERS)
    authority = Authority(pki.load_certificate(folder / "ca.crt"), pki.load_key(folder / "ca.key"))
    return controllers.build(
        env,
        settings.CONTROLLERS,
        root_ca=(folder / "ca.crt").read_text(),
        authority=authority,
        token_key=TokenKey(pki.load_key(folder / "sa.key")),
    )


def _kubelet(env: Env, shard: int) -> Component:
    from cluster import kubelet
    from cluster.simulation.network import surroundings

    around = surroundings(env.client, env.clock, env.client.registry.store)
    return kubelet.build(env, shard, settings.KUBELET_SHARDS, around=around)


def _builder(name: str) -> tuple[str, Build]:
    """(the user name the API server sees, the factory). A worker imports only what it runs."""
    if name.startswith("kubelet."):
        shard = int(name.partition(".")[2])
        return "system:nodes", lambda env: _kubelet(env, shard)
    if name == "scheduler":
        return "system:kube-scheduler", _scheduler
    return "system:kube-controller-manager", _controller_manager


def build_component(name: str, live: Live) -> Component:
    """A component from the log, with a token that voids all earlier ones."""
    user, build = _builder(name)
    live.registry.fence = live.store.acquire_fence(name)
    informers = Informers(live.registry)

    def on_clock(event: InformerEvent) -> None:
        if event.new is not None:
            set_anchor(live.clock, event.new)

    informers[kinds.CLOCKS].add_handler(on_clock)
    return build(Env(live.client(user), informers, live.clock, live.registry.entropy))
