"""What upstream refuses in a CustomResourceDefinition. Models apis/apiextensions/validation."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.custom import naming
from cluster.apiserver.custom.schema import rules
from cluster.apiserver.custom.strategies import conversion_causes
from cluster.apiserver.kinds import names
from cluster.machinery import errors
from cluster.machinery.errors import Cause, invalid_value, required
from cluster.machinery.meta import Object

COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
MAX_SELECTABLE = 8
APPROVAL_TEXT = (
    'protected groups must have approval annotation "api-approved.kubernetes.io", see '
    "https://github.com/kubernetes/enhancements/pull/1111"
)


def validate(new: Object, old: Object | None) -> list[Cause]:
    spec = new["spec"]
    causes = _name(new) if old is None else _immutable(spec, old)
    causes += _group(spec) + _scope(spec) + _versions(spec) + _names(spec)
    causes += conversion_causes(spec.get("conversion") or {})
    causes += validate_stored_versions(new)
    return causes + _approval(new, old)


def _name(crd: Object) -> list[Cause]:
    spec, name = crd["spec"], crd["metadata"].get("name", "")
    if name != f"{spec['names'].get('plural', '')}.{spec.get('group', '')}":
        return [invalid_value("metadata.name", name, 'must be spec.names.plural+"."+spec.group')]
    return []


def _immutable(spec: Object, old_crd: Object) -> list[Cause]:
    old = old_crd["spec"]
    conditions = (old_crd.get("status") or {}).get("conditions") or ()
    pairs = [
        ("spec.group", spec.get("group"), old["group"]),
        ("spec.names.plural", spec["names"].get("plural"), old["names"]["plural"]),
    ]
    if any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
        pairs = [
            ("spec.scope", spec.get("scope"), old["scope"]),
            ("spec.names.kind", spec["names"].get("kind"), old["names"]["kind"]),
            *pairs,
        ]
    text = "field is immutable"
    return [invalid_value(path, have or "", text) for path, have, had in pairs if have != had]


def _group(spec: Object) -> list[Cause]:
    group = spec.get("group") or ""
    if not group:
        return [required("spec.group")]
    if texts := names.subdomain(group):
        return [invalid_value("spec.group", group, ",".join(texts))]
    if "." not in group:
        text = "should be a domain with at least one dot"
        return [invalid_value("spec.group", group, text)]
    return []


def _scope(spec: Object) -> list[Cause]:
    scope = spec.get("scope") or ""
    if not scope:
        return [required("spec.scope")]
    if scope not in ("Cluster", "Namespaced"):
        return [errors.not_supported("spec.scope", scope, ("Cluster", "Namespaced"))]
    return []


def _versions(spec: Object) -> list[Cause]:
    versions = spec.get("versions") or []
    causes: list[Cause] = []
    if spec.get("preserveUnknownFields"):
        text = (
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
            "spec.versions[*].schema instead"
        )
        causes.append(invalid_value("spec.preserveUnknownFields", True, text))
    for index, version in enumerate(versions):
        path = f"spec.versions[{index}]"
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            causes.append(required(f"{path}.schema.openAPIV3Schema"))
        if texts := names.label_1035(version.get("name") or ""):
            causes.append(invalid_value(f"{path}.name", version.get("name", ""), ",".join(texts)))
        causes += _version(version, path)
    found = [v.get("name") for v in versions]
    if len(set(found)) != len(found):
        causes.append(invalid_value("spec.versions", versions, "must contain unique version names"))
    if sum(bool(v.get("storage")) for v in versions) != 1:
        text = "must have exactly one version marked as storage version"
        causes.append(invalid_value("spec.versions", versions, text))
    return causes


def _version(version: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    warning = version.get("deprecationWarning")
    if warning is not None:
        where = f"{path}.deprecationWarning"
        if not version.get("deprecated"):
            causes.append(invalid_value(where, warning, "can only be set for deprecated versions"))
        elif not 0 < len(warning) <= 256:
            text = "must be <= 256 characters long" if warning else "must not be an empty string"
            causes.append(invalid_value(where, warning, text))
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    subresources = version.get("subresources") or {}
    if schema is not None:
        has_status = "status" in subresources
        causes += rules.validate(schema, f"{path}.schema.openAPIV3Schema", has_status)
    causes += _scale(subresources.get("scale"), f"{path}.subresources.scale")
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        causes += _column(column, f"{path}.additionalPrinterColumns[{index}]")
    fields = version.get("selectableFields") or []
    return causes + _selectable(fields, schema or {}, f"{path}.selectableFields")


def _simple_path(text: str, path: str) -> list[Cause]:
    if not text.startswith("."):
        return [invalid_value(path, text, "must be a simple json path starting with .")]
    return []


def _scale(scale: Object | None, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if scale is None:
        return causes
    for field, root in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        text = scale.get(field) or ""
        if not text:
            causes.append(required(f"{path}.{field}"))
        elif bad := _simple_path(text, f"{path}.{field}"):
            causes += bad
        elif not text.startswith(root):
            why = f"should be a json path under {root[:-1]}"
            causes.append(invalid_value(f"{path}.{field}", text, why))
    selector = scale.get("labelSelectorPath")
    if selector and not selector.startswith((".spec.", ".status.")):
        why = "should be a json path under either .spec or .status"
        causes.append(invalid_value(f"{path}.labelSelectorPath", selector, why))
    return causes


def _column(column: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if not column.get("name"):
        causes.append(required(f"{path}.name"))
    text = f"must be one of {','.join(COLUMN_TYPES)}"
    if not column.get("type"):
        causes.append(required(f"{path}.type", text))
    elif column["type"] not in COLUMN_TYPES:
        causes.append(invalid_value(f"{path}.type", column["type"], text))
    if column.get("format") and column["format"] not in COLUMN_FORMATS:
        text = f"must be one of {','.join(COLUMN_FORMATS)}"
        causes.append(invalid_value(f"{path}.format", column["format"], text))
    if not column.get("jsonPath"):
        causes.append(required(f"{path}.JSONPath"))
    else:
        causes += _simple_path(column["jsonPath"], f"{path}.JSONPath")
    return causes


def _selectable(fields: list[Object], schema: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, field in enumerate(fields):
        where, text = f"{path}[{index}].jsonPath", field.get("jsonPath") or ""
        if not text:
            causes.append(required(where))
            continue
        found = _at(schema, text)
        if found is None:
            why = f"is an invalid path: does not refer to a valid field: {text}"
            causes.append(invalid_value(where, text, why))
            continue
        if text.lstrip(".").startswith("metadata"):
            causes.append(invalid_value(where, text, "must not point to fields in metadata"))
        if found.get("type") not in ("string", "boolean", "integer"):
            why = (
                "must point to a field of type string, boolean or integer. Enum string fields and "
                "strings with formats are allowed."
            )
            causes.append(invalid_value(where, text, why))
        if text in seen:
            causes.append(errors.duplicate(where, text))
        seen.add(text)
    if len(seen) > MAX_SELECTABLE:
        text = f"Too many: {len(seen)}: must have at most {MAX_SELECTABLE} items"
        causes.append(Cause(path, "FieldValueTooMany", text))
    return causes


def _at(schema: Object, path: str) -> Object | None:
    found: Any = schema
    for step in path.lstrip(".").split("."):
        found = (found.get("properties") or {}).get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _names(spec: Object) -> list[Cause]:
    found, path = spec["names"], "spec.names"
    causes = [
        required(f"{path}.{field}")
        for field in ("plural", "singular", "kind", "listKind")
        if not found.get(field)
    ]
    for field in ("plural", "singular", "kind", "listKind"):
        value = found.get(field) or ""
        checked = value.lower() if field in ("kind", "listKind") else value
        if value and (texts := names.label_1035(checked)):
            mixed = " may have mixed case, but should otherwise match: " if checked != value else ""
            text = f"{mixed.strip()} {','.join(texts)}" if mixed else ",".join(texts)
            causes.append(invalid_value(f"{path}.{field}", value, text))
    for field in ("shortNames", "categories"):
        for index, value in enumerate(found.get(field) or ()):
            if texts := names.label_1035(value):
                where = f"{path}.{field}[{index}]"
                causes.append(invalid_value(where, value, ",".join(texts)))
    if found.get("kind") and found.get("kind") == found.get("listKind"):
        text = "kind and listKind may not be the same"
        causes.append(invalid_value(f"{path}.listKind", found["listKind"], text))
    return causes


def validate_stored_versions(crd: Object) -> list[Cause]:
    path = "status.storedVersions"
    stored = (crd.get("status") or {}).get("storedVersions") or []
    if not stored:
        return [invalid_value(path, stored, "must have at least one stored version")]
    causes: list[Cause] = []
    have = [v.get("name") for v in crd["spec"].get("versions") or ()]
    for version in crd["spec"].get("versions") or ():
        if version.get("storage") and version.get("name") not in stored:
            text = f"must have the storage version {version.get('name')}"
            causes.append(invalid_value(path, stored, text))
    for index, name in enumerate(stored):
        if name not in have:
            text = (
                f"missing from spec.versions; {name} was previously a storage version, and must "
                "remain in spec.versions until a storage migration ensures no data remains "
                f"persisted in {name} and removes {name} from status.storedVersions"
            )
            causes.append(invalid_value(f"{path}[{index}]", name, text))
    return causes


def _approval(new: Object, old: Object | None) -> list[Cause]:
    if not naming.protected(new["spec"].get("group") or ""):
        return []
    path = "metadata.annotations[api-approved.kubernetes.io]"
    text = (new["metadata"].get("annotations") or {}).get(naming.APPROVAL)
    if old is not None and text == (old["metadata"].get("annotations") or {}).get(naming.APPROVAL):
        return []
    if not text:
        return [required(path, APPROVAL_TEXT)]
    if not text.startswith(("https://", "http://", "unapproved")):
        why = (
            "protected groups must have approval annotation with either a URL or a reason starting "
            'with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111'
        )
        return [invalid_value(path, text, why)]
    return []
