"""The file system a container starts with: its image's, and what every container has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from cluster.runtime import pages
from cluster.runtime.fs import Device, Directory, File, FileSystem, Link
from cluster.runtime.images import Image
from cluster.runtime.loader import binary

FOLDERS = ("bin", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root", "run",
           "sbin", "srv", "sys", "tmp", "usr", "var")  # fmt: skip
DEEPER = ("/usr/bin", "/usr/lib", "/usr/local/bin", "/usr/sbin", "/usr/share", "/var/log",
          "/var/run", "/var/tmp", "/var/lib", "/dev/pts", "/dev/shm", "/etc/ssl/certs")  # fmt: skip
PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
GROUPS = b"root:x:0:\nwheel:x:10:root\nnogroup:x:65534:\n"


@dataclass(frozen=True, slots=True)
class Flavour:
    """A kind of image: which programs it has, and where."""

    name: str
    folder: str
    shells: tuple[str, ...]
    tools: tuple[str, ...]
    prompt: str
    files: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def _rows() -> dict[str, dict[str, Any]]:
    path = Path(__file__).with_name("data") / "flavours.yaml"
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())
    return found


@lru_cache(maxsize=32)
def flavour(name: str) -> Flavour:
    row = _rows()[name]
    base = _rows()[row["like"]] if "like" in row else row
    tools = (*base["tools"], *row.get("more", ()))
    return Flavour(
        name=row.get("like", name),
        folder=base["folder"],
        shells=tuple(base["shells"]),
        tools=tuple(str(t) for t in tools),
        prompt=base.get("prompt", "# "),
        files=tuple((base.get("files") or {}).items()),
    )


def root(image: Image, now: float) -> FileSystem:
    """A fresh tree. It costs some 100 µs: only for containers that somebody looks into."""
    kind = flavour(image.flavour)
    top = Directory({name: Directory() for name in FOLDERS})
    fs = FileSystem(top)
    for path in DEEPER:
        fs.makedirs(path, 0.0)
    fs.directory("/tmp").mode = 0o1777
    _devices(fs)
    fs.write("/etc/passwd", PASSWD, 0.0)
    fs.write("/etc/group", GROUPS, 0.0)
    _programs(fs, kind, image)
    for path, text in (*kind.files, *image.files):
        fs.makedirs(path.rpartition("/")[0], 0.0)
        fs.write(path, text.encode(), 0.0)
    for path, page in SITES:
        if any(style == path for _, style in image.http):
            where = WHERE[path]
            fs.makedirs(where, 0.0)
            fs.write(f"{where}/index.html", page, 0.0)
    return fs


# What the servers' document roots hold.
SITES = (("nginx", pages.NGINX), ("httpd", pages.HTTPD))
WHERE = {"nginx": pages.NGINX_ROOT, "httpd": pages.HTTPD_ROOT}


def _devices(fs: FileSystem) -> None:
    folder = fs.directory("/dev").children
    for name in ("null", "zero", "full", "random", "tty"):
        folder[name] = Device(name)
    folder["urandom"] = Device("random")
    for name, target in (("stdin", "fd0"), ("stdout", "fd1"), ("stderr", "fd2")):
        folder[name] = Device(target)


def _programs(fs: FileSystem, kind: Flavour, image: Image) -> None:
    if kind.folder == "/usr/bin":  # as Debian has it since the merge of /usr
        fs.root.children["bin"] = Link("usr/bin")
        fs.root.children["sbin"] = Link("usr/sbin")
    folder = fs.makedirs(kind.folder, 0.0).children if kind.tools else {}
    for name in kind.tools:
        folder[name] = File(binary(name), 0o755)
    for name in kind.shells:
        folder[name] = File(binary(name), 0o755)
    for path in image.tools:
        where = path if path.startswith("/") else f"/usr/local/bin/{path}"
        fs.makedirs(where.rpartition("/")[0], 0.0)
        fs.write(where, binary(where.rpartition("/")[2]), 0.0, 0o755)


def proc(fs: FileSystem, list_pids: Callable[[], dict[int, list[str]]], born: float,
         now: Callable[[], float]) -> None:  # fmt: skip
    """The little of /proc that people look at."""
    folder = fs.directory("/proc")
    static = {
        "cpuinfo": "processor\t: 0\nmodel name\t: Orrery Virtual CPU\ncpu MHz\t\t: 2400.000\n",
        "meminfo": "MemTotal:        8141480 kB\nMemFree:         4393256 kB\n"
        "MemAvailable:    6267368 kB\n",
        "version": "Linux version 6.12.48 (minikube@builder) #1 SMP PREEMPT_DYNAMIC\n",
        "loadavg": "0.08 0.05 0.01 1/128 42\n",
        "mounts": "overlay / overlay rw,relatime 0 0\nproc /proc proc rw,nosuid 0 0\n",
    }

    def refresh() -> None:
        children = folder.children
        pids = list_pids()
        for name in [n for n in children if n.isdigit() and int(n) not in pids]:
            del children[name]
        for pid, argv in pids.items():
            if str(pid) not in children:
                line = "\0".join(argv).encode() + b"\0"
                comm = argv[0].rpartition("/")[2].encode() + b"\n" if argv else b"\n"
                children[str(pid)] = Directory({"cmdline": File(line), "comm": File(comm)})

    for name, text in static.items():
        folder.children[name] = File(text.encode(), 0o444)
    folder.children["uptime"] = File(made=lambda: b"%.2f %.2f\n" % (now() - born, now() - born))
    folder.refresh = refresh
