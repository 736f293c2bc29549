"""Buttons of a node."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from cluster.client import Client
from cluster.machinery.errors import StatusError
from dashboard.access import client_for, requires
from dashboard.actions import drain, nodes
from dashboard.views.answers import act, trigger

ACTIONS: dict[str, Callable[[Client, str], str]] = {
    "fail": nodes.power_off,
    "restore": nodes.bring_back,
    "cordon": nodes.cordon,
    "uncordon": nodes.uncordon,
    "delete": nodes.delete,
}


@require_POST
@requires("operate")
def node_action(request: HttpRequest, name: str, action: str) -> HttpResponse:
    function = ACTIONS.get(action)
    if function is None:
        raise Http404
    return act(request, f"{action} node/{name}", lambda client: function(client, name))


@require_GET
@requires("operate")
def drain_plan(request: HttpRequest, name: str) -> HttpResponse:
    """What a drain would do, before it is done."""
    try:
        plan = drain.plan(client_for(request.user), name)
    except StatusError as error:
        context = {"message": error.message, "kind": "Node", "name": name}
        return render(request, "dashboard/drawer_gone.html", context)
    return render(request, "dashboard/drain.html", {"plan": plan})


@require_POST
@requires("operate")
def drain_now(request: HttpRequest, name: str) -> HttpResponse:
    client = client_for(request.user, f"drain node/{name}")
    try:
        said = drain.drain(
            client,
            name,
            force=request.POST.get("force") == "on",
            delete_local=request.POST.get("local") == "on",
        )
    except StatusError as error:
        context = {"plan": drain.plan(client, name), "error": error.message}
        return render(request, "dashboard/drain.html", context, status=422)
    return trigger(HttpResponse(status=204), said, drained=name)
