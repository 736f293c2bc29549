"""The quick way of recording owners, held against the long one."""

from __future__ import annotations

import pytest

from cluster.apiserver.managed import hook
from cluster.apiserver.managed.shapes import SHAPES
from cluster.apiserver.managed.writer import Writer
from cluster.apiserver.strategy import Context
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object, deep_copy


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every quick answer is compared with FieldManager's."""
    seen: list[str] = []
    quickly = hook._record_quickly

    def both(ctx: Context, live: Object | None, new: Object, writer: Writer) -> bool:
        slow = deep_copy(new)
        done = quickly(ctx, live, new, writer)
        if done:
            old = None if live is None else SHAPES.expanded(live)
            operation = ctx.operation
            has_status = bool(writer.ignored)
            manager = hook.field_manager(operation.resource, operation.subresource, has_status)
            slow["metadata"].pop("managedFields", None)
            manager.update(old, slow, writer.manager.name, format_time(ctx.now))
            expected = slow["metadata"].get("managedFields") or []
            got = SHAPES.expanded(new)["metadata"].get("managedFields") or []
            assert got == expected, (operation.resource.id, operation.subresource)
            seen.append(operation.resource.id)
        return done

    monkeypatch.setattr(hook, "_record_quickly", both)
    return seen
