"""Buttons of a workload."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from dashboard.access import requires
from dashboard.actions import workloads
from dashboard.views.answers import act, said


@require_POST
@requires("operate")
def scale(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    if kind not in workloads.SCALABLE:
        raise Http404
    try:
        replicas = int(request.POST.get("replicas", ""))
    except ValueError:
        return said("Replicas are a whole number.", "bad")
    return act(
        request,
        f"scale {kind}/{name}",
        lambda client: workloads.scale(client, kind, namespace, name, replicas),
    )


@require_POST
@requires("operate")
def restart(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    if kind not in workloads.RESTARTABLE:
        raise Http404
    return act(
        request,
        f"restart {kind}/{name}",
        lambda client: workloads.restart(client, kind, namespace, name),
    )
