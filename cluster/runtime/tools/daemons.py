"""Servers that images bring: they start, say so, listen, and stay. Their clients, too.

What they answer is described with the image (`http`); see `cluster.runtime.web`.
"""

from __future__ import annotations

from cluster.runtime.kernel import Main, Process, Run, Until


def server(process: Process, arguments: list[str]) -> Run | int:
    """The image's own server, however it is called."""
    name = process.argv[0].rpartition("/")[2]
    if name == "nginx" and "-t" in arguments:
        where = "/etc/nginx/nginx.conf"
        process.say(f"nginx: the configuration file {where} syntax is ok\n", 2)
        process.say(f"nginx: configuration file {where} test is successful\n", 2)
        return 0
    if name == "nginx" and ("-v" in arguments or "-V" in arguments):
        process.say("nginx version: nginx/1.29.4\n", 2)
        return 0
    if name == "nginx" and "-s" in arguments:
        if arguments[-1] in ("stop", "quit"):
            process.kernel.kill(1, 15)
        return 0
    if name == "httpd" and "-v" in arguments:
        process.line("Server version: Apache/2.4.66 (Unix)")
        return 0
    return _serve(process)


def _serve(process: Process) -> Run:
    from cluster.runtime.logs import render

    container = process.kernel.container
    if container is not None and process.session == 0:
        container.serving = True
        if not process.kernel.sterile:
            for line in container.image.log:
                process.line(render(line, process.kernel.now))
    yield Until(lambda: False)
    return 0


def redis_cli(process: Process, arguments: list[str]) -> int:
    words = [a for a in arguments if not a.startswith("-")]
    command = words[0].upper() if words else ""
    store = process.kernel.memory.setdefault("redis", {})
    if command == "PING":
        process.line("PONG")
    elif command == "SET" and len(words) > 2:
        store[words[1]] = words[2]
        process.line("OK")
    elif command == "GET" and len(words) > 1:
        value = store.get(words[1])
        process.line(value if value is not None else "(nil)")
    elif command == "DEL" and len(words) > 1:
        process.line(str(int(store.pop(words[1], None) is not None)))
    elif command == "KEYS":
        for name in sorted(store):
            process.line(name)
    elif command == "CONFIG" and len(words) > 2:
        process.line(words[2])
        process.line("0" if words[2] == "maxmemory" else "")
    elif command == "INCR" and len(words) > 1:
        store[words[1]] = str(int(store.get(words[1], "0")) + 1)
        process.line(store[words[1]])
    else:
        process.line(f"ERR unknown command '{words[0] if words else ''}'")
        return 1
    return 0


def healthy(text: str) -> Main:
    """A client that asks its server whether it is well: it is."""

    def run(process: Process, arguments: list[str]) -> int:
        if text:
            process.line(text)
        return 0

    return run


SERVERS = ("nginx", "httpd-foreground", "redis-server", "postgres", "mysqld", "mongod", "memcached",
           "rabbitmq-server", "haproxy", "traefik", "docker-entrypoint.sh", "etcd", "coredns",
           "kube-apiserver", "kube-scheduler", "kube-controller-manager", "kube-proxy",
           "storage-provisioner", "pause", "agnhost")  # fmt: skip
TOOLS: dict[str, Main] = {
    **dict.fromkeys(SERVERS, server),
    "mongosh": healthy("{ ok: 1 }"),
    "mysqladmin": healthy("mysqld is alive"),
    "pg_isready": healthy("/var/run/postgresql:5432 - accepting connections"),
    "redis-cli": redis_cli,
}
