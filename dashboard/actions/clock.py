"""The crank: pause the cluster's time, or set its speed."""

from __future__ import annotations

from cluster.client import Client, kinds
from cluster.machinery.meta import Object

NAME = "cluster"


def set_speed(client: Client, speed: float) -> str:
    """A chosen speed also ends a pause."""
    _change(client, {"speed": int(speed) if speed == int(speed) else speed, "paused": False})
    return f"Time runs at {speed:g}×."


def pause(client: Client) -> str:
    _change(client, {"paused": True})
    return "Time stands still."


def resume(client: Client) -> str:
    _change(client, {"paused": False})
    return "Time runs again."


def _change(client: Client, fields: Object) -> None:
    def change(obj: Object) -> Object:
        return {**obj, "spec": {**(obj.get("spec") or {}), **fields}}

    client.do_patch(kinds.CLOCKS, "", NAME, change)
