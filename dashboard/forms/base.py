"""What the forms share: building objects, and bringing the API server's causes to fields."""

from __future__ import annotations

import shlex
from typing import Any, ClassVar

from django import forms

from cluster.client import Client
from cluster.client.client import resource_of
from cluster.machinery.errors import StatusError, already_exists
from cluster.machinery.meta import Object, deep_copy


class ObjectForm(forms.Form):
    """`causes` maps a prefix of an object's field path to the form field that shows it."""

    title: ClassVar[str]
    lead: ClassVar[str]
    causes: ClassVar[dict[str, str]] = {}
    namespace = forms.CharField(initial="default", max_length=63)

    def objects(self) -> list[Object]:
        raise NotImplementedError

    def submit(self, client: Client) -> str:
        """Create the objects; returns what kubectl would print. Raises StatusError."""
        said = []
        objects = self.objects()
        if len(objects) > 1:
            # All or nothing, as far as can be told before.
            for obj in objects:
                _rehearse(client, obj)
        for obj in objects:
            made = client.do_create(obj)
            said.append(f"{label(made)} created")
        return "\n".join(said)

    def take(self, error: StatusError) -> None:
        """Show an API error where it belongs."""
        causes = (error.details or {}).get("causes") or ()
        if error.reason == "AlreadyExists" and "name" in self.fields:
            self.add_error("name", error.message)
            return
        for cause in causes:
            target = self._field_for(cause.get("field", ""))
            text = cause.get("message", "")
            self.add_error(target, text if target else f"{cause.get('field')}: {text}")
        if not causes:
            self.add_error(None, error.message)

    def _field_for(self, path: str) -> str | None:
        found = [prefix for prefix in self.causes if path.startswith(prefix)]
        return self.causes[max(found, key=len)] if found else None


def _rehearse(client: Client, obj: Object) -> None:
    """Raises what creating the object would raise."""
    meta, resource = obj["metadata"], resource_of(obj)
    if client.registry.find(resource, meta["namespace"], meta["name"]) is not None:
        raise already_exists(resource.plural, resource.group, meta["name"])
    client.do_create(deep_copy(obj), dry_run=True)


def label(obj: Object) -> str:
    """`deployment.apps/web`, as kubectl names what it made."""
    group = obj["apiVersion"].rpartition("/")[0]
    kind = obj["kind"].lower()
    return f"{kind}.{group}/{obj['metadata']['name']}" if group else f"{kind}/{_name(obj)}"


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def split_command(text: str) -> list[str]:
    """A command line as a shell would split it. Raises ValidationError."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise forms.ValidationError(f"Cannot be split into words: {error}.") from error


class CommandField(forms.CharField):
    """`sh -c "sleep 5"` -> ["sh", "-c", "sleep 5"]."""

    def clean(self, value: Any) -> Any:
        return split_command(super().clean(value) or "")


class PairsField(forms.CharField):
    """`app=web,tier=front` -> a dict."""

    def clean(self, value: Any) -> Any:
        out: dict[str, str] = {}
        for part in filter(None, (p.strip() for p in (super().clean(value) or "").split(","))):
            key, equals, text = part.partition("=")
            if not equals:
                raise forms.ValidationError(f"Write key=value: {part!r} has no “=”.")
            out[key.strip()] = text.strip()
        return out


def container(data: dict[str, Any], name: str = "") -> Object:
    """A container from the fields the workload forms share."""
    out: Object = {"name": name or short_name(data["image"]), "image": data["image"]}
    if data.get("command"):
        out["command"] = data["command"]
    if data.get("port"):
        out["ports"] = [{"containerPort": data["port"]}]
    requests = {k: data[k] for k in ("cpu", "memory") if data.get(k)}
    if requests:
        out["resources"] = {"requests": requests}
    return out


def short_name(image: str) -> str:
    """`registry.k8s.io/pause:3.10` -> `pause`, as kubectl create names the container."""
    last = image.rpartition("/")[2].partition("@")[0].partition(":")[0].lower()
    return "".join(c if c.isalnum() or c == "-" else "-" for c in last).strip("-") or "main"
