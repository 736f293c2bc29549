"""A conflict as the API's 409. Models managedfields/internal/conflict.go."""

from __future__ import annotations

from cluster.apiserver.managed.entries import UPDATE
from cluster.apiserver.managed.fieldpath import path_text
from cluster.apiserver.managed.updater import Conflict, ManagerId
from cluster.machinery.errors import StatusError


def conflict_error(conflicts: list[Conflict]) -> StatusError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {_shown(conflict.manager)}",
            "field": path_text(conflict.path),
        }
        for conflict in conflicts
    ]
    return StatusError(409, "Conflict", _message(conflicts), {"causes": causes})


def _message(conflicts: list[Conflict]) -> str:
    if len(conflicts) == 1:
        manager, path = conflicts[0]
        shown = f"conflict with {_shown(manager)}: {path_text(path)}"
        return f"Apply failed with 1 conflict: {shown}"
    by_manager: dict[ManagerId, list[str]] = {}
    for manager, path in conflicts:
        by_manager.setdefault(manager, []).append(path_text(path))
    lines = []
    for manager in sorted(by_manager):
        lines.append(f"conflicts with {_shown(manager)}:")
        lines += [f"- {path}" for path in by_manager[manager]]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)


def _shown(manager: ManagerId) -> str:
    text = f'"{manager.name}"'
    if manager.subresource:
        text += f' with subresource "{manager.subresource}"'
    if manager.operation == UPDATE:
        text += f" using {manager.api_version}"
    return text
