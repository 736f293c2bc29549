"""curl."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urljoin

from cluster.runtime.around import Reply
from cluster.runtime.kernel import Main, Process, Run
from cluster.runtime.tools.network import Call, UnresolvedError, fetch, split

AGENT = "curl/8.14.1"
TAKES = "XHdouwAebmTcFx"  # short options with a value
LONG = {"request": "X", "header": "H", "data": "d", "output": "o", "user": "u", "write-out": "w",
        "user-agent": "A", "max-time": "m", "cookie": "b", "silent": "s", "show-error": "S",
        "fail": "f", "head": "I", "include": "i", "insecure": "k", "location": "L",
        "verbose": "v", "connect-timeout": "C", "data-raw": "d", "data-binary": "d",
        "cacert": "E", "retry": "R", "resolve": "V", "fail-with-body": "f", "compressed": "z",
        "http1.1": "z", "no-progress-meter": "z", "referer": "e", "get": "G",
        "retry-delay": "Y", "retry-connrefused": "z", "retry-all-errors": "z", "cert": "c",
        "key": "Q"}  # fmt: skip
LONG_TAKES = TAKES + "CERVYQ"


@dataclass(slots=True)
class _Wanted:
    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)


def _parse(process: Process, arguments: list[str]) -> _Wanted | None:
    wanted = _Wanted()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word.startswith("--"):
            name, mark, value = word[2:].partition("=")
            letter = LONG.get(name)
            if letter is None:
                process.error(f"option {word}: is unknown\ncurl: try 'curl --help' or 'curl "
                              "--manual' for more information")  # fmt: skip
                return None
            if letter in LONG_TAKES:
                _option(wanted, letter, value if mark else (rest.pop(0) if rest else ""))
            else:
                wanted.flags.add(letter)
        elif word.startswith("-") and len(word) > 1:
            _short(wanted, word[1:], rest)
        else:
            wanted.urls.append(word)
    return wanted


def _short(wanted: _Wanted, letters: str, rest: list[str]) -> None:
    for at, letter in enumerate(letters):
        if letter in TAKES:
            value = letters[at + 1 :] or (rest.pop(0) if rest else "")
            _option(wanted, letter, value)
            return
        wanted.flags.add(letter)


def _option(wanted: _Wanted, letter: str, value: str) -> None:
    if letter == "H":
        name, _, text = value.partition(":")
        wanted.headers[name.strip().lower()] = text.strip()
    elif letter == "d":
        wanted.data.append(value)
    else:
        wanted.values[letter] = value


def curl(process: Process, arguments: list[str]) -> Run:
    wanted = _parse(process, arguments)
    if wanted is None:
        return 2
    if not wanted.urls:
        process.say("curl: (2) no URL specified\n", 2)
        return 2
    status = 0
    for url in wanted.urls:
        status = yield from _one(process, wanted, url)
    return status


def _call(process: Process, wanted: _Wanted, url: str) -> Call:
    body = "&".join(
        process.kernel.fs.read(process.path(d[1:])).decode() if d.startswith("@") else d
        for d in wanted.data
    ).encode()
    method = wanted.values.get("X") or (
        "HEAD" if "I" in wanted.flags else "POST" if body else "GET"
    )
    headers = {"user-agent": wanted.values.get("A", AGENT), "accept": "*/*", **wanted.headers}
    if body:
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
    limit = wanted.values.get("m") or wanted.values.get("C")
    return Call(split(url), method, headers, body, float(limit) if limit else None)


def _one(process: Process, wanted: _Wanted, url: str) -> Run:
    call = _call(process, wanted, url)
    tries = int(wanted.values.get("R", "0")) + 1
    while True:
        tries -= 1
        try:
            reply = yield from fetch(process, call)
            break
        except OSError as error:
            code, text = _failure(call, error)
            if tries > 0 and code != 6:
                yield from process.sleep(1)
                continue
            if "s" not in wanted.flags or "S" in wanted.flags:
                process.say(f"curl: ({code}) {text}\n", 2)
            return code
    location = {k.lower(): v for k, v in reply.headers.items()}.get("location")
    if "L" in wanted.flags and location and 300 <= reply.status < 400:
        return (yield from _one(process, wanted, urljoin(url, location)))
    return _show(process, wanted, call, reply)


def _failure(call: Call, error: OSError) -> tuple[int, str]:
    url = call.url
    if isinstance(error, UnresolvedError):
        return 6, f"Could not resolve host: {url.host}"
    if isinstance(error, TimeoutError):
        waited = int((call.timeout or 130) * 1000)
        return 28, f"Connection timed out after {waited} milliseconds"
    return 7, (
        f"Failed to connect to {url.host} port {url.port} after 0 ms: Could not connect to server"
    )


def _show(process: Process, wanted: _Wanted, call: Call, reply: Reply) -> int:
    if reply.status == 0:
        process.say("curl: (1) Received HTTP/0.9 when not allowed\n", 2)
        return 1
    if "f" in wanted.flags and reply.status >= 400:
        if "s" not in wanted.flags or "S" in wanted.flags:
            process.say(f"curl: (22) The requested URL returned error: {reply.status}\n", 2)
        _written(process, wanted, call, reply)
        return 22
    head = _head(reply) if wanted.flags & set("iI") else ""
    if "v" in wanted.flags:
        _verbose(process, call, reply)
    body = b"" if "I" in wanted.flags else reply.body
    target = wanted.values.get("o")
    if "O" in wanted.flags:
        target = call.url.path.rpartition("/")[2] or "index.html"
    if target:
        file = process.open(target, "w")
        file.write(head.encode() + body)
    else:
        process.say(head)
        process.write(body)
    _written(process, wanted, call, reply)
    return 0


def _head(reply: Reply) -> str:
    try:
        reason = HTTPStatus(reply.status).phrase
    except ValueError:
        reason = ""
    lines = [f"HTTP/1.1 {reply.status} {reason}"]
    lines += [f"{k}: {v}" for k, v in reply.headers.items()]
    lines.append(f"Content-Length: {len(reply.body)}")
    return "\r\n".join(lines) + "\r\n\r\n"


def _verbose(process: Process, call: Call, reply: Reply) -> None:
    url = call.url
    lines = [f"* Connected to {url.host} port {url.port}", f"> {call.method} {url.path} HTTP/1.1",
             f"> Host: {call.headers.get('host', url.host)}",
             f"> User-Agent: {call.headers['user-agent']}", "> Accept: */*", "> ",
             "* Request completely sent off"]  # fmt: skip
    lines += [f"< {line}" for line in _head(reply).split("\r\n")[:-1]]
    process.say("\n".join(lines) + "\n", 2)


def _written(process: Process, wanted: _Wanted, call: Call, reply: Reply) -> None:
    template = wanted.values.get("w")
    if not template:
        return
    values = {"http_code": f"{reply.status:03}", "response_code": f"{reply.status:03}",
              "size_download": str(len(reply.body)), "time_total": "0.001000",
              "url_effective": f"{call.url.scheme}://{call.url.host}{call.url.path}",
              "content_type": reply.headers.get("Content-Type", "")}  # fmt: skip
    for name, value in values.items():
        template = template.replace("%{" + name + "}", value)
    process.say(template.replace("\\n", "\n").replace("\\t", "\t"))


TOOLS: dict[str, Main] = {"curl": curl}
