"""A pod's containers as one process of ours sees them: made when somebody looks into them.

Several processes may have their own picture of the same pod (the kubelet's, each API server's).
They agree because programs are deterministic, and because what is not (a client's typing, the
network's answers) is written to the pod's journal. See `journal`.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress

from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object
from cluster.runtime import environment, volumes
from cluster.runtime.around import Surroundings
from cluster.runtime.container import Container, NotExecutableError
from cluster.runtime.environment import ConfigError
from cluster.runtime.fs import Directory, File
from cluster.runtime.images import image
from cluster.runtime.journal import apply
from cluster.runtime.programs import program_for
from cluster.runtime.volumes import MissingVolumeError

FIELDS = ("containers", "initContainers", "ephemeralContainers")


def spec_of(pod: Object, name: str) -> Object | None:
    """The container of that name, of whichever kind."""
    for field in FIELDS:
        for spec in pod["spec"].get(field) or ():
            if spec["name"] == name:
                found: Object = spec
                return found
    return None


def status_of(pod: Object, name: str) -> Object | None:
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for entry in status.get(field) or ():
            if entry["name"] == name:
                found: Object = entry
                return found
    return None


class PodRun:
    """`pod` is the latest version that was seen; containers are made anew after a restart."""

    def __init__(self, pod: Object, around: Surroundings) -> None:
        self.pod = pod
        self.around = around
        self._containers: dict[str, Container] = {}
        self._volumes: dict[str, Directory] = {}
        self.applied: set[str] = set()  # journal entries

    def container(self, name: str) -> Container | None:
        """The running container, as far as it was followed; None when it does not run."""
        status = status_of(self.pod, name) or {}
        running = (status.get("state") or {}).get("running")
        if not running:
            return None
        return self.run(name, status.get("containerID", ""), parse_time(running["startedAt"]))

    def run(self, name: str, identity: str, born: float) -> Container:
        """One run of a container, from its start; the same one when asked again."""
        found = self._containers.get(identity)
        if found is None:
            others = [i for i, c in self._containers.items() if c.spec["name"] == name]
            for old in others[:-1]:  # the last run may still be asked for its log
                del self._containers[old]
            found = self._containers[identity] = self._begun(name, identity, born)
        found.pod = self.pod
        return found

    def follow(self, container: Container, now: float) -> None:
        """Let the container live until now, and happen to it what was written down."""
        uid = self.pod["metadata"]["uid"]
        found = [
            e
            for e in self.around.journal(self.pod)
            if e["metadata"]["name"] not in self.applied and e["spec"].get("podUID") == uid
        ]
        for entry in sorted(found, key=_moment):
            spec = entry["spec"]
            self.applied.add(entry["metadata"]["name"])
            touched = (
                self._meant(spec) if spec["container"] != container.spec["name"] else container
            )
            if touched is None:
                continue
            touched.advance(min(float(spec.get("at") or 0.0), now))
            apply(touched, spec)
        container.advance(now)

    def _meant(self, spec: Object) -> Container | None:
        """The container an entry is about, if it still runs."""
        status = status_of(self.pod, spec["container"]) or {}
        running = (status.get("state") or {}).get("running")
        if not running:
            return None
        identity = status.get("containerID", "")
        return self.run(spec["container"], identity, parse_time(running["startedAt"]))

    def _begun(self, name: str, identity: str, born: float) -> Container:
        made = self.make(name, identity, born)
        program = program_for(made.spec, self.pod["spec"].get("restartPolicy", "Always"))
        if program.live:
            try:
                made.start([environment.expand(w, made.env) for w in program.argv])
            except NotExecutableError:
                made.ended_at = born
        else:
            made.begin(list(program.argv) or [made.image.name])
            made.kernel.obeys = program.stop is not None
        hook = ((made.spec.get("lifecycle") or {}).get("postStart") or {}).get("exec")
        if hook:
            made.hooked = made.command(hook.get("command") or [])[0]
        return made

    def make(self, name: str, identity: str, born: float) -> Container:
        """A container whose main process has not begun."""
        spec = spec_of(self.pod, name)
        assert spec is not None
        address = (self.pod.get("status") or {}).get("podIP", "")
        made = Container(self.pod, spec, image(spec["image"]), identity, born, address)
        made.surroundings = self.around
        with suppress(ConfigError):  # the kubelet says so, before it starts the container
            made.env.update(environment.build(self.pod, spec, self.around))
        made.kernel.seed = identity or name
        self._own_files(made)
        self._mounts(made, spec, born)
        return made

    # ---- files

    def _own_files(self, made: Container) -> None:
        fs, name = made.fs, made.hostname
        namespace = self.pod["metadata"]["namespace"]
        fs.write("/etc/hostname", f"{name}\n".encode(), made.kernel.born)
        lines = [
            "# Kubernetes-managed hosts file.",
            "127.0.0.1\tlocalhost",
            "::1\tlocalhost ip6-localhost ip6-loopback",
            "fe00::0\tip6-localnet",
            "fe00::0\tip6-mcastprefix",
            "fe00::1\tip6-allnodes",
            "fe00::2\tip6-allrouters",
            f"{made.address}\t{made.full_name + chr(9) if '.' in made.full_name else ''}{name}",
        ]
        aliases = self.pod["spec"].get("hostAliases") or ()
        if aliases:
            lines.append("\n# Entries added by HostAliases.")
            lines += [f"{a['ip']}\t{chr(9).join(a.get('hostnames') or ())}" for a in aliases]
        fs.write("/etc/hosts", ("\n".join(lines) + "\n").encode(), made.kernel.born)
        resolver = (
            f"nameserver 10.96.0.10\nsearch {namespace}.svc.cluster.local svc.cluster.local "
            "cluster.local\noptions ndots:5\n"
        )
        fs.write("/etc/resolv.conf", resolver.encode(), made.kernel.born)

    def _mounts(self, made: Container, spec: Object, now: float) -> None:
        for mount in spec.get("volumeMounts") or ():
            folder = self._volume(mount["name"], now)
            if folder is None:
                continue
            path = posixpath.normpath(mount["mountPath"])
            target: Directory | File = folder
            inner = environment.expand(mount.get("subPathExpr", ""), made.env)
            if inner := mount.get("subPath") or inner:
                target = _inside(folder, inner, now)
            self._attach(made, path, target, bool(mount.get("readOnly")))
            if folder.refresh is not None and path not in made.fs.read_only:
                made.fs.read_only.append(path)
        made.mounted.sort()

    def _attach(self, made: Container, path: str, node: Directory | File, read_only: bool) -> None:
        if path == "/":
            return
        try:
            made.fs.makedirs(posixpath.dirname(path), 0.0)
            made.fs.attach(path, node)
            made.mounted.append(made.fs.locate(path)[0])
        except OSError:
            return  # under a file, or under another mount that is read-only
        if read_only:
            made.fs.read_only.append(made.mounted[-1])

    def _volume(self, name: str, now: float) -> Directory | None:
        if name not in self._volumes:
            found = next(
                (v for v in self.pod["spec"].get("volumes") or () if v["name"] == name), None
            )
            if found is None:
                return None
            try:
                self._volumes[name] = volumes.build(self.pod, found, self.around, now)
            except MissingVolumeError:
                return None
        return self._volumes[name]


def _moment(entry: Object) -> tuple[float, int]:
    return float(entry["spec"].get("at") or 0.0), int(entry["metadata"]["resourceVersion"])


def _inside(folder: Directory, path: str, now: float) -> Directory | File:
    """A subPath: what is there, or a directory made for it."""
    from cluster.runtime.fs import FileSystem

    fs = FileSystem(folder)
    try:
        node = fs.find(f"/{path.strip('/')}")
    except OSError:
        return fs.makedirs(f"/{path.strip('/')}", now)
    return node if isinstance(node, (Directory, File)) else folder
