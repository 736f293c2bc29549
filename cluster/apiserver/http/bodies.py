"""Request bodies in, strictly or not. Models the serializers and fieldValidation of upstream."""

from __future__ import annotations

from typing import Any, cast

import orjson
import yaml

from cluster.apiserver import protobuf, schema
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.http.request import Request
from cluster.apiserver.resources import Resource
from cluster.machinery import errors
from cluster.machinery.meta import Object

ACCEPTED = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
JSON = ("", "application/json", "text/plain", "application/x-www-form-urlencoded")
# Subresources whose bodies are of the parent's kind, or a Scale.
CHECKED = frozenset(
    ("", "status", "scale", "finalize", "ephemeralcontainers", "approval", "resize")
)
SCALE = ("autoscaling", "v1", "Scale")
YAML = ("application/yaml", "application/x-yaml", "text/yaml")


def parse(request: Request) -> Any:
    """The body's value. Raises StatusError 400 or 415."""
    kind = request.content_type
    if kind == "application/vnd.kubernetes.protobuf" or request.body.startswith(protobuf.MAGIC):
        try:
            return protobuf.decode(request.body)
        except (protobuf.MalformedError, orjson.JSONDecodeError, UnicodeDecodeError) as error:
            raise errors.bad_request(str(error)) from error
    if kind in YAML:
        return parse_yaml(request.body)
    if kind not in JSON:
        raise errors.unsupported_media_type(ACCEPTED)
    return parse_json(request.body)


def parse_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = "unexpected end of JSON input" if not body.strip() else f"invalid character: {error}"
        raise errors.bad_request(
            f"the object provided is unrecognized (must be of type Object): "
            f"couldn't get version/kind; json parse error: {text}"
        ) from error


def parse_yaml(body: bytes) -> Any:
    try:
        return yaml.load(body, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise errors.bad_request(f"error converting YAML to JSON: {error}") from error


def parse_object(request: Request, resource: Resource) -> Object:
    """An object of the resource's kind, checked as `fieldValidation` asks."""
    value = parse(request)
    if not isinstance(value, dict):
        raise errors.bad_request("the object provided is unrecognized (must be of type Object)")
    if not isinstance(resource, CustomResource):
        value = without_nulls(value)
    check_kind(value, resource, request.subresource)
    if request.subresource in CHECKED:
        check_fields(request, resource, value)
    meta = value.get("metadata")
    if meta is not None and not isinstance(meta, dict):
        raise _mismatch(resource, "json: cannot unmarshal into Go struct field .metadata")
    return value


def without_nulls(value: Any) -> Any:
    """A field that is null is a field that is not there, as for Go's typed decoding."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(v) for v in value]
    return value


def settled(resource: Resource, new: Object, old: Object) -> Object:
    """What a patch made, as typed decoding leaves it; a custom object may mean its nulls."""
    if not isinstance(resource, CustomResource):
        return cast(Object, without_new_nulls(new, old))
    return {**new, "metadata": without_new_nulls(new.get("metadata"), old.get("metadata"))}


def without_new_nulls(value: Any, old: Any) -> Any:
    """Likewise, but for what was null before: a zero time is written so."""
    if value is old or value is None:
        return value
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        return {
            k: without_new_nulls(v, before.get(k))
            for k, v in value.items()
            if v is not None or before.get(k, "") is None
        }
    if isinstance(value, list):
        known = old if isinstance(old, list) else []
        return [v if v in known else without_new_nulls(v, None) for v in value]
    return value


def check_kind(value: Object, resource: Resource, subresource: str = "") -> None:
    """A body that names another kind is refused; one that names none is taken as ours."""
    version, kind = value.get("apiVersion"), value.get("kind")
    for field, found in (("apiVersion", version), ("kind", kind)):
        if found is not None and not isinstance(found, str):
            word = schema.WORDS.get(type(found), "object")
            raise errors.bad_request(
                "couldn't get version/kind; json parse error: json: cannot unmarshal "
                f"{word} into Go struct field .{field} of type string"
            )
    if subresource not in ("", "status", "finalize", "ephemeralcontainers"):
        return
    if (version or resource.api_version, kind or resource.kind) != (
        resource.api_version,
        resource.kind,
    ):
        raise errors.bad_request(
            f'{kind} in version "{(version or "").rpartition("/")[2]}" cannot be handled as a '
            f"{resource.kind}: the API version in the data ({version}) or kind ({kind}) does not "
            f"match the expected one ({resource.api_version}, {resource.kind})"
        )


def check_fields(request: Request, resource: Resource, value: Object) -> None:
    mode = request.query.get("fieldValidation") or "Warn"
    if mode not in ("Ignore", "Warn", "Strict"):
        cause = errors.not_supported("fieldValidation", mode, ("Ignore", "Strict", "Warn"))
        raise errors.invalid("CreateOptions", "meta.k8s.io", "", [cause])
    if request.subresource == "scale":
        found = schema.check(*SCALE, value)
    else:
        found = check_schema(resource, value)
    if found.mismatch:
        raise _mismatch(resource, found.mismatch)
    if not found.unknown:
        return
    texts = [f'unknown field "{path}"' for path in found.unknown]
    if mode == "Strict":
        raise _mismatch(resource, f"strict decoding error: {', '.join(texts)}")
    if mode == "Warn":
        request.warnings += texts
    drop_unknown(value, found.unknown)


def check_schema(resource: Resource, value: Object) -> schema.Findings:
    if not isinstance(resource, CustomResource):
        return schema.check(resource.group, resource.version, resource.kind, value)
    found = schema.check_metadata(value.get("metadata"))
    found.unknown = sorted(found.unknown + resource.version_info.unknown(value))
    return found


def drop_unknown(value: Object, paths: list[str]) -> None:
    """Typed decoding forgets what it does not know."""
    for path in paths:
        *parents, last = path.replace("[", ".[").split(".")
        target: Any = value
        for part in parents:
            if target is None:
                break
            target = target[int(part[1:-1])] if part.startswith("[") else target.get(part)
        if isinstance(target, dict):
            target.pop(last, None)


def _mismatch(resource: Resource, why: str) -> errors.StatusError:
    return errors.bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a '
        f"{resource.kind}: {why}"
    )
