"""Name rules and metadata checks. Models apimachinery/pkg/util/validation and api/validation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from cluster.machinery import selectors
from cluster.machinery.errors import Cause, forbidden_field, invalid_value, required
from cluster.machinery.meta import Object

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")

SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
FINALIZERS = ("kubernetes", "foregroundDeletion", "orphan")
TOTAL_ANNOTATIONS = 256 * 1024

NameRule: TypeAlias = Callable[[str], list[str]]


def subdomain(name: str) -> list[str]:
    out = [] if DNS_SUBDOMAIN.fullmatch(name) else [SUBDOMAIN_TEXT]
    return ["must be no more than 253 characters", *out] if len(name) > 253 else out


def label(name: str) -> list[str]:
    out = [] if DNS_LABEL.fullmatch(name) else [LABEL_TEXT]
    return ["must be no more than 63 bytes", *out] if len(name) > 63 else out


def label_1035(name: str) -> list[str]:
    out = [] if DNS_1035.fullmatch(name) else [LABEL_1035_TEXT]
    return ["must be no more than 63 bytes", *out] if len(name) > 63 else out


CONFIG_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
    "'[-._a-zA-Z0-9]+')"
)


def config_key(key: str) -> list[str]:
    """Models IsConfigMapKey."""
    out = ["must be no more than 253 characters"] if len(key) > 253 else []
    if not CONFIG_KEY.fullmatch(key):
        out.append(CONFIG_KEY_TEXT)
    elif key.startswith(".."):
        out.append("must not be '..'" if key == ".." else "must not start with '..'")
    elif key == ".":
        out.append("must not be '.'")
    return out


def qualified(name: str, path: str) -> list[Cause]:
    """Models ValidateQualifiedName."""
    return (
        [] if selectors.is_label_key(name) else [invalid_value(path, name, selectors.NAME_FORMAT)]
    )


def port_name(name: str) -> list[str]:
    """Models IsValidPortName: an IANA_SVC_NAME."""
    out = []
    if len(name) > 15:
        out.append("must be no more than 15 characters")
    if not re.fullmatch(r"[-a-z0-9]+", name):
        out.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", name):
        out.append("must contain at least one letter (a-z)")
    if "--" in name:
        out.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        out.append("must not begin or end with a hyphen")
    return out


def path_segment(name: str) -> list[str]:
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{c}'" for c in "/%" if c in name]


def metadata(meta: Mapping[str, Any], rule: NameRule) -> list[Cause]:
    """Everything upstream's ValidateObjectMeta refuses."""
    causes: list[Cause] = []
    name = meta.get("name", "")
    if not name:
        causes.append(required("metadata.name", "name or generateName is required"))
    else:
        causes += [invalid_value("metadata.name", name, text) for text in rule(name)]
    if meta.get("labels"):
        causes += labels(meta["labels"], "metadata.labels")
    if meta.get("annotations"):
        causes += annotation_map(meta["annotations"], "metadata.annotations")
    for index, finalizer in enumerate(meta.get("finalizers") or ()):
        path = f"metadata.finalizers[{index}]"
        if not selectors.is_label_key(finalizer):
            causes.append(invalid_value(path, finalizer, selectors.NAME_FORMAT))
        elif "/" not in finalizer and finalizer not in FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            causes.append(invalid_value(path, finalizer, text))
    if meta.get("ownerReferences"):
        causes += _owners(meta["ownerReferences"])
    return causes


def metadata_update(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[Cause]:
    """What an object that is on its way out may not get any more."""
    if "deletionTimestamp" not in old:
        return []
    more = sorted({*(new.get("finalizers") or ())} - {*(old.get("finalizers") or ())})
    if not more:
        return []
    listed = ", ".join(f'"{name}"' for name in more)
    text = (
        "no new finalizers can be added if the object is being deleted, found new finalizers "
        f"[]string{{{listed}}}"
    )
    return [forbidden_field("metadata.finalizers", text)]


def labels(found: Mapping[str, str] | None, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for key, value in (found or {}).items():
        if not selectors.is_label_key(key):
            causes.append(invalid_value(path, key, selectors.NAME_FORMAT))
        if not selectors.is_label_value(value):
            text = LABEL_VALUE_TEXT if len(value) <= 63 else "must be no more than 63 bytes"
            causes.append(invalid_value(path, value, text))
    return causes


def annotation_map(found: Mapping[str, str] | None, path: str) -> list[Cause]:
    causes = [
        invalid_value(path, key, selectors.NAME_FORMAT)
        for key in found or {}
        if not selectors.is_label_key(key.lower())
    ]
    total = sum(len(k) + len(v) for k, v in (found or {}).items())
    if total > TOTAL_ANNOTATIONS:
        causes.append(
            Cause(
                path,
                "FieldValueTooLong",
                f"Too long: may not be more than {TOTAL_ANNOTATIONS} bytes",
            )
        )
    return causes


def _owners(references: Any) -> list[Cause]:
    causes: list[Cause] = []
    controllers: list[str] = []
    for index, ref in enumerate(references):
        path = f"metadata.ownerReferences[{index}]"
        for field in ("apiVersion", "kind", "name", "uid"):
            if not ref.get(field):
                text = "version must not be empty" if field == "apiVersion" else "must not be empty"
                causes.append(invalid_value(f"{path}.{field}", ref.get(field, ""), text))
        if ref.get("controller"):
            controllers.append(f"{ref.get('kind')}/{ref.get('name')}")
    if len(controllers) > 1:
        text = (
            'Only one reference can have Controller set to true. Found "true" in references for '
            f"{controllers[0]} and {controllers[1]}"
        )
        causes.append(invalid_value("metadata.ownerReferences", list(references), text))
    return causes


def immutable(new: Object, old: Object, *fields: str) -> list[Cause]:
    """`fields` are dotted paths whose value may not change."""
    causes = []
    for path in fields:
        have = _at(new, path)
        if have != _at(old, path):
            causes.append(invalid_value(path, have, "field is immutable"))
    return causes


def immutable_as(shown: str, new: Object, old: Object, path: str) -> list[Cause]:
    """Where upstream names the field by another path."""
    return [Cause(shown, c.reason, c.message) for c in immutable(new, old, path)]


def _at(obj: Object, path: str) -> Any:
    found: Any = obj
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
