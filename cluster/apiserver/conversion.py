"""Resources served in several versions, of which one is stored. Models pkg/apis/*/*/conversion.go.

`to_stored` and `from_stored` are pure; neither changes its argument. A version is a row of
resources.yaml with storedAs; its functions are named in CONVERSIONS by (group, version, kind).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cluster.apiserver.kinds import events, hpaversions
from cluster.apiserver.operations import Operation
from cluster.apiserver.resources import RESOURCES, Resource
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object
from cluster.machinery.selectors import FieldTerm

Convert = Callable[[Object], Object]

CONVERSIONS: dict[tuple[str, str, str], tuple[Convert, Convert]] = {
    ("autoscaling", "v1", "HorizontalPodAutoscaler"): (hpaversions.from_v1, hpaversions.to_v1),
    ("events.k8s.io", "v1", "Event"): (events.from_events_v1, events.to_events_v1),
}


# Selectable fields that have another path in the stored version.
FIELDS: dict[tuple[str, str, str], dict[str, str]] = {
    ("events.k8s.io", "v1", "Event"): {
        **{f"regarding.{f}": f"involvedObject.{f}" for f in events.ABOUT},
        "reportingController": "reportingComponent",
    },
}


def stored_fields(resource: Resource, terms: tuple[FieldTerm, ...]) -> tuple[FieldTerm, ...]:
    names = FIELDS.get((resource.group, resource.version, resource.kind), {})
    return tuple(replace(t, path=names.get(t.path, t.path)) for t in terms) if names else terms


def _functions(resource: Resource) -> tuple[Convert, Convert]:
    return CONVERSIONS[resource.group, resource.version, resource.kind]


def to_stored(resource: Resource, obj: Object) -> Object:
    hub = RESOURCES[resource.stored_as]
    return {**_functions(resource)[0](obj), "apiVersion": hub.api_version, "kind": hub.kind}


def shown(resource: Resource, obj: Object) -> Object:
    """A stored object as this version shows it."""
    out = _functions(resource)[1](obj)
    return {"apiVersion": resource.api_version, "kind": resource.kind, **_rest(out)}


def refused(version: Resource, error: StatusError) -> StatusError:
    """What the stored resource answers, in the name of the version that was asked."""
    hub = RESOURCES[version.stored_as]
    if hub.group == version.group or not error.details:
        return error
    message = error.message
    for word in (hub.plural, hub.kind):
        plain = f"{word}.{hub.group}" if hub.group else word
        message = message.replace(f'{plain} "', f'{word}.{version.group} "', 1)
    details = {**error.details, "group": version.group}
    return StatusError(error.code, error.reason, message, details)


def _rest(obj: Object) -> Object:
    return {k: v for k, v in obj.items() if k not in ("apiVersion", "kind")}


def stored(operation: Operation) -> Operation:
    """The operation on the stored version that does what this one asks of another version."""
    version, transform = operation.resource, operation.transform
    hub = RESOURCES[version.stored_as]
    body = operation.body
    if body is not None:
        body = to_stored(version, {"metadata": {}, **body})

    def converted(old: Object) -> Object:
        assert transform is not None
        return to_stored(version, transform(shown(version, old) if old else old))

    return replace(
        operation, resource=hub, body=body, transform=None if transform is None else converted,
        version=version,
    )  # fmt: skip
