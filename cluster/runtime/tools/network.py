"""wget, curl, nslookup, nc, ping, dig, ip, ifconfig: over the cluster's simulated network."""

from __future__ import annotations

import posixpath
from collections.abc import Generator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

from cluster.runtime.around import Network, Reply
from cluster.runtime.kernel import Leave, Main, Process, Run, Syscall
from cluster.runtime.tools.options import parse
from cluster.runtime.tools.servers import Given, listen

SERVER = "10.96.0.10"
CONNECT_TIMEOUT = 127.0  # seconds until the kernel gives up
RETURN = "\r\n"


class UnresolvedError(OSError):
    pass


@dataclass(slots=True)
class Url:
    scheme: str
    host: str
    port: int
    path: str


@dataclass(slots=True)
class Call:
    url: Url
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout: float | None = None


def split(text: str) -> Url:
    if "://" not in text:
        text = f"http://{text}"
    parts = urlsplit(text)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Url(parts.scheme, parts.hostname or "", port, path)


def network(process: Process) -> Network | None:
    container = process.kernel.container
    return container.network if container is not None else None


def _own(process: Process) -> dict[str, str]:
    """/etc/hosts, by name."""
    try:
        text = process.kernel.fs.read("/etc/hosts").decode()
    except OSError:
        return {}
    rows = [line.partition("#")[0].split() for line in text.splitlines()]
    return {name: row[0] for row in rows for name in row[1:] if ":" not in row[0]}


def resolve(process: Process, name: str) -> list[str]:
    own = _own(process)
    if name in own:
        return [own[name]]
    found = network(process)
    container = process.kernel.container
    if found is None or container is None:
        return []
    return found.resolve(name, container.pod)


def connect(
    process: Process, call: Call, address: str
) -> Generator[Syscall, Any, Reply]:  # fmt: skip
    """Raises OSError after the time it takes to find out."""
    net, container = network(process), process.kernel.container
    url = call.url
    if net is None or container is None:
        raise TimeoutError(110, "Operation timed out")
    if address in ("127.0.0.1", "::1") or address == container.address:
        handler = container.listening.get(url.port)
        if handler is not None:
            return handler(call.method, url.path, call.headers, call.body)
    try:
        return net.ask(
            address, url.port, call.method, url.path, call.headers, call.body, container.pod
        )
    except TimeoutError:
        yield from process.sleep(call.timeout or CONNECT_TIMEOUT)
        raise


def fetch(process: Process, call: Call) -> Generator[Syscall, Any, Reply]:
    addresses = resolve(process, call.url.host)
    if not addresses:
        raise UnresolvedError(2, f"bad address '{call.url.host}'")
    call.headers.setdefault("host", _authority(call.url))
    return (yield from connect(process, call, addresses[0]))


def _authority(url: Url) -> str:
    usual = {"http": 80, "https": 443}.get(url.scheme)
    return url.host if url.port == usual else f"{url.host}:{url.port}"


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


# ---- wget


WGET = {"quiet": "q", "output-document": "O", "timeout": "T", "header": "H", "tries": "t",
        "post-data": "P", "spider": "s", "server-response": "S", "no-check-certificate": "n",
        "user-agent": "U"}  # fmt: skip


def wget(process: Process, arguments: list[str]) -> Run:
    headers = {"user-agent": "Wget"}
    for word, following in zip(arguments, [*arguments[1:], ""]):
        given = following if word == "--header" else word
        if word.startswith("--header") and ":" in given:
            name, _, text = given.removeprefix("--header=").partition(":")
            headers[name.strip().lower()] = text.strip()
    options, urls = parse(process, arguments, "qO:T:H:t:P:sSncU:Yd", WGET)
    if not urls:
        process.error("missing URL")
        return 1
    url = split(urls[0])
    timeout = float(options["T"]) if "T" in options else None
    body = options.get("P", "").encode()
    call = Call(url, "POST" if "P" in options else "GET", headers, body, timeout)
    return (yield from _wget(process, call, options))


