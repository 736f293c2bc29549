"""Versions that a webhook converts. Models apiserver/conversion/webhook_converter.go.

What was converted is remembered by the version of the stored object, so that a list or a watch
asks once for each.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

from cluster.apiserver.resources import Resource
from cluster.machinery import errors
from cluster.machinery.meta import Object, deep_copy

REMEMBERED = 5_000
TIMEOUT = 30.0
CHANGEABLE = ("labels", "annotations")
_Key = tuple[str, str, str]


class Source(Protocol):
    """Where Services are looked up."""

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None: ...


class WebhookConverter:
    """Of one definition; a changed definition has a new one."""

    def __init__(self, crd: Object, source: Source) -> None:
        spec = crd["spec"]
        webhook = spec["conversion"]["webhook"]
        self._config: Object = webhook["clientConfig"]
        reviews = webhook.get("conversionReviewVersions") or ["v1"]
        self._review = next((v for v in reviews if v in ("v1", "v1beta1")), "v1")
        self._kind: str = spec["names"]["kind"]
        self._source = source
        self._known: OrderedDict[_Key, Object] = OrderedDict()

    def stored(self, obj: Object, api_version: str) -> Object:
        """A stored object in another version. Raises StatusError."""
        (found,) = self.all_stored([obj], api_version)
        return found

    def all_stored(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """Several in one call; the results may be changed."""
        keys = [_key(obj, api_version) for obj in objects]
        missing = [o for o, k in zip(objects, keys, strict=True) if k not in self._known]
        fresh = self.convert(missing, api_version) if missing else []
        found = {_key(o, api_version): c for o, c in zip(missing, fresh, strict=True)}
        for key, converted in found.items():
            self._known[key] = converted
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return [deep_copy(found[k] if k in found else self._known[k]) for k in keys]

    def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """Asks the webhook. Raises StatusError."""
        from cluster.apiserver.admission.webhooks.call import CallError, post
        from cluster.apiserver.admission.webhooks.services import ServiceResolver

        uid = str(uuid.uuid4())
        review = {
            "kind": "ConversionReview",
            "apiVersion": f"apiextensions.k8s.io/{self._review}",
            "request": {"uid": uid, "desiredAPIVersion": api_version, "objects": list(objects)},
        }
        try:
            answer = post(self._config, review, TIMEOUT, ServiceResolver(self._source))
        except CallError as error:
            text = str(error).removeprefix("failed to call webhook: ")
            raise self._failed(objects[0], text) from error
        converted = self._checked(objects, answer, uid)
        return [_merged(old, new, api_version) for old, new in zip(objects, converted, strict=True)]

    def _checked(self, objects: Sequence[Object], answer: Any, uid: str) -> list[Object]:
        response = answer.get("response") if isinstance(answer, dict) else None
        if not isinstance(response, dict):
            raise self._failed(objects[0], "no response provided", "invalid conversion response")
        if response.get("uid") != uid:
            text = f'expected response.uid="{uid}", got "{response.get("uid", "")}"'
            raise self._failed(objects[0], text)
        result = response.get("result") or {}
        if result.get("status") != "Success":
            raise self._failed(objects[0], result.get("message") or "unspecified error")
        converted = response.get("convertedObjects") or []
        if len(converted) != len(objects):
            text = f"expected {len(objects)} converted objects, got {len(converted)}"
            raise self._failed(objects[0], text)
        return list(converted)

    def _failed(self, obj: Object, text: str, what: str = "") -> errors.StatusError:
        kind = f"{obj['apiVersion']}, Kind={self._kind}"
        said = f"{what}: {text}" if what else text
        return errors.StatusError(500, "", f"conversion webhook for {kind} failed: {said}")


def _key(obj: Object, api_version: str) -> _Key:
    meta = obj["metadata"]
    return meta.get("uid", ""), meta.get("resourceVersion", ""), api_version


def _merged(old: Object, new: Object, api_version: str) -> Object:
    """Of metadata a webhook changes labels and annotations only."""
    meta = {k: v for k, v in old["metadata"].items() if k not in CHANGEABLE}
    said = new.get("metadata") or {}
    meta |= {k: said[k] for k in CHANGEABLE if said.get(k)}
    return {**new, "apiVersion": api_version, "kind": old["kind"], "metadata": meta}
