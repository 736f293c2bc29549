"""What was done to a container from outside its program: files written and signals sent in an exec.

A container's program does the same in every process that follows it; what a person types does
not happen by itself, so it is written down, one JournalEntry a burst, and every picture of the
pod does it, too, at the same moment of cluster time.
"""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterable
from typing import Any

from cluster.machinery.meta import Object
from cluster.runtime.container import Container
from cluster.runtime.fs import Directory, File, Link

API_VERSION = "orrery.sim/v1"
LARGEST = 8 * 1024 * 1024  # larger files stay with the process that has them


def entry(
    container: Container,
    at: float,
    paths: Iterable[str] = (),
    signals: Iterable[tuple[int, int]] = (),
    typed: bytes = b"",
    ended: bool = False,
) -> Object:
    """The JournalEntry of what happened since the last one."""
    meta = container.pod["metadata"]
    changes = [c for c in (_change(container, p) for p in sorted(set(paths))) if c is not None]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    return {
        "apiVersion": API_VERSION,
        "kind": "JournalEntry",
        "metadata": {
            "generateName": f"{meta['name'][:200]}-",
            "namespace": meta["namespace"],
            "ownerReferences": [owner],
        },
        "spec": {
            "pod": meta["name"],
            "podUID": meta["uid"],
            "container": container.spec["name"],
            "containerID": container.id,
            "at": at,
            "changes": changes,
            "signals": [{"pid": pid, "number": number} for pid, number in signals],
            "input": base64.b64encode(typed).decode(),
            "inputEnded": ended,
        },
    }


def _change(container: Container, path: str) -> dict[str, Any] | None:
    node = container.fs.get(path, follow=False)
    if node is None:
        return {"path": path, "type": "Removed"}
    base: dict[str, Any] = {"path": path, "mode": node.mode, "time": node.mtime}
    if isinstance(node, Directory):
        return {**base, "type": "Directory"}
    if isinstance(node, Link):
        return {**base, "type": "Link", "target": node.target}
    if isinstance(node, File):
        content = node.content()
        if len(content) > LARGEST:
            return None
        return {**base, "type": "File", "data": base64.b64encode(content).decode()}
    return None


def apply(container: Container, spec: Object) -> None:
    """Do what the entry tells. An earlier run's own files are gone; its volumes' are not."""
    same = spec.get("containerID", "") == container.id
    fs = container.fs
    heard, fs.changed = fs.changed, None
    try:
        for change in spec.get("changes") or ():
            shared = any(change["path"].startswith(f"{m}/") for m in container.mounted)
            if same or shared:
                _do(container, change)
    finally:
        fs.changed = heard
    if same and container.console is not None:
        if spec.get("input"):
            container.console.feed(base64.b64decode(spec["input"]))
        if spec.get("inputEnded"):
            container.console.end()
    if same:
        for signal in spec.get("signals") or ():
            container.kernel.kill(int(signal["pid"]), int(signal["number"]))


def _do(container: Container, change: Object) -> None:
    fs, path, kind = container.fs, change["path"], change["type"]
    moment = float(change.get("time") or 0.0)
    try:
        if kind == "Removed":
            fs.remove(path, recursive=True)
            return
        fs.makedirs(posixpath.dirname(path), moment)
        if kind == "Directory":
            fs.makedirs(path, moment)
        elif kind == "Link":
            fs.attach(path, Link(change["target"], moment))
        else:
            fs.write(path, base64.b64decode(change["data"]), moment)
        fs.find(path, follow=False).mode = int(change.get("mode") or 0o644)
    except OSError:
        return  # something else is there by now
