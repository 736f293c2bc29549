"""How simulated containers answer HTTP: by what their image is, and by the files in them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cluster.machinery.meta import Object
from cluster.runtime import pages
from cluster.runtime.container import Container
from cluster.runtime.fs import Directory, File
from cluster.runtime.images import Image, image
from cluster.runtime.pod import PodRun, status_of
from cluster.runtime.programs import Program, program_for


@dataclass(slots=True)
class Answer:
    """A Reply."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    now: float
    client: str = ""


@dataclass(slots=True)
class Site:
    """A container that listens. `look` opens it, which costs something; `opened` asks whether
    somebody has already."""

    pod: Object
    spec: Object
    image: Image
    look: Callable[[], Container | None]
    opened: Callable[[], bool]


Style = Callable[[Site, Asked], Answer]


def listener(
    pod: Object, port: int, run: Callable[[bool], PodRun | None], now: float
) -> Site | None:
    """The running container that listens on the port, if one does. `run` gives the picture of
    the pod, and makes one if it is told to."""
    for spec in pod["spec"]["containers"] + (pod["spec"].get("initContainers") or []):
        state = (status_of(pod, spec["name"]) or {}).get("state") or {}
        if "running" not in state:
            continue
        program = program_for(spec, pod["spec"].get("restartPolicy", "Always"))

        def look(name: str = spec["name"]) -> Container | None:
            found = run(True)
            container = found.container(name) if found is not None else None
            if found is not None and container is not None:
                found.follow(container, now)
            return container

        opened = look() if run(False) is not None else None
        by_hand = opened is not None and port in opened.listening
        if by_hand or listens(spec, program, port, look):
            return Site(pod, spec, image(spec["image"]), look, lambda: run(False) is not None)
    return None


def listens(
    spec: Object, program: Program, port: int, look: Callable[[], Container | None]
) -> bool:  # fmt: skip
    if program.live:
        container = look()
        return container is not None and (
            port in container.listening or (container.serving and port in program.ports)
        )
    if port in program.ports and (program.stop is not None or not program.argv):
        return True
    declared = any(p.get("containerPort") == port for p in spec.get("ports") or ())
    server = program.ends is None and program.stop is not None
    return server and not program.ports and declared


def answer(site: Site, port: int, asked: Asked) -> Answer:
    program = program_for(site.spec, site.pod["spec"].get("restartPolicy", "Always"))
    if program.live or site.opened():
        container = site.look()
        handler = container.listening.get(port) if container is not None else None
        if handler is not None:
            reply = handler(asked.method, asked.path, asked.headers, asked.body)
            return Answer(reply.status, reply.body, dict(reply.headers))
    styles = dict(site.image.http)
    style = STYLES.get(styles.get(port) or styles.get(0, "") or "generic", generic)
    return style(site, asked)


# ---- files


def files(site: Site, asked: Asked, root: str, default: bytes, server: str) -> Answer:
    """What is at the path under the document root."""
    path = asked.path.partition("?")[0]
    headers = {"Server": server, "Content-Type": "text/html"}
    if asked.method not in ("GET", "HEAD"):
        return Answer(405, pages.error(server, 405, "Not Allowed"), headers)
    if not _touched(site, root):
        if path in ("/", "/index.html"):
            return Answer(200, default, headers)
        return Answer(404, pages.error(server, 404, "Not Found"), headers)
    container = site.look()
    if container is None:
        return Answer(502, b"", headers)
    full = posixpath.normpath(f"{root}/{path.lstrip('/')}")
    node = container.fs.get(full)
    if isinstance(node, Directory):
        index = container.fs.get(posixpath.join(full, "index.html"))
        if not isinstance(index, File):
            return Answer(403, pages.error(server, 403, "Forbidden"), headers)
        node = index
    if not isinstance(node, File):
        return Answer(404, pages.error(server, 404, "Not Found"), headers)
    content = node.content()
    kind = TYPES.get(posixpath.splitext(full)[1], "text/html" if full.endswith("/") else "")
    headers["Content-Type"] = kind or "text/html"
    return Answer(200, content, headers)


TYPES = {".html": "text/html", ".css": "text/css", ".js": "application/javascript",
         ".json": "application/json", ".txt": "text/plain", ".xml": "text/xml",
         ".png": "image/png", ".svg": "image/svg+xml"}  # fmt: skip