def _wget(process: Process, call: Call, options: dict[str, str]) -> Run:
    quiet, url = "q" in options, call.url
    found = resolve(process, url.host)
    if not found:
        process.error(f"bad address '{url.host}'")
        return 1
    if not quiet:
        process.say(f"Connecting to {_authority(url)} ({found[0]}:{url.port})\n", 2)
    try:
        reply = yield from fetch(process, call)
    except TimeoutError:
        process.error(
            "download timed out"
            if call.timeout
            else f"can't connect to remote host ({found[0]}): Operation timed out"
        )
        return 1
    except OSError as error:
        process.error(f"can't connect to remote host ({found[0]}): {error.strerror}")
        return 1
    if reply.status in (301, 302, 307, 308) and "location" in _lower(reply):
        call.url = split(urljoin(f"{url.scheme}://{_authority(url)}{url.path}",
                                 _lower(reply)["location"]))  # fmt: skip
        return (yield from _wget(process, call, options))
    if reply.status == 0:
        process.error("error getting response: Connection reset by peer")
        return 1
    if reply.status >= 400:
        process.error(f"server returned error: HTTP/1.1 {reply.status} {_reason(reply.status)}")
        return 1
    return _saved(process, call, reply, options)


def _lower(reply: Reply) -> dict[str, str]:
    return {k.lower(): v for k, v in reply.headers.items()}


def _saved(process: Process, call: Call, reply: Reply, options: dict[str, str]) -> int:
    quiet = "q" in options
    if "s" in options:
        if not quiet:
            process.say("remote file exists\n", 2)
        return 0
    target = options.get("O") or posixpath.basename(call.url.path.partition("?")[0]) or "index.html"
    if target == "-":
        if not quiet:
            process.say("writing to stdout\n", 2)
        process.write(reply.body)
    else:
        fs, path = process.kernel.fs, process.path(target)
        if "O" not in options and fs.get(path) is not None:
            process.error(f"can't open '{target}': File exists")
            return 1
        process.open(target, "w").write(reply.body)
        if not quiet:
            process.say(f"saving to '{target}'\n", 2)
    if not quiet:
        shown, size = target.ljust(20)[:20], len(reply.body)
        process.say(f"{shown} 100% |********************************| {size:5}  0:00:00 ETA\n", 2)
        end = "written to stdout" if target == "-" else f"'{target}' saved"
        process.say(f"{end}\n", 2)
    return 0


# ---- nslookup, dig, host


def nslookup(process: Process, arguments: list[str]) -> int:
    names = [a for a in arguments if not a.startswith("-")]
    if not names:
        process.error("usage: nslookup HOST [DNS_SERVER]")
        return 1
    name = names[0]
    busybox = process.kernel.flavour == "busybox"
    process.say(f"Server:\t\t{SERVER}\nAddress:\t{SERVER}{':53' if busybox else '#53'}\n\n")
    net, container = network(process), process.kernel.container
    canonical = getattr(net, "canonical", None)
    if canonical is None or container is None:
        process.line(";; connection timed out; no servers could be reached")
        return 1
    full, found = canonical(name, container.pod)
    if not found:
        process.line(f"** server can't find {name}: NXDOMAIN")
        process.line("")
        return 1
    for address in found:
        process.say(f"Name:\t{full}\nAddress: {address}\n")
    process.line("")
    return 0


def dig(process: Process, arguments: list[str]) -> int:
    names = [a for a in arguments if not a.startswith(("+", "-", "@")) and a not in ("A", "SRV")]
    name = names[0] if names else "."
    net, container = network(process), process.kernel.container
    canonical = getattr(net, "canonical", None)
    asked = name if "+search" in arguments else f"{name.rstrip('.')}."
    full, found = name, []
    if canonical is not None and container is not None:
        full, found = canonical(asked, container.pod)
    if "+short" in arguments:
        for address in found:
            process.line(address)
        return 0
    status = "NOERROR" if found else "NXDOMAIN"
    process.say(
        f"\n; <<>> DiG 9.20 <<>> {name}\n;; ->>HEADER<<- opcode: QUERY, status: {status}\n\n"
        f";; QUESTION SECTION:\n;{full}.\t\tIN\tA\n\n"
    )
    if found:
        process.line(";; ANSWER SECTION:")
        for address in found:
            process.line(f"{full}.\t30\tIN\tA\t{address}")
    process.say(f"\n;; SERVER: {SERVER}#53({SERVER}) (UDP)\n")
    return 0


# ---- nc, ping, addresses


