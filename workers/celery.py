"""The Celery app. `celery -A workers.celery worker -Q kubelet.0 --pool solo` on any machine."""

from __future__ import annotations

import os

import django
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cluster.settings")
django.setup()

from django.conf import settings  # noqa: E402

from workers.switchboard import celery_url  # noqa: E402

TASK = "orrery.run_component"

# Without Celery's Django fixup, which would close the database after every task.
app = Celery("orrery", fixups=[], include=["workers.tasks"])
app.conf.update(
    broker_url=celery_url(settings.REDIS_URL or "redis://localhost:6379/0"),
    broker_transport_options={"global_keyprefix": f"orrery:{settings.CLUSTER}:celery:"},
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    task_publish_retry=False,  # a lost wake-up is made good by the timekeeper
    task_create_missing_queues=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
)


def send(component: str) -> None:
    """Queue one task; the component's name is its queue's."""
    app.send_task(TASK, args=[settings.CLUSTER, component], queue=component)
