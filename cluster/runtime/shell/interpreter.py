"""Runs what the parser found. Models POSIX 2.9 as busybox's ash does it."""

from __future__ import annotations

import posixpath
import signal
from collections.abc import Callable, Generator
from typing import Any

from cluster.runtime.kernel import TICK, Leave, Main, OpenFile, Pipe, Process, Run, Syscall
from cluster.runtime.shell import expansion, redirects
from cluster.runtime.shell.compound import CONTROL, Exited, Returned, compound
from cluster.runtime.shell.expansion import ExpansionError
from cluster.runtime.shell.nodes import (
    AndOr,
    Command,
    Function,
    Group,
    Pipeline,
    Sequence,
    Simple,
)
from cluster.runtime.shell.parser import parse
from cluster.runtime.shell.reader import ShellSyntaxError

Builtin = Callable[["Shell", list[str]], "Run | int"]


class Shell:
    """One process's interpreter; a subshell gets a copy."""

    def __init__(self, process: Process, name: str = "sh") -> None:
        self.process = process
        self.name = name
        self.pid = process.pid
        self.variables: dict[str, str] = {**process.env}
        self.exported: set[str] = set(process.env)
        self.read_only: set[str] = set()
        self.functions: dict[str, Command] = {}
        self.arguments: list[str] = []
        self.options: dict[str, bool] = {}
        self.status = 0
        self.substituted = 0
        self.last_background: int | None = None
        self.jobs: list[Process] = []
        self.traps: dict[int, str] = {}
        self.caught: list[int] = []
        self.locals: list[dict[str, str | None]] = []
        self.interactive = False
        self.unchecked = 0  # inside a condition: `set -e` does not apply
        self._random = 0

    # ---- variables

    def lookup(self, name: str) -> str | None:
        if name == "RANDOM":
            from hashlib import sha256

            self.process.kernel.look("chance")
            self._random += 1
            seed = f"{self.process.kernel.seed}/{self.process.pid}/{self._random}"
            return str(int.from_bytes(sha256(seed.encode()).digest()[:2], "big") & 0x7FFF)
        if name not in self.variables and name not in KNOWN:
            self.process.kernel.look("env")
        if name == "SECONDS":
            return str(int(self.process.kernel.now - self.process.started_at))
        if name == "PWD":
            return self.process.cwd
        if name == "PPID":
            return str(self.process.parent.pid if self.process.parent else 0)
        return self.variables.get(name)

    def get(self, name: str, default: str = "") -> str:
        value = self.lookup(name)
        return default if value is None else value

    def set(self, name: str, value: str) -> None:
        if name in self.read_only:
            raise ExpansionError(f"{name}: is read only")
        self.variables[name] = value
        if self.options.get("a"):
            self.exported.add(name)

    def unset(self, name: str) -> None:
        self.variables.pop(name, None)
        self.exported.discard(name)

    def environment(self) -> dict[str, str]:
        return {k: v for k, v in self.variables.items() if k in self.exported}

    # ---- running

    def complain(self, text: str) -> None:
        self.process.say(f"{self.name}: {text}\n", 2)

    def script(self, text: str) -> Run:
        """All of it; errors of syntax and expansion end it with status 2."""
        try:
            tree = parse(text)
        except ShellSyntaxError as error:
            self.complain(str(error))
            self.status = 2
            return 2
        try:
            yield from self.sequence(tree)
        except ExpansionError as error:
            self.complain(str(error))
            self.status = 2
        except Returned as returned:
            self.status = returned.status
        except CONTROL:
            pass
        return self.status

    def sequence(self, tree: Sequence) -> Run:
        for item in tree.items:
            yield from self.and_or(item)
            if self.caught:
                yield from self.run_traps()
        return self.status

    def run_traps(self) -> Generator[Syscall, Any, None]:
        while self.caught:
            number = self.caught.pop(0)
            before = self.status
            yield from self.sequence(parse(self.traps.get(number, "")))
            self.status = before

    def and_or(self, node: AndOr) -> Run:
        if node.background:
            self._background(node)
            return 0
        last = len(node.items) - 1
        for at, (operator, pipeline) in enumerate(node.items):
            if (operator == "&&" and self.status) or (operator == "||" and not self.status):
                continue
            tested = at < last or pipeline.negated
            self.unchecked += tested
            try:
                yield from self.pipeline(pipeline)
            finally:
                self.unchecked -= tested
            if self.status and not tested and self.options.get("e") and not self.unchecked:
                raise Exited(self.status)
        return self.status

    def _background(self, node: AndOr) -> None:
        child = self.process.fork(
            ["sh", "-c", node.text] if self.interactive else self.process.argv
        )
        child.background = True
        if not self.interactive:
            child.handlers[signal.SIGINT] = None
        if not self.process.descriptor(0).is_tty:
            from cluster.runtime.kernel.files import Null

            child.install(0, Null())
        single = Sequence([AndOr(node.items, text=node.text)])
        self.jobs.append(child)
        self.last_background = child.pid
        self.child(child, single)
        if self.interactive:
            self.process.say(f"[{len(self.jobs)}] {child.pid}\n", 2)
        self.status = 0

    def child(self, process: Process, body: Sequence) -> None:
        """Start a copy of this shell in a forked process."""

        def run(its: Process, _: list[str]) -> Run:
            return self._copy(its).subshell(body)

        self.process.kernel.start(process, run)

    def _copy(self, process: Process) -> Shell:
        copy = Shell(process, self.name)
        copy.pid = self.pid
        copy.variables, copy.exported = dict(self.variables), set(self.exported)
        copy.read_only, copy.functions = set(self.read_only), dict(self.functions)
        copy.arguments, copy.options = list(self.arguments), dict(self.options)
        copy.status, copy.last_background = self.status, self.last_background
        copy.unchecked = self.unchecked
        return copy

    def subshell(self, body: Sequence) -> Run:
        """The main function of a forked shell."""
        try:
            yield from self.sequence(body)
        except ExpansionError as error:
            self.complain(str(error))
            self.status = 2
        except (Exited, Returned) as ended:
            self.status = ended.status
        except CONTROL:
            pass
        yield from self.leave()
        return self.status

    def leave(self) -> Generator[Syscall, Any, None]:
        """The EXIT trap."""
        action = self.traps.pop(0, "")
        if action:
            before = self.status
            try:
                yield from self.sequence(parse(action))
                self.status = before
            except (Exited, Returned) as ended:
                self.status = ended.status

    def pipeline(self, node: Pipeline) -> Run:
        if len(node.commands) == 1:
            yield from self.command(node.commands[0])
        else:
            self.status = yield from self._pipe(node.commands)
        if node.negated:
            self.status = int(not self.status)
        return self.status

    def _pipe(self, commands: list[Command]) -> Run:
        children: list[Process] = []
        source: OpenFile | None = None
        for at, command in enumerate(commands):
            child = self.process.fork(self.process.argv)
            pipe = Pipe() if at < len(commands) - 1 else None
            if source is not None:
                child.install(0, source)
            if pipe is not None:
                child.install(1, pipe.writer)
                pipe.reader.refs += 1  # until the next one has it
            children.append(child)
            self.child(child, Sequence([AndOr([("", Pipeline([command]))])]))
            if source is not None:
                source.refs -= 1
                if source.refs <= 0:
                    source.closed()
            source = pipe.reader if pipe is not None else None
        status = yield from self.process.wait(children)
        if self.options.get("pipefail"):
            return next((c.status for c in reversed(children) if c.status), 0)
        return status

    # ---- commands

    def command(self, node: Command) -> Run:
        yield TICK
        if isinstance(node, Simple):
            return (yield from self._simple(node))
        if isinstance(node, Function):
            self.functions[node.name] = node.body
            self.status = 0
            return 0
        if not node.redirects:
            return (yield from self._compound(node))
        saved = yield from redirects.apply(self, node.redirects)
        if saved is None:
            self.status = 1
            return 1
        try:
            return (yield from self._compound(node))
        finally:
            redirects.restore(self.process, saved)

    def _compound(self, node: Command) -> Run:
        if isinstance(node, Group) and node.subshell:
            child = self.process.fork(self.process.argv)
            self.child(child, node.body)
            self.status = yield from self.process.wait([child])
            if self.status and self.options.get("e") and not self.unchecked:
                raise Exited(self.status)
            return self.status
        return (yield from compound(self, node))

    def _simple(self, node: Simple) -> Run:
        self.substituted = 0
        words = yield from expansion.fields(self, node.words)
        if not words:
            return (yield from self._assign_only(node))
        values = yield from self._values(node)
        if self.options.get("x"):
            shown = [*(f"{k}={v}" for k, v in values), *words]
            self.process.say(f"+ {' '.join(shown)}\n", 2)
        builtin = BUILTINS.get(words[0])
        function = self.functions.get(words[0])
        if words[0] == "exec":
            return (yield from self._exec(node, words, values))
        if function is None and builtin is None:
            self.status = yield from self._external(node, words, values)
            return self.status
        saved = yield from redirects.apply(self, node.redirects)
        if saved is None:
            self.status = 1
            return 1
        try:
            if function is not None:
                self.status = yield from self._call(function, words, values)
            elif builtin is not None:
                self.status = yield from self._builtin(builtin, words, values)
        finally:
            redirects.restore(self.process, saved)
        return self.status

    def _values(self, node: Simple) -> Generator[Syscall, Any, list[tuple[str, str]]]:
        out = []
        for name, word in node.assignments:
            out.append((name, (yield from expansion.text(self, word))))
        return out

    def _assign_only(self, node: Simple) -> Run:
        for name, word in node.assignments:
            self.set(name, (yield from expansion.text(self, word)))
        self.status = self.substituted
        if node.redirects:
            saved = yield from redirects.apply(self, node.redirects)
            if saved is None:
                self.status = 1
            else:
                redirects.restore(self.process, saved)
        return self.status

    def _call(self, body: Command, words: list[str], values: list[tuple[str, str]]) -> Run:
        if len(self.locals) > 60:
            self.complain(f"{words[0]}: maximum function nesting level exceeded")
            return 1
        before, self.arguments = self.arguments, words[1:]
        self.locals.append({})
        for name, value in values:
            self.set(name, value)
        try:
            yield from self.command(body)
        except Returned as returned:
            self.status = returned.status
        finally:
            self.arguments = before
            for name, old in self.locals.pop().items():
                if old is None:
                    self.unset(name)
                else:
                    self.variables[name] = old
        return self.status

    def _builtin(
        self, builtin: Builtin, words: list[str], values: list[tuple[str, str]]
    ) -> Run:  # fmt: skip
        before = {name: self.variables.get(name) for name, _ in values}
        for name, value in values:
            self.set(name, value)
        try:
            result = builtin(self, words[1:])
            if isinstance(result, int):
                return result
            return (yield from result)
        except Leave as left:
            return left.code
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            self.complain(f"{words[0]}: {where}{error.strerror}")
            return 1
        finally:
            for name, old in before.items():
                if old is None:
                    self.unset(name)
                else:
                    self.variables[name] = old

    def _exec(self, node: Simple, words: list[str], values: list[tuple[str, str]]) -> Run:
        saved = yield from redirects.apply(self, node.redirects)
        if saved is None:
            raise Exited(1)
        if len(words) == 1:
            redirects.keep(saved)
            self.status = 0
            return 0
        program, argv = self.program(words[1:])
        if program is None:
            raise Exited(self.not_found(words[1]))
        process = self.process
        process.argv, process.env = argv, {**self.environment(), **dict(values)}
        process.handlers = {n: None for n, h in process.handlers.items() if h is None}
        result = program(process, argv[1:])
        raise Exited(result if isinstance(result, int) else (yield from result))

    def _external(self, node: Simple, words: list[str], values: list[tuple[str, str]]) -> Run:
        saved = yield from redirects.apply(self, node.redirects)
        if saved is None:
            return 1
        try:
            program, argv = self.program(words)
            if program is None:
                return self.not_found(words[0])
            child = self.process.fork(argv)
            child.env = {**self.environment(), **dict(values)}
        finally:
            redirects.restore(self.process, saved)
        self.process.kernel.start(child, program)
        return (yield from self.process.wait([child]))

    def program(self, words: list[str]) -> tuple[Main | None, list[str]]:
        from cluster.runtime.loader import load

        return load(self.process, words, self.get("PATH", DEFAULT_PATH))

    def _missing(self, name: str) -> str:
        """As bash, dash and ash say it."""
        if self.name == "bash":
            what = "No such file or directory" if "/" in name else "command not found"
            return f"{name}: {what}" if self.interactive else f"line 1: {name}: {what}"
        debian = self.process.kernel.flavour == "debian" and not self.interactive
        return f"1: {name}: not found" if debian else f"{name}: not found"

    def not_found(self, name: str) -> int:
        """What is said of a program that cannot be run, and the status that says so too."""
        from cluster.runtime.fs.nodes import Directory

        node = self.process.kernel.fs.get(self.process.path(name)) if "/" in name else None
        if node is None:
            self.complain(self._missing(name))
            return 127
        why = "Is a directory" if isinstance(node, Directory) else "Permission denied"
        self.complain(f"{name}: {why}")
        return 126


