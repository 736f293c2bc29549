"""What the shell does itself. One line in BUILTINS each."""

from __future__ import annotations

import posixpath
import signal
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from cluster.runtime.fs.nodes import Directory
from cluster.runtime.kernel import Process, Run, Syscall, Until
from cluster.runtime.shell.arithmetic import ArithmeticError_, evaluate
from cluster.runtime.shell.compound import Broken, Continued, Exited, Returned
from cluster.runtime.shell.expansion import ExpansionError
from cluster.runtime.shell.parser import parse
from cluster.runtime.shell.reader import ShellSyntaxError, is_name
from cluster.runtime.tools.conditions import bracket, condition
from cluster.runtime.tools.text import echo, printf

if TYPE_CHECKING:
    from cluster.runtime.shell.interpreter import Shell

SIGNALS = {s.name.removeprefix("SIG"): s.value for s in signal.Signals} | {"EXIT": 0}


def signal_number(text: str) -> int | None:
    name = text.upper().removeprefix("SIG")
    if name.isdigit() and int(name) < 65:
        return int(name)
    return SIGNALS.get(name)


def _number(shell: Shell, arguments: list[str], default: int) -> int:
    if not arguments:
        return default
    try:
        return int(arguments[0])
    except ValueError:
        raise ExpansionError(f"Illegal number: {arguments[0]}") from None


def _cd(shell: Shell, arguments: list[str]) -> int:
    process = shell.process
    wanted = arguments[0] if arguments else shell.get("HOME", "/root")
    if wanted == "-":
        wanted = shell.get("OLDPWD", process.cwd)
        process.line(wanted)
    path = posixpath.normpath(posixpath.join(process.cwd, wanted))
    path = f"/{path.lstrip('/')}"
    node = process.kernel.fs.get(path)
    if not isinstance(node, Directory):
        why = "No such file or directory" if node is None else "Not a directory"
        shell.complain(f"cd: can't cd to {wanted}: {why}")
        return 2 if shell.name != "bash" else 1
    shell.variables["OLDPWD"] = process.cwd
    process.cwd = path
    shell.variables["PWD"] = path
    return 0


def _pwd(shell: Shell, arguments: list[str]) -> int:
    shell.process.line(shell.process.cwd)
    return 0


def _exit(shell: Shell, arguments: list[str]) -> int:
    raise Exited(_number(shell, arguments, shell.status) & 255)


def _return(shell: Shell, arguments: list[str]) -> int:
    raise Returned(_number(shell, arguments, shell.status) & 255)


def _break(shell: Shell, arguments: list[str]) -> int:
    raise Broken(_number(shell, arguments, 1))


def _continue(shell: Shell, arguments: list[str]) -> int:
    raise Continued(_number(shell, arguments, 1))


def _quote(value: str) -> str:
    return "'" + value.replace("'", "'\"'\"'") + "'"


def _export(shell: Shell, arguments: list[str]) -> int:
    if not arguments or arguments == ["-p"]:
        shell.process.kernel.look("env")
        for name in sorted(shell.exported & set(shell.variables)):
            shell.process.line(f"export {name}={_quote(shell.variables[name])}")
        return 0
    for argument in [a for a in arguments if a not in ("-p", "--")]:
        if argument == "-n":
            continue
        name, mark, value = argument.partition("=")
        if not is_name(name):
            shell.complain(f"export: {name}: bad variable name")
            return 2
        if mark:
            shell.set(name, value)
        shell.exported.add(name)
    return 0


def _read_only(shell: Shell, arguments: list[str]) -> int:
    for argument in arguments:
        name, mark, value = argument.partition("=")
        if mark:
            shell.set(name, value)
        shell.read_only.add(name)
    return 0


def _unset(shell: Shell, arguments: list[str]) -> int:
    functions = arguments[:1] == ["-f"]
    for name in [a for a in arguments if not a.startswith("-")]:
        if functions:
            shell.functions.pop(name, None)
        else:
            shell.unset(name)
    return 0


def _local(shell: Shell, arguments: list[str]) -> int:
    if not shell.locals:
        shell.complain("local: not in a function")
        return 1
    for argument in [a for a in arguments if not a.startswith("-")]:
        name, mark, value = argument.partition("=")
        shell.locals[-1].setdefault(name, shell.variables.get(name))
        if mark:
            shell.variables[name] = value
        else:
            shell.variables.setdefault(name, "")
    return 0


def _set(shell: Shell, arguments: list[str]) -> int:
    if not arguments:
        shell.process.kernel.look("env")
        for name, value in sorted(shell.variables.items()):
            shell.process.line(f"{name}={_quote(value)}")
        return 0
    rest = list(arguments)
    while rest and rest[0][:1] in ("-", "+") and len(rest[0]) > 1:
        flag = rest.pop(0)
        if flag == "--":
            shell.arguments = rest
            return 0
        on = flag[0] == "-"
        for letter in flag[1:]:
            if letter == "o" and rest:
                name = rest.pop(0)
                shell.options[OPTION_LETTERS.get(name, name)] = on
            else:
                shell.options[letter] = on
    if rest:
        shell.arguments = rest
    return 0


