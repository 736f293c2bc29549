"""orrery.sim: the clock and the faults."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import yaml

from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.strategy import Context
from cluster.machinery.clock import Anchor, format_time
from cluster.machinery.errors import Cause, invalid_value, not_supported, required
from cluster.machinery.meta import Object

SLOWEST, FASTEST = 0.1, 1000
FAULT_TYPES: dict[str, list[str]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "faults.yaml").read_text()
)


class Clocks(Kind):
    """The only one is called `cluster`; its status holds the anchor of everybody's time."""

    has_status = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("speed", 1)
        spec.setdefault("paused", False)

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["status"] = _status(ctx, obj)

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        """A new pace starts from this very moment, so that time never jumps."""
        same = new["spec"] == old["spec"]
        new["status"] = old.get("status", {}) if same else _status(ctx, new)

    def check(self, obj: Object) -> list[Cause]:
        causes: list[Cause] = []
        name, speed = obj["metadata"].get("name"), obj["spec"]["speed"]
        if name != "cluster":
            causes.append(not_supported("metadata.name", name, ["cluster"]))
        if (
            isinstance(speed, bool)
            or not isinstance(speed, (int, float))
            or not SLOWEST <= speed <= FASTEST
        ):
            text = f"must be between {SLOWEST} and {FASTEST}, inclusive"
            causes.append(invalid_value("spec.speed", speed, text))
        if not isinstance(obj["spec"]["paused"], bool):
            causes.append(invalid_value("spec.paused", obj["spec"]["paused"], "must be a boolean"))
        return causes


def _status(ctx: Context, obj: Object) -> Object:
    spec = obj["spec"]
    speed = spec["speed"] if isinstance(spec["speed"], (int, float)) else 1.0
    # The one place where cluster time and wall time are tied together.
    anchor = Anchor(ctx.wall, ctx.now, 0.0 if spec["paused"] else float(speed))
    return {"time": format_time(ctx.now), "anchor": asdict(anchor)}


class Faults(Kind):
    """A thing that is broken while the object exists."""

    def check(self, obj: Object) -> list[Cause]:
        spec = obj.get("spec") or {}
        kinds = FAULT_TYPES.get(spec.get("type", ""))
        if not spec.get("type"):
            return [required("spec.type", f"supported values: {', '.join(FAULT_TYPES)}")]
        if kinds is None:
            return [not_supported("spec.type", spec["type"], list(FAULT_TYPES))]
        target = spec.get("target") or {}
        causes: list[Cause] = []
        if target.get("kind") not in kinds:
            causes.append(not_supported("spec.target.kind", target.get("kind", ""), kinds))
        if not target.get("names"):
            causes.append(required("spec.target.names", "must name at least one target"))
        for index, name in enumerate(target.get("names") or ()):
            if not name:
                causes.append(required(f"spec.target.names[{index}]"))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        causes = self.check(new)
        if new.get("spec") != old.get("spec"):
            text = "field is immutable: delete the fault and create another"
            causes.append(invalid_value("spec", new.get("spec"), text))
        return causes


class JournalEntries(Kind):
    """What was done in a container by exec; it goes with its pod."""

    shares_parts = False

    def check(self, obj: Object) -> list[Cause]:
        spec = obj.get("spec") or {}
        wanted = ("pod", "podUID", "container")
        return [required(f"spec.{name}") for name in wanted if not spec.get(name)]


class SchedulingDecisions(Kind):
    """What the scheduler made of a pod, kept for an hour of cluster time, as Events are."""

    allow_create_on_update = True
    shares_parts = False
    ttl = 3600

    def fields(self, obj: Object) -> dict[str, str]:
        return {"status.node": (obj.get("status") or {}).get("node", "")}
