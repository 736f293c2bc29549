"""How etcdctl prints: tables, sizes, JSON with Go's names."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import orjson

from cluster.etcd.api import KeyValue
from cluster.simulation.etcdtool.world import CLUSTER, MEMBER

SIZES = ("B", "kB", "MB", "GB", "TB")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: bool = True) -> str:
    """olekukonko/tablewriter's, as etcdctl sets it: headers in the middle, cells to the right."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    out = [rule, _row([_middle(h, w) for h, w in zip(head, widths, strict=True)]), rule]
    for row in rows:
        cells = [c.rjust(w) if right else c.ljust(w) for c, w in zip(row, widths, strict=True)]
        out.append(_row(cells))
    return "\n".join([*out, rule]) + "\n"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _middle(text: str, width: int) -> str:
    """With the larger half of the space on the right."""
    space = width - len(text)
    left = space // 2
    return " " * left + text.upper() + " " * (space - left)


def human(size: int) -> str:
    """go-humanize's Bytes."""
    if size < 10:
        return f"{size} B"
    value, unit = float(size), 0
    while value >= 1000 and unit < len(SIZES) - 1:
        value /= 1000
        unit += 1
    return f"{value:.1f} {SIZES[unit]}" if value < 10 else f"{value:.0f} {SIZES[unit]}"


def header(revision: int) -> dict[str, Any]:
    return {"cluster_id": CLUSTER, "member_id": MEMBER, "revision": revision, "raft_term": 2}


def as_json(kv: KeyValue, keys_only: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": base64.b64encode(kv.key).decode(),
        "create_revision": kv.create_revision,
        "mod_revision": kv.mod_revision,
        "version": kv.version,
    }
    if kv.value and not keys_only:
        found["value"] = base64.b64encode(kv.value).decode()
    if kv.lease:
        found["lease"] = kv.lease
    return found


def dumps(value: Any) -> str:
    return orjson.dumps(value).decode() + "\n"