def _touched(site: Site, root: str) -> bool:
    """Whether the files may differ from the image's: looked into by somebody, or mounted over."""
    mounts = [m["mountPath"] for m in site.spec.get("volumeMounts") or ()]
    over = any(root.startswith(m.rstrip("/")) or m.startswith(root) for m in mounts)
    return over or bool(site.spec.get("lifecycle")) or site.opened()


def nginx(site: Site, asked: Asked) -> Answer:
    return files(site, asked, pages.NGINX_ROOT, pages.NGINX, "nginx/1.29.4")


def httpd(site: Site, asked: Asked) -> Answer:
    return files(site, asked, pages.HTTPD_ROOT, pages.HTTPD, "Apache/2.4.66 (Unix)")


# ---- programs


def _name(site: Site) -> str:
    return str(site.pod["spec"].get("hostname") or site.pod["metadata"]["name"])


def _text(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})


def hostname(site: Site, asked: Asked) -> Answer:
    return _text(_name(site))


def agnhost(site: Site, asked: Asked) -> Answer:
    """netexec's paths; every other one tells the name, as serve-hostname does."""
    path, _, query = asked.path.partition("?")
    if path in ("/healthz", "/readyz", "/livez"):
        return _text("")
    if path == "/clientip":
        return _text(f"{asked.client}:40000")
    if path == "/echo":
        return _text(query.removeprefix("msg="))
    words = site.spec.get("args") or []
    if path == "/" and "netexec" in words:
        return _text(f"NOW: {datetime.fromtimestamp(asked.now, UTC)} +0000 UTC")
    return _text(_name(site))


def hello_app(site: Site, asked: Asked) -> Answer:
    version = "2.0.0" if site.image.name.endswith(":2.0") else "1.0.0"
    return _text(f"Hello, world!\nVersion: {version}\nHostname: {_name(site)}\n")


def echo(site: Site, asked: Asked) -> Answer:
    lines = [
        f"\n\nHostname: {_name(site)}\n",
        "Pod Information:\n\t-no pod information available-",
        f"\nRequest Information:\n\tclient_address={asked.client}",
        f"\tmethod={asked.method}",
        f"\treal path={asked.path}",
        "\nRequest Headers:",
    ]
    lines += [f"\t{k.lower()}={v}" for k, v in sorted(asked.headers.items())]
    body = asked.body.decode(errors="replace") or "\t-no body in request-"
    return _text("\n".join([*lines, "\nRequest Body:", body]) + "\n")


def metrics(site: Site, asked: Asked) -> Answer:
    path = asked.path.partition("?")[0]
    if path in ("/health", "/healthz", "/livez", "/readyz", "/ready"):
        return _text("ok")
    return _text("404 page not found\n", 404)


def generic(site: Site, asked: Asked) -> Answer:
    """An image we know nothing of: it is well, and says who it is."""
    return _text(f"{site.image.name} in pod {site.pod['metadata']['name']}: {asked.path}\n")


def bootcamp(site: Site, asked: Asked) -> Answer:
    version = site.image.name.rpartition(":")[2].removeprefix("v")
    number = version if version.isdigit() else "1"
    return _text(f"Hello Kubernetes bootcamp! | Running on: {_name(site)} | v={number}\n")


def none(site: Site, asked: Asked) -> Answer:
    """It speaks, but not HTTP."""
    return Answer(0)


def ok(site: Site, asked: Asked) -> Answer:
    return _text("OK!")


STYLES: dict[str, Style] = {
    "ok": ok,
    "bootcamp": bootcamp, "none": none,
    "agnhost": agnhost, "echo": echo, "generic": generic, "hello-app": hello_app,
    "hostname": hostname, "httpd": httpd, "metrics": metrics, "nginx": nginx,
}  # fmt: skip


def access_line(site: Site, asked: Asked, given: Answer) -> str:
    """What a web server writes of a request, or ""."""
    style = dict(site.image.http).get(0) or next(iter(dict(site.image.http).values()), "")
    when = datetime.fromtimestamp(asked.now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    request = f'"{asked.method} {asked.path} HTTP/1.1" {given.status} {len(given.body)}'
    if style == "nginx":
        agent = asked.headers.get("user-agent", "-")
        return f'{asked.client} - - [{when}] {request} "-" "{agent}" "-"'
    return f"{asked.client} - - [{when}] {request}" if style == "httpd" else ""
