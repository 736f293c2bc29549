"""Whether a client and the server come to terms, from the files the client was given."""

from __future__ import annotations

from zlib import crc32

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from cluster.machinery.clock import format_micro_time
from cluster.runtime.kernel import Run
from cluster.simulation.etcdtool.flags import Call
from cluster.simulation.etcdtool.world import World

# When a client that is turned away tries again within its five seconds.
RETRIES = (0.0, 1.0, 2.6)
PORTS = (2379,)
ADDRESSES = ("127.0.0.1", "192.168.49.2", "localhost", "minikube")
REFUSED = "connect: connection refused"


class ClientError(Exception):
    """The client ends by itself, before it connects."""


def connect(world: World, call: Call) -> Run:
    """0, or the exit code after saying why."""
    for endpoint in call.endpoints():
        try:
            why, seen = _outcome(world, call, endpoint)
        except ClientError as error:
            return call.fail(str(error))
        if seen or why:
            yield from _give_up(world, call, endpoint, why, seen)
            return 1
    return 0


def _outcome(world: World, call: Call, endpoint: str) -> tuple[str, str]:
    """(what the client sees, what the server logs): both empty when they understand each other.
    Raises ClientError."""
    scheme, mark, address = endpoint.partition("://")
    if not mark:
        scheme, address = ("https" if call.flags["cacert"] else "http"), endpoint
    host, _, port = address.rstrip("/").partition(":")
    authority = _read(call, call.flags["cacert"]) if call.flags["cacert"] else None
    pair = _pair(call)
    if host not in ADDRESSES or port != "2379":
        return f"dial tcp {host}:{port}: {REFUSED}", ""
    if scheme != "https":
        return "error reading server preface: EOF", "tls: first record does not look like a TLS " \
            "handshake"  # fmt: skip
    ours = x509.load_pem_x509_certificate((world.pki / "ca.crt").read_bytes())
    if "insecure-skip-tls-verify" not in call.switches and authority != ours:
        return (
            "authentication handshake failed: tls: failed to verify certificate: x509: "
            "certificate signed by unknown authority",
            "remote error: tls: bad certificate",
        )
    if pair is None:
        return (
            "error reading server preface: remote error: tls: certificate required",
            "tls: client didn't provide a certificate",
        )
    try:
        pair.verify_directly_issued_by(ours)
    except (ValueError, TypeError, InvalidSignature):
        return (
            "error reading server preface: remote error: tls: unknown certificate authority",
            "tls: failed to verify client certificate: x509: certificate signed by unknown "
            "authority",
        )
    return "", ""


def _pair(call: Call) -> x509.Certificate | None:
    certificate, key = call.flags["cert"], call.flags["key"]
    if bool(certificate) != bool(key):
        raise ClientError(
            f"KeyFile and CertFile must both be present[key: {key}, cert: {certificate}]"
        )
    if not certificate:
        return None
    _bytes(call, key)
    return _read(call, certificate)


def _bytes(call: Call, name: str) -> bytes:
    process = call.process
    try:
        return process.kernel.fs.read(process.path(name))
    except OSError as error:
        text = (error.strerror or "cannot be read").lower()
        raise ClientError(f"open {name}: {text}") from error


def _read(call: Call, name: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_bytes(call, name))
    except ValueError as error:
        raise ClientError("tls: failed to find any PEM data in certificate input") from error


def _give_up(world: World, call: Call, endpoint: str, why: str, seen: str) -> Run:
    """Try, and try again, until the time is up."""
    process = call.process
    begun = process.kernel.now
    for number, after in enumerate(RETRIES):
        if after >= call.timeout:
            break
        yield from process.sleep(begun + after - process.kernel.now)
        if seen:
            world.log(seen, f"127.0.0.1:{_port(process.kernel.seed, begun, number)}")
    yield from process.sleep(begun + call.timeout - process.kernel.now)
    line = {
        "level": "warn",
        "ts": format_micro_time(process.kernel.now),
        "logger": "etcd-client",
        "caller": "v3@v3.6.6/retry_interceptor.go:65",
        "msg": "retrying of unary invoker failed",
        "target": f"etcd-endpoints://0xc00024c000/{endpoint.partition('://')[2] or endpoint}",
        "attempt": 0,
        "error": "rpc error: code = DeadlineExceeded desc = latest balancer error: last connection "
        f'error: connection error: desc = "transport: {why}"',
    }
    process.say(orjson.dumps(line).decode() + "\n", 2)
    call.fail("context deadline exceeded")
    return 0


def _port(seed: str, begun: float, number: int) -> int:
    """An ephemeral one, the same for the same run."""
    return 32768 + crc32(f"{seed}/{begun}".encode()) % 28000 + 16 * number