# Names that are looked up all the time, and are not there until a script sets them.
KNOWN = frozenset(("IFS", "PS1", "PS2", "PS4", "OPTIND", "PWD", "PPID", "HOME", "PATH"))
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def main(process: Process, arguments: list[str]) -> Run:
    """`sh [-eux] [-c script | file] [arguments]`, or the standard input."""
    name = posixpath.basename(process.argv[0]).lstrip("-") or "sh"
    shell = Shell(process, name)
    wanted, text = "", None
    rest = list(arguments)
    while rest and rest[0][:1] in "-+" and len(rest[0]) > 1:
        flag = rest.pop(0)
        if flag == "--":
            break
        if flag.startswith("--"):
            continue
        if flag[1:] == "o" and rest:
            shell.options[rest.pop(0)] = flag[0] == "-"
            continue
        for letter in flag[1:]:
            if letter in "cils":
                wanted += letter
            elif letter == "o" and rest:
                shell.options[rest.pop(0)] = flag[0] == "-"
            else:
                shell.options[letter] = flag[0] == "-"
    if "c" in wanted:
        if not rest:
            shell.complain("-c requires an argument")
            return 2
        text = rest.pop(0)
        if rest:
            shell.name = rest.pop(0)
    elif rest and "s" not in wanted:
        shell.name = rest.pop(0)
        try:
            text = process.kernel.fs.read(process.path(shell.name)).decode(errors="replace")
        except OSError as error:
            process.say(f"{name}: can't open '{shell.name}': {error.strerror}\n", 2)
            return 2
    shell.arguments = rest
    return (yield from _whole(shell, text, wanted))


def _whole(shell: Shell, text: str | None, wanted: str) -> Run:
    from cluster.runtime.shell.prompt import interactive, piped

    try:
        if text is not None:
            yield from shell.script(text)
        elif "i" in wanted or shell.process.descriptor(0).is_tty:
            yield from interactive(shell)
        else:
            yield from piped(shell)
    except Exited as ended:
        shell.status = ended.status
    yield from shell.leave()
    return shell.status


from cluster.runtime.shell.builtins import BUILTINS  # noqa: E402  (they name Shell)
