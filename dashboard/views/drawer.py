"""The drawer: everything about one object. Its path is `resource/namespace/name`; "-" stands for
no namespace."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from cluster.client import Client, Resource, kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object
from dashboard import details, documents, door, editing
from dashboard.access import client_for, may, requires
from dashboard.actions import workloads
from dashboard.details.base import events_of
from dashboard.documents import BadDocument
from dashboard.views.answers import act, trigger

LOG_LINES = 500
TABS = ("overview", "events", "yaml", "logs")


@require_GET
@requires("view")
def show(request: HttpRequest, resource: str, namespace: str, name: str) -> HttpResponse:
    kind, namespace = _resource(resource), _namespace(namespace)
    client = client_for(request.user)
    tab = request.GET.get("tab", "overview")
    try:
        obj = client.get(kind, namespace, name)
    except StatusError as error:
        context = {"message": error.message, "kind": kind.kind, "name": name}
        return render(request, "dashboard/drawer_gone.html", context)
    context = _context(request, kind, obj) | _tab(request, client, obj, tab)
    template = "drawer_body.html" if request.GET.get("part") == "body" else "drawer.html"
    return render(request, f"dashboard/{template}", context)


def _context(request: HttpRequest, resource: Resource, obj: Object) -> dict[str, Any]:
    meta = obj["metadata"]
    namespace = meta.get("namespace", "")
    spec = obj.get("spec") or {}
    return {
        "obj": obj,
        "kind": obj["kind"],
        "name": meta["name"],
        "namespace": namespace,
        "resource": resource.id,
        "path": f"{resource.id}/{namespace or '-'}/{meta['name']}",
        "tabs": [t for t in TABS if t != "logs" or obj["kind"] == "Pod"],
        "may_operate": may(request.user, "operate"),
        "scalable": obj["kind"] in workloads.SCALABLE,
        "restartable": obj["kind"] in workloads.RESTARTABLE,
        "cordoned": bool(spec.get("unschedulable")),
        "replicas": spec.get("replicas", 0),
    }


def _tab(request: HttpRequest, client: Client, obj: Object, tab: str) -> dict[str, Any]:
    out: dict[str, Any] = {"tab": tab if tab in TABS else "overview"}
    out["detail"] = details.detail(client, obj)
    if obj["kind"] == "Node":
        out["off"] = any(f.label == "Fault" for f in out["detail"].facts)
    if tab == "events":
        out["events"] = events_of(client, obj)
    elif tab == "yaml":
        out["text"] = documents.write(obj)
        out["redacted"] = obj["kind"] == "Secret"
        if obj["kind"] == "Secret":
            out["text"] = documents.write(_redacted(obj))
    elif tab == "logs":
        out |= _logs(request, obj)
    return out


def _redacted(secret: Object) -> Object:
    """No secret values on the screen: names stay, values go."""
    return {**secret, **{f: dict.fromkeys(secret[f], "•••") for f in ("data",) if f in secret}}


def _logs(request: HttpRequest, obj: Object) -> dict[str, Any]:
    containers = [c["name"] for c in obj["spec"].get("containers") or ()]
    wanted = request.GET.get("container", "")
    container = wanted if wanted in containers else (containers or [""])[0]
    source = door.logs()
    out: dict[str, Any] = {"containers": containers, "container": container}
    if source is None:
        return {**out, "log_error": "This process has no access to containers' logs."}
    try:
        return {**out, "lines": list(source.tail(obj, container, LOG_LINES))}
    except StatusError as error:
        return {**out, "log_error": error.message}


@require_POST
@requires("operate")
def edit(request: HttpRequest, resource: str, namespace: str, name: str) -> HttpResponse:
    """Write what differs between the text the editor was given and the one it gives back."""
    kind, namespace = _resource(resource), _namespace(namespace)
    client = client_for(request.user, f"edit {kind.singular}/{name}")
    text = request.POST.get("text", "")
    try:
        obj = _one(text, kind, namespace, name)
        given = request.POST.get("original")
        before = _one(given, kind, namespace, name) if given else client.get(kind, namespace, name)
        editing.save(client, kind, before, obj)
    except BadDocument as error:
        return _again(request, text, [{"field": f"line {error.line}", "message": error.message}])
    except StatusError as error:
        causes = (error.details or {}).get("causes") or [{"field": "", "message": error.message}]
        return _again(request, text, causes)
    return trigger(HttpResponse(status=204), f"{kind.singular}/{name} edited", edited=name)


def _one(text: str, resource: Resource, namespace: str, name: str) -> Object:
    """The text's only object, which must still be the one that was opened."""
    found = documents.read(text)
    if len(found) != 1:
        raise BadDocument(1, f"there are {len(found)} objects here; the editor takes one")
    obj, meta = found[0].obj, found[0].obj["metadata"]
    if found[0].resource is not resource or meta.get("name") != name:
        raise BadDocument(1, "kind and name cannot be changed; create a new object instead")
    if meta.get("namespace", namespace) != namespace:
        raise BadDocument(1, "the namespace cannot be changed; create a new object instead")
    if namespace:
        meta["namespace"] = namespace
    return obj


def _again(request: HttpRequest, text: str, causes: list[dict[str, str]]) -> HttpResponse:
    context = {"text": text, "causes": causes}
    return render(request, "dashboard/editor_errors.html", context, status=422)


@require_POST
@requires("operate")
def delete(request: HttpRequest, resource: str, namespace: str, name: str) -> HttpResponse:
    kind, namespace = _resource(resource), _namespace(namespace)
    force = request.POST.get("force") == "1"
    return act(
        request,
        f"delete {kind.singular}/{name}",
        lambda client: workloads.delete(client, kind.kind, namespace, name, force),
    )


def _resource(name: str) -> Resource:
    found = kinds.RESOURCES.get(name)
    if found is None:
        raise Http404
    return found


def _namespace(text: str) -> str:
    return "" if text == "-" else text
