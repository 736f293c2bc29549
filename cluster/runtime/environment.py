"""A container's environment: services, env, envFrom. Models kubelet_pods.go (makeEnvironment)."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from cluster.apiserver.resources import CONFIG_MAPS, SECRETS, SERVICES, Resource
from cluster.machinery.meta import Object
from cluster.runtime import fields

if TYPE_CHECKING:
    from cluster.runtime.around import Surroundings

REFERENCE = re.compile(r"\$(\$|\(([^()\s]+)\))")


class ConfigError(Exception):
    """CreateContainerConfigError: something the container needs is not there."""


def expand(text: str, values: dict[str, str]) -> str:
    """$(NAME) of what is known; $$ is a dollar sign. Models third_party/forked/golang/expansion."""

    def one(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return values.get(match[2], match[0])

    return REFERENCE.sub(one, text) if "$" in text else text


def values_of(obj: Object) -> dict[str, bytes]:
    """Of a ConfigMap or a Secret."""
    if obj["kind"] == "Secret":
        return {k: base64.b64decode(v or "") for k, v in (obj.get("data") or {}).items()}
    found = {k: str(v).encode() for k, v in (obj.get("data") or {}).items()}
    more = {k: base64.b64decode(v or "") for k, v in (obj.get("binaryData") or {}).items()}
    return {**found, **more}


def build(pod: Object, spec: Object, around: Surroundings) -> dict[str, str]:
    """Raises ConfigError."""
    namespace = pod["metadata"]["namespace"]
    out = services(namespace, around, pod["spec"].get("enableServiceLinks", True))
    for source in spec.get("envFrom") or ():
        out.update(_from(source, namespace, around))
    for entry in spec.get("env") or ():
        value = _value(pod, spec, entry, out, around)
        if value is not None:
            out[entry["name"]] = value
    return out


def _lookup(
    resource: Resource, kind: str, namespace: str, source: Object, around: Surroundings
) -> dict[str, bytes] | None:
    name = source.get("name", "")
    found = around.find(resource, namespace, name)
    if found is None:
        if source.get("optional"):
            return None
        raise ConfigError(f'{kind} "{name}" not found')
    return values_of(found)


def _from(source: Object, namespace: str, around: Surroundings) -> dict[str, str]:
    prefix = source.get("prefix", "")
    values: dict[str, bytes] = {}
    if reference := source.get("configMapRef"):
        values = _lookup(CONFIG_MAPS, "configmap", namespace, reference, around) or {}
    elif reference := source.get("secretRef"):
        values = _lookup(SECRETS, "secret", namespace, reference, around) or {}
    return {prefix + k: v.decode(errors="replace") for k, v in sorted(values.items())}


def _value(
    pod: Object, spec: Object, entry: Object, known: dict[str, str], around: Surroundings
) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return expand(str(entry.get("value", "")), known)
    if reference := source.get("fieldRef"):
        return fields.field(pod, reference["fieldPath"])
    if reference := source.get("resourceFieldRef"):
        return fields.resource(pod, spec["name"], reference)
    for key, resource, kind in (
        ("configMapKeyRef", CONFIG_MAPS, "configmap"),
        ("secretKeyRef", SECRETS, "secret"),
    ):
        if reference := source.get(key):
            return _key(pod, reference, resource, kind, around)
    return None


def _key(
    pod: Object, reference: Object, resource: Resource, kind: str, around: Surroundings
) -> str | None:
    namespace = pod["metadata"]["namespace"]
    values = _lookup(resource, kind, namespace, reference, around)
    if values is None:
        return None
    key = reference.get("key", "")
    if key not in values:
        if reference.get("optional"):
            return None
        what = "ConfigMap" if kind == "configmap" else "Secret"
        name = f"{namespace}/{reference.get('name', '')}"
        raise ConfigError(f"couldn't find key {key} in {what} {name}")
    return values[key].decode(errors="replace")


def services(namespace: str, around: Surroundings, links: bool) -> dict[str, str]:
    """Models pkg/kubelet/envvars: the kubernetes service always, the namespace's own if wanted."""
    out: dict[str, str] = {}
    api = around.find(SERVICES, "default", "kubernetes")
    mine = around.list(SERVICES, namespace) if links else []
    apart = api is not None and (namespace != "default" or not links)
    found = [api, *mine] if apart else mine
    for service in found:
        assert service is not None
        address = service["spec"].get("clusterIP")
        if address and address != "None":
            out.update(_links(service, address))
    return out


def _links(service: Object, address: str) -> dict[str, str]:
    prefix = re.sub(r"[-.]", "_", service["metadata"]["name"]).upper()
    ports = service["spec"].get("ports") or []
    if not ports:
        return {}
    out = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if name := port.get("name"):
            out[f"{prefix}_SERVICE_PORT_{name.replace('-', '_').upper()}"] = str(port["port"])
    for at, port in enumerate(ports):
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{address}:{port['port']}"
        if at == 0:
            out[f"{prefix}_PORT"] = url
        stem = f"{prefix}_PORT_{port['port']}_{protocol}"
        out[stem] = url
        out[f"{stem}_PROTO"] = protocol.lower()
        out[f"{stem}_PORT"] = str(port["port"])
        out[f"{stem}_ADDR"] = address
    return out
