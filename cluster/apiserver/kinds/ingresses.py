"""Ingresses and IngressClasses. Models pkg/apis/networking and registry/networking."""

from __future__ import annotations

import re
from ipaddress import ip_address

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind, WithStatus
from cluster.apiserver.strategy import Context
from cluster.machinery.errors import Cause, forbidden_field, invalid_value, not_supported, required
from cluster.machinery.meta import Object, annotations_of

PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
SCOPES = ("Cluster", "Namespace")
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
WILDCARD_TEXT = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character (e.g. '*.example.com', regex used for validation is "
    "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
WILDCARD = re.compile(r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
BAD_SUFFIXES = ("/..", "/.")
DOMAIN_PATH = re.compile(r"[a-z0-9.-]+/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")


class Ingresses(WithStatus):
    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        super().prepare_for_create(ctx, obj)
        obj["status"] = {"loadBalancer": {}}

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        if not spec.get("rules") and not spec.get("defaultBackend"):
            text = "either `defaultBackend` or `rules` must be specified"
            causes.append(invalid_value("spec", spec.get("rules") or [], text))
        if spec.get("defaultBackend"):
            causes += _backend(spec["defaultBackend"], "spec.defaultBackend")
        for index, rule in enumerate(spec.get("rules") or ()):
            causes += _rule(rule, f"spec.rules[{index}]")
        for index, entry in enumerate(spec.get("tls") or ()):
            for number, host in enumerate(entry.get("hosts") or ()):
                causes += _tls_host(host, f"spec.tls[{index}].hosts[{number}]")
        if name := spec.get("ingressClassName"):
            path = "spec.ingressClassName"
            causes += [invalid_value(path, name, t) for t in names.subdomain(name)]
        return causes

    def validate(self, ctx: Context, obj: Object) -> list[Cause]:
        causes = super().validate(ctx, obj)
        old, name = annotations_of(obj).get(CLASS_ANNOTATION), obj["spec"].get("ingressClassName")
        if old and name is not None and old != name:
            text = "must match `ingressClassName` when both are specified"
            causes.append(invalid_value(f"annotations.{CLASS_ANNOTATION}", old, text))
        return causes


def _rule(rule: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    host = rule.get("host", "")
    if host:
        if _is_address(host):
            text = "must be a DNS name, not an IP address"
            causes.append(invalid_value(f"{path}.host", host, text))
        elif "*" in host:
            if not WILDCARD.fullmatch(host):
                causes.append(invalid_value(f"{path}.host", host, WILDCARD_TEXT))
        else:
            causes += [invalid_value(f"{path}.host", host, t) for t in names.subdomain(host)]
    http = rule.get("http")
    if http is not None:
        if not http.get("paths"):
            causes.append(required(f"{path}.http.paths"))
        for index, entry in enumerate(http.get("paths") or ()):
            causes += _path(entry, f"{path}.http.paths[{index}]")
    return causes


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _tls_host(host: str, path: str) -> list[Cause]:
    if "*" in host:
        return [] if WILDCARD.fullmatch(host) else [invalid_value(path, host, WILDCARD_TEXT)]
    return [invalid_value(path, host, t) for t in names.subdomain(host)]


def _path(entry: Object, path: str) -> list[Cause]:
    kind, where = entry.get("pathType"), entry.get("path", "")
    causes: list[Cause] = []
    if kind is None:
        causes.append(required(f"{path}.pathType", "pathType must be specified"))
    elif kind not in PATH_TYPES:
        causes.append(not_supported(f"{path}.pathType", kind, PATH_TYPES))
    elif kind in ("Exact", "Prefix"):
        if not where.startswith("/"):
            causes.append(invalid_value(f"{path}.path", where, "must be an absolute path"))
        for bad in BAD_SEQUENCES if where else ():
            if bad in where:
                causes.append(invalid_value(f"{path}.path", where, f"must not contain '{bad}'"))
        for bad in BAD_SUFFIXES if where else ():
            if where.endswith(bad):
                causes.append(invalid_value(f"{path}.path", where, f"cannot end with '{bad}'"))
    elif where and not where.startswith("/"):
        causes.append(invalid_value(f"{path}.path", where, "must be an absolute path"))
    return causes + _backend(entry.get("backend") or {}, f"{path}.backend")


def _backend(backend: Object, path: str) -> list[Cause]:
    service, resource = backend.get("service"), backend.get("resource")
    if resource is not None:
        if service is not None:
            return [invalid_value(path, "", "cannot set both resource and service backends")]
        return [
            required(f"{path}.resource.{f}", "") for f in ("kind", "name") if not resource.get(f)
        ]
    if service is None:
        return [invalid_value(path, "", "resource or service backend is required")]
    causes: list[Cause] = []
    if not service.get("name"):
        causes.append(required(f"{path}.service.name"))
    else:
        texts = names.label_1035(service["name"])
        causes += [invalid_value(f"{path}.service.name", service["name"], t) for t in texts]
    return causes + _port(service.get("port") or {}, path)


def _port(port: Object, path: str) -> list[Cause]:
    name, number = port.get("name"), port.get("number")
    if name and number:
        return [invalid_value(path, "", "cannot set both port name & port number")]
    if name:
        texts = names.port_name(name)
        return [invalid_value(f"{path}.service.port.name", name, t) for t in texts]
    if number:
        if 0 < number < 65536:
            return []
        text = "must be between 1 and 65535, inclusive"
        return [invalid_value(f"{path}.service.port.number", number, text)]
    return [required(path, "port name or number is required")]


class IngressClasses(Kind):
    tracks_generation = True

    def default(self, obj: Object) -> None:
        parameters = obj.setdefault("spec", {}).get("parameters")
        if parameters:
            parameters.setdefault("scope", "Cluster")

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        controller = spec.get("controller", "")
        causes: list[Cause] = []
        if len(controller) > 250:
            text = "Too long: may not be more than 250 bytes"
            causes.append(Cause("spec.controller", "FieldValueTooLong", text))
        if not controller:
            causes.append(required("spec.controller"))
        elif not DOMAIN_PATH.fullmatch(controller):
            text = 'must be a domain-prefixed path (such as "acme.io/foo")'
            causes.append(invalid_value("spec.controller", controller, text))
        if spec.get("parameters"):
            causes += _parameters(spec["parameters"], "spec.parameters")
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "spec.controller")


def _parameters(found: Object, path: str) -> list[Cause]:
    causes = [required(f"{path}.{field}") for field in ("kind", "name") if not found.get(field)]
    scope, namespace = found["scope"], found.get("namespace")
    if scope not in SCOPES:
        causes.append(not_supported(f"{path}.scope", scope, SCOPES))
    if scope == "Namespace" and not namespace:
        text = "`parameters.scope` is set to 'Namespace'"
        causes.append(required(f"{path}.namespace", text))
    if scope == "Cluster" and namespace:
        text = "`parameters.scope` is set to 'Cluster'"
        causes.append(forbidden_field(f"{path}.namespace", text))
    return causes
