"""What time it was in the cluster when it stopped, kept in the data folder.

While everything is down, no cluster time passes: the next start moves the anchor of Clock/cluster
so that it goes on from the moment noted here.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

from cluster.client import Client, kinds
from cluster.machinery.clock import Anchor, format_time
from cluster.machinery.errors import StatusError

INTERVAL = 5.0  # wall seconds between two notes


def save_time(path: Path, anchor: Anchor, now: float, stopped: bool = False) -> None:
    """`stopped`: no later moment will have been seen by anybody."""
    note = {"cluster": now, "speed": anchor.speed, "stopped": stopped}
    scratch = path.with_name(f".{path.name}")
    scratch.write_text(json.dumps(note))
    scratch.replace(path)


def resume_time(client: Client, path: Path) -> None:
    """Let the cluster's time go on where it stopped; never back."""
    if not path.exists():
        return
    try:
        note = json.loads(path.read_text())
        moment = float(note["cluster"])
        if not note["stopped"]:  # killed: some time passed after the last note
            moment += INTERVAL * float(note["speed"])
    except (ValueError, KeyError, TypeError):
        return  # half a note: the anchor in the log still holds
    try:
        clock = client.get(kinds.CLOCKS, "", "cluster")
    except StatusError:
        return
    speed = 0.0 if clock["spec"]["paused"] else float(clock["spec"]["speed"])
    anchor = Anchor(time.time(), moment, speed)
    status = {"time": format_time(moment), "anchor": asdict(anchor)}
    client.do_update({**clock, "status": status}, subresource="status")
