"""Questions that the API server passes on: why a pod was placed so, and what would happen if.

GET .../schedulingdecisions/NAME/explanation and POST /apis/orrery.sim/v1/whatifs. Who answers is
above this layer, and given by the composition root.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from cluster.apiserver.http import bodies
from cluster.apiserver.http.request import Request
from cluster.apiserver.http.responses import Response, json_response
from cluster.apiserver.http.server import ApiServer
from cluster.machinery import errors
from cluster.machinery.meta import Object


class Questions(Protocol):
    def explain(self, namespace: str, name: str) -> Object:
        """Raises StatusError 404, and 410 when the revision is compacted."""
        ...

    def what_if(self, body: Object) -> Object:
        """Raises StatusError for a bad question."""
        ...


def asked(request: Request, verb: str) -> bool:
    resource = request.resource
    assert resource is not None
    if resource.group != "orrery.sim":
        return False
    return (resource.plural, verb) == ("whatifs", "create") or (
        (request.subresource, verb) == ("explanation", "get")
    )


async def answer(server: ApiServer, request: Request, verb: str) -> Response:
    """In a thread: a large cluster takes the scheduler a while."""
    questions = server.questions
    if questions is None:
        raise errors.unavailable("nobody here answers questions about scheduling")
    if verb == "get":
        found = await asyncio.to_thread(questions.explain, request.namespace, request.name)
        return json_response(found)
    body = bodies.parse(request)
    if not isinstance(body, dict) or not isinstance(body.get("spec") or {}, dict):
        raise errors.bad_request("a WhatIf is an object with a spec")
    return json_response(await asyncio.to_thread(questions.what_if, body), 201)