def nc(process: Process, arguments: list[str]) -> Run:
    options, words = parse(process, arguments, "zvw:lp:unkq:e:N")
    timeout = float(options["w"]) if "w" in options else None
    if "l" in options:
        number = options.get("p") or (words[-1] if words else "")
        if not number.isdigit():
            process.error("bad local port")
            return 1
        data = (yield from process.read_all()) if not process.descriptor(0).is_tty else b""
        raw = data.partition(b"\r\n\r\n")[2] or data.partition(b"\n\n")[2] or data
        return (yield from listen(process, int(number), lambda m, p: Given(200, raw), once=True))
    if len(words) < 2 or not words[1].isdigit():
        process.error("usage: nc [-zv] [-w SEC] HOST PORT")
        return 1
    host, port = words[0], int(words[1])
    found = resolve(process, host)
    if not found:
        process.error(f"bad address '{host}'")
        return 1
    net, container = network(process), process.kernel.container
    try:
        if net is None or container is None:
            raise TimeoutError(110, "Operation timed out")
        net.reach(found[0], port, container.pod)
    except OSError as error:
        if isinstance(error, TimeoutError):
            yield from process.sleep(timeout or CONNECT_TIMEOUT)
        if "v" in options or "z" not in options:
            process.error(f"{host} ({found[0]}:{port}): {error.strerror}")
        return 1
    if "v" in options:
        process.say(f"{host} ({found[0]}:{port}) open\n", 2)
    if "z" in options:
        return 0
    return (yield from _talk(process, Url("http", host, port, "/"), found[0]))


def _talk(process: Process, url: Url, address: str) -> Run:
    """What was typed is sent; if it is a request, there is an answer."""
    text = (yield from process.read_all()).decode("latin-1")
    words = text.split("\n", 1)[0].split()
    if len(words) < 2:
        return 0
    url.path = words[1]
    reply = yield from connect(process, Call(url, words[0]), address)
    process.say(f"HTTP/1.1 {reply.status} {_reason(reply.status)}\r\n")
    for name, value in reply.headers.items():
        process.say(f"{name}: {value}\r\n")
    process.say(f"Content-Length: {len(reply.body)}\r\n\r\n")
    process.write(reply.body)
    return 0


def ping(process: Process, arguments: list[str]) -> Run:
    options, words = parse(process, arguments, "c:W:w:i:q46n")
    host = words[0] if words else ""
    found = resolve(process, host)
    if not found:
        process.error(f"bad address '{host}'")
        return 1
    count = int(options.get("c", "0")) or 1 << 30
    process.line(f"PING {host} ({found[0]}): 56 data bytes")
    virtual = found[0].startswith("10.96.")  # a service's address answers no ICMP
    sent = received = 0
    while sent < count:
        if not virtual:
            process.line(f"64 bytes from {found[0]}: seq={sent} ttl=63 time=0.08{sent % 10} ms")
            received += 1
        sent += 1
        yield from process.sleep(float(options.get("i", "1")) if sent < count else 0)
    process.say(f"\n--- {host} ping statistics ---\n{sent} packets transmitted, {received} packets "
                f"received, {100 - 100 * received // sent}% packet loss\n")  # fmt: skip
    return int(not received)


def addresses(process: Process, arguments: list[str]) -> int:
    container = process.kernel.container
    address = container.address if container is not None else "127.0.0.1"
    name = process.argv[0].rpartition("/")[2]
    if name == "ip" and arguments[:1] in (["r"], ["route"]):
        gateway = f"{address.rpartition('.')[0]}.1"
        process.line(f"default via {gateway} dev eth0")
        return 0
    if name == "ip":
        process.say(
            "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN qlen 1000\n"
            "    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n"
            "2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP\n"
            f"    inet {address}/24 brd {address.rpartition('.')[0]}.255 scope global eth0\n"
            "       valid_lft forever preferred_lft forever\n"
        )
        return 0
    process.say(
        f"eth0      Link encap:Ethernet\n          inet addr:{address}  Mask:255.255.255.0\n"
        "          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n\n"
        "lo        Link encap:Local Loopback\n          inet addr:127.0.0.1  Mask:255.0.0.0\n"
    )
    return 0


def telnet(process: Process, arguments: list[str]) -> Run:
    return (yield from nc(process, ["-v", "-z", *arguments, *(["23"] * (len(arguments) < 2))]))


def refuse(process: Process, arguments: list[str]) -> int:
    process.error("not permitted in this container")
    raise Leave(1)


TOOLS: dict[str, Main] = {
    "dig": dig, "host": dig, "ifconfig": addresses, "ip": addresses, "nc": nc, "netcat": nc,
    "nslookup": nslookup, "ping": ping, "telnet": telnet, "traceroute": refuse, "wget": wget,
}  # fmt: skip
