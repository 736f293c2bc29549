"""AdmissionReviews. Models admission/plugin/webhook/request."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from cluster.apiserver.admission.attributes import Attributes
from cluster.apiserver.admission.webhooks.call import CallError
from cluster.apiserver.resources import Resource
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

VERSIONS = ("v1", "v1beta1")


def request(attributes: Attributes, version: Resource, webhook: Object) -> Object:
    spoken = next((v for v in webhook.get("admissionReviewVersions") or () if v in VERSIONS), "v1")
    asked = attributes.request(version)
    asked["uid"] = attributes.ctx.entropy.uid()
    asked["object"] = attributes.shown(attributes.new, version)
    asked["oldObject"] = attributes.shown(attributes.old, version)
    return {
        "kind": "AdmissionReview",
        "apiVersion": f"admission.k8s.io/{spoken}",
        "request": asked,
    }


def response(sent: Object, answer: Any, mutating: bool) -> Object:
    """The verified answer. Raises CallError. Models VerifyAdmissionResponse."""
    if not isinstance(answer, dict) or answer.get("kind") != "AdmissionReview":
        raise _invalid("expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview")
    if answer.get("apiVersion") != sent["apiVersion"]:
        got = f"{answer.get('apiVersion', '')}, Kind={answer.get('kind', '')}"
        raise _invalid(
            f"expected webhook response of {sent['apiVersion']}, Kind=AdmissionReview, got {got}"
        )
    found = answer.get("response")
    if not isinstance(found, dict):
        raise _invalid("webhook response was absent")
    strict = sent["apiVersion"].endswith("/v1")
    if strict and found.get("uid") != sent["request"]["uid"]:
        raise _invalid(
            f'expected response.uid="{sent["request"]["uid"]}", got "{found.get("uid", "")}"'
        )
    if strict and not mutating and found.get("patch"):
        raise _invalid("response.patch may not be set by a validating webhook")
    if strict and found.get("patch") and found.get("patchType") != "JSONPatch":
        kind = found.get("patchType", "")
        raise _invalid(f'response.patchType must be "JSONPatch", got "{kind}"')
    return found


def _invalid(text: str) -> CallError:
    return CallError(f"received invalid webhook response: {text}")


def patch(found: Object) -> list[Any]:
    """The JSONPatch of an answer. Raises CallError."""
    text = found.get("patch")
    if not text:
        return []
    try:
        value = orjson.loads(base64.b64decode(text))
    except (binascii.Error, ValueError) as error:
        raise CallError("received undecodable patch in webhook response: invalid JSON") from error
    if not isinstance(value, list):
        raise CallError(
            "received undecodable patch in webhook response: json: cannot unmarshal object into Go "
            "value of type jsonpatch.Patch"
        )
    return value


def denied(name: str, status: Any) -> StatusError:
    """Models ToStatusErr."""
    status = status if isinstance(status, dict) else {}
    code = status.get("code") or 0
    said = status.get("message") or status.get("reason")
    text = f'admission webhook "{name}" denied the request'
    text += f": {said}" if said else " without explanation"
    return StatusError(
        code if isinstance(code, int) and code >= 400 else 400,
        status.get("reason") or "",
        text,
        status.get("details"),
    )
