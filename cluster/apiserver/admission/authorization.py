"""The authorizer that expressions may ask, for the time of one evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cluster.apiserver.cel.asking import ASK
from cluster.apiserver.strategy import Context


@contextmanager
def asking(ctx: Context) -> Iterator[None]:
    token = ASK.set(lambda question: decide(ctx, question))
    try:
        yield
    finally:
        ASK.reset(token)


def decide(ctx: Context, question: dict[str, Any]) -> tuple[bool, str]:
    """A component's writes carry no authorizer: it may do what it does."""
    from cluster.apiserver.operations import User

    authorizer = ctx.operation.authorizer
    if authorizer is None:
        return True, ""
    asked = question["user"]
    user = User(asked.get("username") or asked.get("name", ""), tuple(asked.get("groups") or ()))
    resource = question.get("resource", "")
    if question.get("subresource"):
        resource = f"{resource}/{question['subresource']}"
    allowed = authorizer.may(
        user, question["verb"], question.get("group", ""), resource,
        question.get("namespace", ""), question.get("name", ""),
    )  # fmt: skip
    return allowed, ""
