"""test and [. Models POSIX test with -nt, -ot, -a and -o."""

from __future__ import annotations

from cluster.runtime.fs.nodes import Device, Directory, File, Link, Node
from cluster.runtime.kernel import Main, Process

BINARY = ("=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef")


class _Wrong(Exception):
    pass


def bracket(process: Process, arguments: list[str]) -> int:
    if arguments[-1:] != ["]"]:
        process.error("missing ]")
        return 2
    return condition(process, arguments[:-1])


def condition(process: Process, arguments: list[str]) -> int:
    try:
        tokens = list(arguments)
        value = _or(process, tokens)
        if tokens:
            raise _Wrong(f"{tokens[0]}: unknown operand")
        return int(not value)
    except _Wrong as wrong:
        process.error(str(wrong))
        return 2


def _or(process: Process, tokens: list[str]) -> bool:
    value = _and(process, tokens)
    while tokens[:1] == ["-o"]:
        tokens.pop(0)
        value = _and(process, tokens) or value
    return value


def _and(process: Process, tokens: list[str]) -> bool:
    value = _not(process, tokens)
    while tokens[:1] == ["-a"]:
        tokens.pop(0)
        value = _not(process, tokens) and value
    return value


def _not(process: Process, tokens: list[str]) -> bool:
    if tokens[:1] == ["!"] and len(tokens) > 1 and tokens[1:2] not in (["="], ["!="]):
        tokens.pop(0)
        return not _not(process, tokens)
    return _primary(process, tokens)


def _primary(process: Process, tokens: list[str]) -> bool:
    if not tokens:
        return False
    if len(tokens) >= 3 and tokens[1] in BINARY:
        left, operator, right = tokens[:3]
        del tokens[:3]
        return _compare(process, left, operator, right)
    if tokens[0] == "(" and len(tokens) > 1:
        tokens.pop(0)
        value = _or(process, tokens)
        if tokens[:1] != [")"]:
            raise _Wrong("closing paren expected")
        tokens.pop(0)
        return value
    token = tokens.pop(0)
    if len(token) == 2 and token[0] == "-" and tokens and tokens[0] not in ("-a", "-o"):
        return _unary(process, token, tokens.pop(0))
    return token != ""


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _Wrong(f"{text}: bad number") from None


def _compare(process: Process, left: str, operator: str, right: str) -> bool:
    if operator in ("=", "=="):
        return left == right
    if operator == "!=":
        return left != right
    if operator in ("<", ">"):
        return left < right if operator == "<" else left > right
    if operator in ("-nt", "-ot", "-ef"):
        one, other = (process.kernel.fs.get(process.path(p)) for p in (left, right))
        if operator == "-ef":
            return one is not None and one is other
        times = [n.mtime if n is not None else float("-inf") for n in (one, other)]
        return times[0] > times[1] if operator == "-nt" else times[0] < times[1]
    a, b = _number(left), _number(right)
    return {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b,
            "-ge": a >= b}[operator]  # fmt: skip


def _unary(process: Process, operator: str, operand: str) -> bool:
    if operator == "-z":
        return operand == ""
    if operator == "-n":
        return operand != ""
    if operator == "-t":
        file = process.fds.get(int(operand) if operand.isdigit() else -1)
        return file is not None and file.is_tty
    node = process.kernel.fs.get(process.path(operand), follow=operator not in ("-L", "-h"))
    return node is not None and operand != "" and _is(node, operator)


def _is(node: Node, operator: str) -> bool:
    if operator == "-f":
        return isinstance(node, File)
    if operator == "-d":
        return isinstance(node, Directory)
    if operator in ("-L", "-h"):
        return isinstance(node, Link)
    if operator == "-c":
        return isinstance(node, Device)
    if operator == "-s":
        return isinstance(node, Directory) or (isinstance(node, File) and bool(node.content()))
    if operator == "-x":
        return isinstance(node, Directory) or bool(node.mode & 0o111)
    if operator in ("-e", "-a", "-r", "-w", "-O", "-G"):
        return True
    if operator in ("-p", "-S", "-b", "-u", "-g", "-k"):
        return False
    raise _Wrong(f"{operator}: unknown operand")


TOOLS: dict[str, Main] = {"[": bracket, "test": condition}
