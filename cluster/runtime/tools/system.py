"""date, hostname, id, whoami, uname, uptime, free, df, mount, which, nproc, clear and the like."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from cluster.runtime.kernel import Main, Process
from cluster.runtime.tools.options import parse

KERNEL = "6.12.48"


def date(process: Process, arguments: list[str]) -> int:
    process.kernel.look("time")
    options, rest = parse(
        process, arguments, "d:D:hIRr:s:u", {"date": "d", "utc": "u", "iso-8601": "I"}
    )  # fmt: skip
    moment = process.kernel.now
    if "d" in options:
        found = _moment(options["d"], moment)
        if found is None:
            process.error(f"invalid date '{options['d']}'")
            return 1
        moment = found
    when = datetime.fromtimestamp(moment, UTC)
    template = next((r[1:] for r in rest if r.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    if "I" in options:
        template = "%Y-%m-%d" if not options["I"] else "%Y-%m-%dT%H:%M:%S+00:00"
    if "R" in options:
        template = "%a, %d %b %Y %H:%M:%S +0000"
    process.line(stamp(when, template))
    return 0


def stamp(when: datetime, template: str) -> str:
    own = {"%N": f"{when.microsecond * 1000:09}", "%s": str(int(when.timestamp())), "%z": "+0000",
           "%Z": "UTC", "%3N": f"{when.microsecond // 1000:03}", "%n": "\n", "%t": "\t",
           "%k": f"{when.hour:2}", "%P": when.strftime("%p").lower()}  # fmt: skip
    template = re.sub(r"%(3N|[NszZntkP])", lambda m: own[m[0]], template)
    return when.strftime(template)


UNITS = {"sec": 1, "second": 1, "min": 60, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def _moment(text: str, now: float) -> float | None:
    if text.startswith("@"):
        return float(text[1:])
    if text in ("now", "today"):
        return now
    if text in ("yesterday", "tomorrow"):
        return now + (86400 if text == "tomorrow" else -86400)
    match = re.fullmatch(r"([-+]?\d+) *([a-z]+?)s?( ago)?", text)
    if match and match[2] in UNITS:
        return now + int(match[1]) * UNITS[match[2]] * (-1 if match[3] else 1)
    try:
        parsed = datetime.fromisoformat(text.replace("UTC", "").strip())
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def hostname(process: Process, arguments: list[str]) -> int:
    container = process.kernel.container
    name = container.hostname if container is not None else "localhost"
    address = container.address if container is not None else "127.0.0.1"
    if any(a.startswith("-") and set(a) & set("iI") for a in arguments):
        process.line(address)
    elif "-f" in arguments and container is not None:
        process.line(container.full_name)
    elif arguments and not arguments[0].startswith("-"):
        process.error("sethostname: Operation not permitted")
        return 1
    else:
        process.line(name)
    return 0


def identity(process: Process, arguments: list[str]) -> int:
    container = process.kernel.container
    user, group = (container.user, container.group) if container is not None else (0, 0)
    name = "root" if user == 0 else str(user)
    flags = "".join(a[1:] for a in arguments if a.startswith("-"))
    if "u" in flags:
        process.line(name if "n" in flags else str(user))
    elif "g" in flags:
        process.line(("root" if group == 0 else str(group)) if "n" in flags else str(group))
    elif "G" in flags:
        process.line(str(group))
    else:
        shown = f"uid={user}" + ("(root)" if user == 0 else "")
        shown += f" gid={group}" + ("(root)" if group == 0 else "")
        extra = "(root)" if group == 0 else ""
        more = ",10(wheel)" if group == 0 and process.kernel.flavour == "busybox" else ""
        process.line(f"{shown} groups={group}{extra}{more}")
    return 0


def whoami(process: Process, arguments: list[str]) -> int:
    container = process.kernel.container
    user = container.user if container is not None else 0
    if user:
        process.error(f"unknown uid {user}")
        return 1
    process.line("root")
    return 0


def uname(process: Process, arguments: list[str]) -> int:
    container = process.kernel.container
    name = container.hostname if container is not None else "localhost"
    parts = {"s": "Linux", "n": name, "r": KERNEL,
             "v": "#1 SMP PREEMPT_DYNAMIC", "m": "x86_64", "o": "GNU/Linux"}  # fmt: skip
    flags = "".join(a[1:] for a in arguments if a.startswith("-")) or "s"
    wanted = "snrvmo" if "a" in flags else [f for f in "snrvmo" if f in flags]
    process.line(" ".join(parts[f] for f in wanted))
    return 0


def uptime(process: Process, arguments: list[str]) -> int:
    process.kernel.look("time")
    up = process.kernel.now - process.kernel.born
    when = datetime.fromtimestamp(process.kernel.now, UTC).strftime("%H:%M:%S")
    shown = f"{int(up // 3600):2}:{int(up // 60 % 60):02}" if up >= 3600 else f"{int(up // 60)} min"
    process.line(f" {when} up {shown},  0 users,  load average: 0.08, 0.05, 0.01")
    return 0


def free(process: Process, arguments: list[str]) -> int:
    unit = 1024 if "-m" in arguments or "-h" in arguments else 1
    total, used = 8_141_480 // unit, 1_874_112 // unit
    process.line("              total        used        free      shared  buff/cache   available")
    process.line(
        f"Mem:    {total:11} {used:11} {total - used * 2:11} {9_216 // unit:11} "
        f"{used:11} {total - used:11}"
    )
    process.line(f"Swap:   {0:11} {0:11} {0:11}")
    return 0


def df(process: Process, arguments: list[str]) -> int:
    human = any("h" in a for a in arguments if a.startswith("-"))
    size, used = ("97.9G", "12.4G") if human else ("102625208", "13002344")
    left, title = ("85.4G", "Size") if human else ("89622864", "1K-blocks")
    process.line(f"Filesystem           {title:>10}      Used Available Use% Mounted on")
    process.line(f"overlay              {size:>10} {used:>9} {left:>9}  13% /")
    container = process.kernel.container
    for path in container.mounted if container is not None else ():
        source = "tmpfs" if "/secrets/" in path else "/dev/vda1"
        process.line(f"{source:<20} {size:>10} {used:>9} {left:>9}  13% {path}")
    return 0


def mount(process: Process, arguments: list[str]) -> int:
    process.line("overlay on / type overlay (rw,relatime)")
    process.line("proc on /proc type proc (rw,nosuid,nodev,noexec,relatime)")
    process.line("tmpfs on /dev type tmpfs (rw,nosuid,size=65536k,mode=755)")
    container = process.kernel.container
    for path in container.mounted if container is not None else ():
        mode = "ro" if path in process.kernel.fs.read_only else "rw"
        source = "tmpfs" if "/secrets/" in path else "/dev/vda1"
        kind = "tmpfs" if source == "tmpfs" else "ext4"
        process.line(f"{source} on {path} type {kind} ({mode},relatime)")
    return 0


def which(process: Process, arguments: list[str]) -> int:
    from cluster.runtime.loader import find

    status = 0
    for name in [a for a in arguments if not a.startswith("-")]:
        path = find(process, name, process.env.get("PATH", ""))
        if path:
            process.line(path)
        else:
            status = 1
    return status


def nproc(process: Process, arguments: list[str]) -> int:
    process.line("2")
    return 0


def arch(process: Process, arguments: list[str]) -> int:
    process.line("x86_64")
    return 0


def clear(process: Process, arguments: list[str]) -> int:
    process.say("\x1b[H\x1b[J")
    return 0


def tty(process: Process, arguments: list[str]) -> int:
    file = process.fds.get(0)
    process.line("/dev/pts/0" if file is not None and file.is_tty else "not a tty")
    return 0 if file is not None and file.is_tty else 1


def nothing(process: Process, arguments: list[str]) -> int:
    return 0


def busybox(process: Process, arguments: list[str]) -> int:
    process.line("BusyBox v1.37.0 (2024-09-26 21:31:42 UTC) multi-call binary.")
    process.line("BusyBox is copyrighted by many authors between 1998-2015.")
    process.line("")
    process.line("Usage: busybox [function [arguments]...]")
    return 0


def getent(process: Process, arguments: list[str]) -> int:
    from cluster.runtime.tools.network import resolve

    if arguments[:1] != ["hosts"] or len(arguments) < 2:
        return 1
    found = resolve(process, arguments[1])
    for address in found:
        process.line(f"{address:<15} {arguments[1]}")
    return 0 if found else 2


TOOLS: dict[str, Main] = {
    "arch": arch, "busybox": busybox, "chroot": nothing, "clear": clear, "date": date, "df": df,
    "free": free, "getent": getent, "hostname": hostname, "id": identity, "mount": mount,
    "nproc": nproc, "reset": clear, "stty": nothing, "sync": nothing, "tty": tty, "uname": uname,
    "uptime": uptime, "which": which, "whoami": whoami,
}  # fmt: skip