OPTION_LETTERS = {"errexit": "e", "nounset": "u", "xtrace": "x", "noglob": "f", "allexport": "a"}


def _shift(shell: Shell, arguments: list[str]) -> int:
    count = _number(shell, arguments, 1)
    if count > len(shell.arguments):
        return 1
    shell.arguments = shell.arguments[count:]
    return 0


def _eval(shell: Shell, arguments: list[str]) -> Run:
    try:
        tree = parse(" ".join(arguments))
    except ShellSyntaxError as error:
        shell.complain(f"eval: {error}")
        return 2
    shell.status = 0
    return (yield from shell.sequence(tree))


def _source(shell: Shell, arguments: list[str]) -> Run:
    if not arguments:
        return 0
    name = arguments[0]
    try:
        text = shell.process.kernel.fs.read(shell.process.path(name)).decode(errors="replace")
    except OSError as error:
        raise ExpansionError(f".: can't open '{name}': {error.strerror}") from error
    try:
        return (yield from shell.sequence(parse(text)))
    except Returned as returned:
        return returned.status
    except ShellSyntaxError as error:
        raise ExpansionError(f"{name}: {error}") from error


def _read(shell: Shell, arguments: list[str]) -> Run:
    raw, names, prompt, limit = False, [], "", None
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument in ("-p", "-t", "-n", "-d", "-u") and rest:
            value = rest.pop(0)
            prompt = value if argument == "-p" else prompt
            limit = float(value) if argument == "-t" else limit
        elif argument.startswith("-"):
            raw = raw or "r" in argument
        else:
            names.append(argument)
    if prompt:
        shell.process.say(prompt, 2)
    line = (yield from shell.process.read_line()).decode("utf-8", "surrogateescape")
    text = line.rstrip("\n")
    while not raw and text.endswith("\\") and line.endswith("\n"):
        line = (yield from shell.process.read_line()).decode("utf-8", "surrogateescape")
        text = text[:-1] + line.rstrip("\n")
    if not raw:
        text = text.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\")
    _distribute(shell, names or ["REPLY"], text)
    return 0 if line.endswith("\n") else 1


def _distribute(shell: Shell, names: list[str], text: str) -> None:
    separators = shell.get("IFS", " \t\n")
    if not separators:
        shell.set(names[0], text)
        return
    blank = "".join(c for c in separators if c.isspace())
    rest = text.strip(blank) if blank else text
    for at, name in enumerate(names):
        if at == len(names) - 1:
            shell.set(name, rest)
            return
        end = next((i for i, c in enumerate(rest) if c in separators), len(rest))
        shell.set(name, rest[:end])
        rest = rest[end:]
        if rest:
            rest = rest[1:] if rest[0] not in blank else rest.lstrip(blank)
            rest = rest.lstrip(blank)


def _wait(shell: Shell, arguments: list[str]) -> Run:
    wanted = [j for j in shell.jobs if not arguments or str(j.pid) in arguments]
    if arguments and not wanted:
        return 127
    yield Until(lambda: bool(shell.caught) or all(j.status is not None for j in wanted))
    if shell.caught:
        return 128 + shell.caught[0]
    status = 0
    for job in wanted:
        shell.process.kernel.reap(job)
        shell.jobs.remove(job)
        status = (job.status or 0) if arguments else 0
    return status


def _jobs(shell: Shell, arguments: list[str]) -> int:
    for at, job in enumerate(shell.jobs, 1):
        state = "Running" if job.status is None else "Done"
        shell.process.line(
            f"[{at}]{'+' if at == len(shell.jobs) else ' '} {state:<23}{' '.join(job.argv[2:])}"
        )
    shell.jobs = [j for j in shell.jobs if j.status is None]
    return 0


def _foreground(shell: Shell, arguments: list[str]) -> Run:
    if not shell.jobs:
        shell.complain("fg: no current job")
        return 1
    job = shell.jobs.pop()
    job.background = False
    return (yield from shell.process.wait([job]))


def _kill(shell: Shell, arguments: list[str]) -> Run | int:
    from cluster.runtime.tools.processes import kill

    jobs = {f"%{at}": str(job.pid) for at, job in enumerate(shell.jobs, 1)}
    return kill(shell.process, [jobs.get(a, a) for a in arguments])


def _trap(shell: Shell, arguments: list[str]) -> int:
    if not arguments:
        for number, action in sorted(shell.traps.items()):
            name = next((k for k, v in SIGNALS.items() if v == number), str(number))
            shell.process.line(f"trap -- {_quote(action)} {name}")
        return 0
    action, names = arguments[0], arguments[1:]
    if action == "--" and names:
        action, names = names[0], names[1:]
    if not names:
        action, names = "-", [action]
    for name in names:
        wanted = signal_number(name)
        if wanted is None:
            shell.complain(f"trap: {name}: invalid signal specification")
            return 1
        _set_trap(shell, wanted, action)
    return 0


