"""How buttons answer: a sentence for the page's toaster, or the API's refusal in its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from cluster.client import Client
from cluster.machinery.errors import StatusError
from dashboard.access import client_for


def said(text: str, tone: str = "good", **triggers: Any) -> HttpResponse:
    """204 with an event that the page turns into a toast; htmx leaves the screen as it is."""
    return trigger(HttpResponse(status=204), text, tone, **triggers)


def trigger(response: HttpResponse, text: str, tone: str = "good", **more: Any) -> HttpResponse:
    # Header values are Latin-1; JSON in ASCII says the same.
    content = {"toast": {"text": text, "tone": tone}, **more}
    response["HX-Trigger"] = ascii_json(content)
    return response


def ascii_json(content: Any) -> str:
    text = orjson.dumps(content).decode()
    return "".join(c if ord(c) < 128 else _escape(c) for c in text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def act(request: HttpRequest, doing: str, action: Callable[[Client], str]) -> HttpResponse:
    """Carry out a button's action as this person."""
    try:
        return said(action(client_for(request.user, doing)))
    except StatusError as error:
        return said(error.message, "bad")
