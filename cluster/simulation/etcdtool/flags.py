"""etcdctl's command line, as cobra takes it apart: flags anywhere, commands of one or two words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cluster.runtime.kernel import Process, Run

if TYPE_CHECKING:
    from cluster.simulation.etcdtool.world import World

GLOBAL = {
    "endpoints": "127.0.0.1:2379", "cacert": "", "cert": "", "key": "", "write-out": "simple",
    "command-timeout": "5s", "dial-timeout": "2s", "user": "", "password": "",
    "keepalive-time": "2s", "keepalive-timeout": "6s", "discovery-srv": "",
}  # fmt: skip
SWITCHES = {"insecure-skip-tls-verify", "insecure-transport", "debug", "hex", "help", "cluster"}
SHORT = {"w": "write-out", "h": "help"}
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class Usage(Exception):
    """The program says how it is called and ends."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


@dataclass(slots=True)
class Call:
    """One run: `flags` have their defaults, `given` names those on the line."""

    program: str
    process: Process
    operands: list[str]
    flags: dict[str, str]
    switches: set[str] = field(default_factory=set)

    @property
    def form(self) -> str:
        return self.flags["write-out"]

    @property
    def timeout(self) -> float:
        return _seconds(self.flags["command-timeout"])

    def endpoints(self) -> list[str]:
        return [e for e in self.flags["endpoints"].split(",") if e]

    def fail(self, text: str, code: int = 1) -> int:
        self.process.say(f"Error: {text}\n", 2)
        return code


Handler = Callable[["World", Call], Run]


@dataclass(frozen=True, slots=True)
class Command:
    """`values` are flags with a value and their defaults, `switches` those without."""

    handler: Handler
    help: str
    values: Mapping[str, str] = field(default_factory=dict)
    switches: frozenset[str] = frozenset()


def parse(
    program: str, commands: Mapping[str, Command], process: Process, arguments: list[str]
) -> tuple[Handler, Call]:
    """Raises Usage."""
    words = [a for a in _operands(arguments, commands) if a]
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in commands:
            command = commands[name]
            call = _flags(program, command, process, arguments)
            del call.operands[:length]
            if "help" in call.switches:
                raise Usage(_help(program, name, command), 0)
            return command.handler, call
    if not words or words[0] == "help" or "--help" in arguments:
        raise Usage(_overview(program, commands), 0)
    group = [n for n in commands if n.startswith(f"{words[0]} ")]
    if group:
        raise Usage(_overview(f"{program} {words[0]}", {n: commands[n] for n in group}), 0)
    raise Usage(f'Error: unknown command "{words[0]}" for "{program}"\n', 1)


def _operands(arguments: list[str], commands: Mapping[str, Command]) -> list[str]:
    switches = SWITCHES.union(*(c.switches for c in commands.values()))
    found: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("-") or argument == "-":
            found.append(argument)
        elif "=" not in argument and argument.lstrip("-") not in switches:
            name = argument.lstrip("-")
            if argument.startswith("--") or len(name) == 1:
                del rest[:1]
    return found


def _flags(program: str, command: Command, process: Process, arguments: list[str]) -> Call:
    flags = {**GLOBAL, **command.values}
    for name in GLOBAL:
        variable = f"ETCDCTL_{name.upper().replace('-', '_')}"
        flags[name] = process.env.get(variable, flags[name])
    call = Call(program, process, [], flags)
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            call.operands += rest
            break
        if not argument.startswith("-") or argument == "-":
            call.operands.append(argument)
            continue
        name, mark, value = argument.lstrip("-").partition("=")
        if not argument.startswith("--"):
            name, value, mark = SHORT.get(name[:1], name), value or name[1:], mark or name[1:]
        if name in SWITCHES or name in command.switches:
            if value != "false":
                call.switches.add(name)
        elif name in flags:
            if not mark and not rest:
                raise Usage(f"Error: flag needs an argument: {argument}\n", 1)
            flags[name] = value if mark else rest.pop(0)
        else:
            kind = "unknown flag: --" if argument.startswith("--") else "unknown shorthand flag: "
            raise Usage(f"Error: {kind}{name}\n", 1)
    return call


def _seconds(text: str) -> float:
    for unit in ("ms", "s", "m"):
        if text.endswith(unit):
            try:
                return float(text[: -len(unit)]) * UNITS[unit]
            except ValueError:
                return 5.0
    return 5.0


def _help(program: str, name: str, command: Command) -> str:
    options = "".join(f"      --{o}\n" for o in sorted({*command.values, *command.switches}))
    return (
        f"NAME:\n\t{name} - {command.help}\n\nUSAGE:\n\t{program} {name} [options] [flags]\n\n"
        f"OPTIONS:\n{options}"
    )


def _overview(program: str, commands: Mapping[str, Command]) -> str:
    what = "A simple command line client for etcd3."
    listed = "".join(f"\t{name:<22}{command.help}\n" for name, command in commands.items())
    return f"NAME:\n\t{program} - {what}\n\nUSAGE:\n\t{program} [flags]\n\nCOMMANDS:\n{listed}"
