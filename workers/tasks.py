"""The one Celery task: drain a component."""

from __future__ import annotations

import logging
from functools import partial

from celery.signals import worker_ready
from django.conf import settings

from workers.celery import TASK, app
from workers.components import build_component, component_names
from workers.host import Host
from workers.wiring import connect

log = logging.getLogger(__name__)
_hosts: dict[str, Host] = {}


def _host(component: str) -> Host:
    found = _hosts.get(component)
    if found is None:
        live = connect("batch", own=component)
        build = partial(build_component, component, live)
        found = Host(component, build, live.board, live.store.newest_epoch)
        _hosts[component] = found
    return found


@app.task(name=TASK)
def run_component(cluster: str, component: str) -> None:
    """A message may be late, doubled, or for another cluster on the same Redis."""
    if cluster != settings.CLUSTER or component not in component_names():
        log.warning("no component %s of cluster %s here", component, cluster)
        return
    _host(component).drain()


@worker_ready.connect
def wake_own(sender: object, **_: object) -> None:
    """A starting worker wakes its components: whatever was under way when the last one ended."""
    queues = sender.task_consumer.queues  # type: ignore[attr-defined]
    for queue in queues:
        if queue.name in component_names():
            _host(queue.name).board.wake(queue.name)
