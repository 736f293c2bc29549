"""Label and field selectors of a request, and the pages of a list."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Any

import orjson

from cluster.apiserver import conversion
from cluster.apiserver.cacher import Entry
from cluster.apiserver.http.request import Request
from cluster.apiserver.kinds import strategy_for
from cluster.apiserver.resources import Resource
from cluster.machinery import errors, selectors
from cluster.machinery.selectors import FieldTerm, Selector

EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


RESTORED = (
    "The provided continue parameter is too old to display a consistent list result. You must "
    "start a new list without the continue parameter."
)
LATEST = -1  # the revision of a token that gave up consistency


@dataclass(frozen=True, slots=True)
class Selection:
    labels: Selector
    fields: tuple[FieldTerm, ...]

    @property
    def everything(self) -> bool:
        return self.labels.empty and not self.fields

    def matches(self, entry: Entry) -> bool:
        if not self.labels.matches(entry.labels):
            return False
        return all((_field(entry, t.path) == t.value) is t.equal for t in self.fields)


def _field(entry: Entry, path: str) -> str:
    if path == "metadata.name":
        return entry.name
    if path == "metadata.namespace":
        return entry.namespace
    return entry.fields.get(path, "")


def selection(request: Request, resource: Resource) -> Selection:
    """Raises StatusError 400 with upstream's text."""
    text = request.query.get("labelSelector", "")
    try:
        labels = selectors.parse(text)
    except ValueError as error:
        raise errors.bad_request(f"unable to parse requirement: {error}") from error
    try:
        fields = selectors.parse_fields(request.query.get("fieldSelector", ""))
    except ValueError as error:
        raise errors.bad_request(str(error)) from error
    fields = conversion.stored_fields(resource, fields)
    known = strategy_for(resource).fields({"metadata": {}, "spec": {}, "status": {}})
    for term in fields:
        if term.path not in known and term.path not in ("metadata.name", "metadata.namespace"):
            # kubectl adds what it looked for.
            raise errors.bad_request(f"field label not supported: {term.path}")
    return Selection(labels, fields)


@dataclass(frozen=True, slots=True)
class Token:
    """Where the next page begins: behind `start`, at `revision`."""

    cluster: str
    epoch: int
    revision: int
    start: bytes

    def encode(self) -> str:
        value = {"v": "meta.k8s.io/v1", "rv": self.revision, "start": self.start.decode()}
        value |= {"cluster": self.cluster, "epoch": self.epoch}
        return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


class ExpiredTokenError(errors.StatusError):
    """410 with a token to go on inconsistently. Models handleCompactedErrorForPaging."""

    def __init__(self, token: Token) -> None:
        super().__init__(410, "Expired", EXPIRED)
        self._go_on = replace(token, revision=LATEST).encode()

    def status(self) -> dict[str, Any]:
        return {**super().status(), "metadata": {"continue": self._go_on}}


def decode_token(text: str) -> Token:
    """Raises StatusError 400."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        value = orjson.loads(raw)
        return Token(
            value["cluster"], int(value["epoch"]), int(value["rv"]), value["start"].encode()
        )
    except (
        binascii.Error,
        orjson.JSONDecodeError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise errors.bad_request("continue key is not valid: " + str(error)) from error