def _set_trap(shell: Shell, number: int, action: str) -> None:
    handlers = shell.process.handlers
    if action == "-":
        shell.traps.pop(number, None)
        handlers.pop(number, None)
    elif number:
        shell.process.kernel.look("signal")
    if action == "":
        shell.traps.pop(number, None)
        handlers[number] = None
    elif action != "-":
        shell.traps[number] = action
        if number:
            handlers[number] = lambda which: shell.caught.append(which)


def _type(shell: Shell, arguments: list[str]) -> int:
    return _describe(shell, arguments, verbose=True)


def _describe(shell: Shell, names: list[str], verbose: bool) -> int:
    from cluster.runtime.loader import find

    status = 0
    for name in names:
        path = find(shell.process, name, shell.get("PATH"))
        if name in shell.functions:
            shell.process.line(f"{name} is a shell function" if verbose else name)
        elif name in BUILTINS:
            shell.process.line(f"{name} is a shell builtin" if verbose else name)
        elif path:
            shell.process.line(f"{name} is {path}" if verbose else path)
        else:
            if verbose:
                shell.process.line(f"{name}: not found")
            status = 127
    return status


def _command(shell: Shell, arguments: list[str]) -> Run:
    if arguments[:1] in (["-v"], ["-V"]):
        return _describe(shell, arguments[1:], arguments[0] == "-V")
    rest = arguments[1:] if arguments[:1] == ["-p"] else arguments
    if not rest:
        return 0
    builtin = BUILTINS.get(rest[0])
    if builtin is not None:
        result = builtin(shell, rest[1:])
        return result if isinstance(result, int) else (yield from result)
    program, argv = shell.program(rest)
    if program is None:
        return shell.not_found(rest[0])
    child = shell.process.fork(argv)
    child.env = shell.environment()
    shell.process.kernel.start(child, program)
    return (yield from shell.process.wait([child]))


def _getopts(shell: Shell, arguments: list[str]) -> int:
    spec, name = arguments[0], arguments[1]
    given = arguments[2:] or shell.arguments
    index = shell.get("OPTIND", "1")
    at, inside = int(index or 1), int(shell.variables.get("_OPTOFS", "0") or 0)
    if at > len(given) or not given[at - 1].startswith("-") or given[at - 1] in ("-", "--"):
        shell.set(name, "?")
        return 1
    word = given[at - 1][1:]
    letter = word[inside : inside + 1]
    inside += 1
    known = letter in spec and letter != ":"
    shell.set(name, letter if known else "?")
    if known and spec[spec.index(letter) + 1 : spec.index(letter) + 2] == ":":
        value = word[inside:] or (given[at] if at < len(given) else "")
        at += 1 if word[inside:] else 2
        inside = 0
        shell.set("OPTARG", value)
    elif inside >= len(word):
        at, inside = at + 1, 0
    if not known and not spec.startswith(":"):
        shell.complain(f"Illegal option -{letter}")
    shell.set("OPTIND", str(at))
    shell.variables["_OPTOFS"] = str(inside)
    return 0


def _umask(shell: Shell, arguments: list[str]) -> int:
    if arguments:
        shell.process.umask = int(arguments[0], 8)
    else:
        shell.process.line(f"{shell.process.umask:04o}")
    return 0


def _let(shell: Shell, arguments: list[str]) -> int:
    value = 0
    try:
        for argument in arguments:
            value = evaluate(argument, shell.variables)
    except ArithmeticError_ as error:
        raise ExpansionError(str(error)) from error
    return int(value == 0)


def _history(shell: Shell, arguments: list[str]) -> int:
    typed = getattr(shell.process.fds.get(0), "history", [])
    for at, line in enumerate(typed, 1):
        shell.process.line(f"{at:5}  {line}")
    return 0


def _nothing(shell: Shell, arguments: list[str]) -> int:
    return 0


def _tool(main: Callable[[Process, list[str]], Run | int]) -> Callable[[Shell, list[str]], Any]:
    """A tool that runs inside the shell because that is cheaper, and because ash does so."""

    def run(shell: Shell, arguments: list[str]) -> Generator[Syscall, Any, int] | int:
        return main(shell.process, arguments)

    return run


BUILTINS: dict[str, Any] = {
    ":": _nothing, ".": _source, "[": _tool(bracket), "alias": _nothing, "bg": _nothing,
    "break": _break, "cd": _cd, "command": _command, "continue": _continue, "echo": _tool(echo),
    "eval": _eval, "exit": _exit, "export": _export, "false": lambda s, a: 1, "fg": _foreground,
    "getopts": _getopts, "hash": _nothing, "history": _history, "jobs": _jobs, "kill": _kill,
    "let": _let, "local": _local, "printf": _tool(printf), "pwd": _pwd, "read": _read,
    "readonly": _read_only, "return": _return, "set": _set, "shift": _shift, "source": _source,
    "test": _tool(condition), "trap": _trap, "true": _nothing, "type": _type, "ulimit": _nothing,
    "umask": _umask, "unalias": _nothing, "unset": _unset, "wait": _wait, "declare": _export,
    "exec": _nothing,
}  # fmt: skip
