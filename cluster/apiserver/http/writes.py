"""POST, PUT, PATCH, DELETE: requests become Operations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from cluster.apiserver import patch as patches
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.http import apply, bodies
from cluster.apiserver.http.reads import catch_up, shown
from cluster.apiserver.http.request import Request, not_found
from cluster.apiserver.http.responses import Response, json_response
from cluster.apiserver.http.selection import selection
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.kinds import strategy_for
from cluster.apiserver.operations import Operation, Options, Propagation
from cluster.apiserver.resources import PODS, Resource
from cluster.etcd.api import Origin
from cluster.machinery import errors
from cluster.machinery.meta import Object

PATCHES = (
    patches.JSON_PATCH,
    patches.MERGE_PATCH,
    patches.STRATEGIC_PATCH,
    patches.APPLY_PATCH,
)
CUSTOM_PATCHES = (patches.JSON_PATCH, patches.MERGE_PATCH, patches.APPLY_PATCH)
POLICIES = ("Foreground", "Background", "Orphan")


def _origin(request: Request) -> Origin:
    return Origin(request.user.name, f"{request.method} {request.path}"[:512])


def _dry_run(request: Request) -> bool:
    value = request.query.get("dryRun", "")
    if value not in ("", "All"):
        cause = errors.not_supported("dryRun", [value], ("All",))
        raise errors.invalid("CreateOptions", "meta.k8s.io", "", [cause])
    return value == "All"


def _options(request: Request) -> Options:
    return Options(dry_run=_dry_run(request), field_manager=apply.manager_name(request))


async def create(server: ApiServer, request: Request) -> Response:
    resource = request.resource
    assert resource is not None
    if request.subresource:
        return await _create_sub(server, request, resource)
    if request.name:
        raise errors.method_not_allowed(resource.plural, resource.group, "post")
    body = bodies.parse_object(request, resource)
    name = (body.get("metadata") or {}).get("name") or ""
    if resource.virtual:  # bindings, the only virtual resource that can be created
        return await _bind(server, request, name, body)
    operation = Operation(
        "create", resource, request.namespace, name, request.user, body=body,
        options=_options(request), origin=_origin(request),
        warnings=request.warnings,
    )  # fmt: skip
    return shown(server, request, await server.commit(operation), 201)


async def _create_sub(server: ApiServer, request: Request, resource: Resource) -> Response:
    if resource is not PODS or request.subresource not in ("binding", "eviction"):
        raise not_found()
    body = bodies.parse(request)
    if not isinstance(body, dict):
        raise errors.bad_request("the object provided is unrecognized (must be of type Object)")
    if request.subresource == "eviction":
        return await _evict(server, request, body)
    return await _bind(server, request, request.name, body)


async def _bind(server: ApiServer, request: Request, name: str, body: Object) -> Response:
    operation = Operation(
        "create", PODS, request.namespace, name, request.user, body=body,
        subresource="binding", options=_options(request), origin=_origin(request),
        warnings=request.warnings,
    )  # fmt: skip
    await server.commit(operation)
    return json_response({**_success(), "code": 201}, 201)


async def _evict(server: ApiServer, request: Request, body: Object) -> Response:
    """A deletion that asks the disruption budgets first."""
    named = (body.get("metadata") or {}).get("name", "")
    if named and named != request.name:
        raise errors.bad_request("name in URL does not match name in Eviction object")
    options = delete_options(request, body.get("deleteOptions") or {})
    operation = Operation(
        "delete", PODS, request.namespace, request.name, request.user, options=options,
        subresource="eviction", origin=_origin(request),
    )  # fmt: skip
    await server.commit(operation)
    return json_response({**_success(), "code": 201}, 201)


async def update(server: ApiServer, request: Request) -> Response:
    resource = request.resource
    assert resource is not None
    body = bodies.parse_object(request, resource)
    meta = body.setdefault("metadata", {})
    name = meta.setdefault("name", request.name)
    if name != request.name:
        raise errors.bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({request.name})"
        )
    existed = not strategy_for(resource).allow_create_on_update or _exists(server, request)
    operation = Operation(
        "update", resource, request.namespace, request.name, request.user, body=body,
        subresource=request.subresource, options=_options(request), origin=_origin(request),
        warnings=request.warnings,
    )  # fmt: skip
    result = await server.commit(operation)
    return _after_update(server, request, result, 200 if existed else 201)


def _exists(server: ApiServer, request: Request) -> bool:
    assert request.resource is not None
    server.cacher.refresh()
    return server.cacher.get(request.resource, request.namespace, request.name) is not None


def _after_update(server: ApiServer, request: Request, obj: Object, status: int = 200) -> Response:
    from cluster.apiserver.cacher import Entry
    from cluster.apiserver.http.reads import view

    if request.subresource == "scale":
        resource = request.resource
        assert resource is not None
        entry = server.cacher.get(resource, request.namespace, request.name)
        if isinstance(entry, Entry):
            return json_response(view(server, request, entry), status)
    return shown(server, request, obj, status)


async def patch(server: ApiServer, request: Request) -> Response:
    resource = request.resource
    assert resource is not None
    kind = request.content_type
    accepted = CUSTOM_PATCHES if isinstance(resource, CustomResource) else PATCHES
    if kind not in accepted:
        raise errors.unsupported_media_type(accepted)
    name, force = apply.patch_manager(request, kind == patches.APPLY_PATCH)
    if kind == patches.APPLY_PATCH:
        existed = _exists(server, request)
        options = Options(dry_run=_dry_run(request), field_manager=name)
        applying = apply.operation(server, request, resource, options, _origin(request), force)
        result = await server.commit(applying)
        return _after_update(server, request, result, 200 if existed else 201)
    change = patches.decode(kind, request.body)
    operation = Operation(
        "patch", resource, request.namespace, request.name, request.user,
        transform=partial(_apply, request, resource, _patcher(resource, kind, request), change),
        subresource=request.subresource, options=_options(request), origin=_origin(request),
        warnings=request.warnings,
    )  # fmt: skip
    return _after_update(server, request, await server.commit(operation))


def _patcher(resource: Resource, kind: str, request: Request) -> Callable[[Object, Any], Object]:
    if kind == patches.JSON_PATCH:
        return patches.json_patch
    if kind == patches.MERGE_PATCH:
        return patches.merge
    group, version, name = resource.group, resource.version, resource.kind
    if request.subresource == "scale":
        group, version, name = "autoscaling", "v1", "Scale"
    return partial(patches.strategic_merge, group, version, name)


def _apply(
    request: Request, resource: Resource, patcher: Callable[[Object, Any], Object], change: Any,
    old: Object,
) -> Object:  # fmt: skip
    new = patcher(old, change)
    if not isinstance(new, dict):
        raise errors.bad_request("the patch does not leave an object")
    new = bodies.settled(resource, new, old)
    if request.subresource in bodies.CHECKED:
        request.warnings.clear()
        bodies.check_fields(request, resource, new)
    if request.subresource in ("", "status"):
        meta = new.get("metadata")
        if not isinstance(meta, dict) or meta.get("name") != request.name:
            raise errors.bad_request(
                f"the name of the object ({(meta or {}).get('name', '')}) does not match the name "
                f"on the URL ({request.name})"
            )
    return new


# ---- deletion


def delete_options(request: Request, body: Object) -> Options:
    """From the body and, where it is silent, the query. Raises StatusError."""
    query = request.query
    grace = body.get("gracePeriodSeconds")
    if grace is None:
        grace = request.number("gracePeriodSeconds")
    policy = body.get("propagationPolicy") or query.get("propagationPolicy") or ""
    orphan = body.get("orphanDependents")
    if orphan is None and "orphanDependents" in query:
        orphan = request.flag("orphanDependents")
    if policy and policy not in POLICIES:
        cause = errors.not_supported("propagationPolicy", policy, (*POLICIES, "nil"))
        raise errors.invalid("DeleteOptions", "", "", [cause])
    if orphan is not None and not policy:
        policy = "Orphan" if orphan else "Background"
    if isinstance(grace, int) and grace < 0:
        grace = 1
    conditions = body.get("preconditions") or {}
    chosen = cast(Propagation, policy)
    return Options(
        dry_run="All" in (body.get("dryRun") or ()) or _dry_run(request),
        grace=grace,
        propagation=chosen,
        uid=conditions.get("uid") or "",
        resource_version=conditions.get("resourceVersion") or "",
    )


def _delete_body(request: Request) -> Object:
    if not request.body:
        return {}
    body = bodies.parse(request)
    if not isinstance(body, dict):
        raise errors.bad_request("the object provided is unrecognized (must be of type Object)")
    return body


async def delete(server: ApiServer, request: Request) -> Response:
    resource = request.resource
    assert resource is not None
    if request.subresource:
        raise errors.method_not_allowed(resource.plural, resource.group, "delete")
    options = delete_options(request, _delete_body(request))
    operation = Operation(
        "delete", resource, request.namespace, request.name, request.user, options=options,
        origin=_origin(request),
    )  # fmt: skip
    result = await server.commit(operation)
    left = server.cacher.get(resource, request.namespace, request.name)
    uid = result["metadata"].get("uid", "")
    if options.dry_run or (left is not None and left.decode()["metadata"].get("uid") == uid):
        return shown(server, request, result)
    details = {"name": request.name, "group": resource.group, "kind": resource.plural, "uid": uid}
    return json_response({**_success(), "details": {k: v for k, v in details.items() if v}})


async def delete_collection(server: ApiServer, request: Request) -> Response:
    resource = request.resource
    assert resource is not None
    if "deletecollection" not in resource.verbs:
        raise errors.method_not_allowed(resource.plural, resource.group, "deletecollection")
    options = delete_options(request, _delete_body(request))
    wanted = selection(request, resource)
    catch_up(server, request)
    found, revision = server.cacher.select(resource, request.namespace)
    items = []
    for entry in found:
        if not wanted.matches(entry):
            continue
        operation = Operation(
            "delete", resource, entry.namespace, entry.name, request.user, options=options,
            origin=_origin(request),
        )  # fmt: skip
        try:
            items.append(await server.commit(operation))
        except errors.StatusError as error:
            if error.code != 404:
                raise
    return json_response(
        {
            "kind": f"{resource.kind}List",
            "apiVersion": resource.api_version,
            "metadata": {"resourceVersion": str(revision)},
            "items": items,
        }
    )


def _success() -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
