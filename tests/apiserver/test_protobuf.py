"""Bodies as Go clients encode them: all that is no pointer is sent, also when it is zero."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cluster.apiserver
from cluster.apiserver.protobuf import MAGIC, MalformedError, decode

FIELDS = json.loads(
    (Path(cluster.apiserver.__file__).parent / "data" / "protobuf_fields.json").read_text()
)


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def encode(message: str, obj: dict[str, Any]) -> bytes:
    out = b""
    for name, value in obj.items():
        number, kind = next((int(n), k) for n, (f, k) in FIELDS[message].items() if f == name)
        if kind.startswith("map<"):
            entries = value.items()
            out += b"".join(
                field(number, field(1, k.encode()) + field(2, v.encode())) for k, v in entries
            )
            continue
        for one in value if isinstance(value, list) else [value]:
            out += field(number, plain(kind.strip("[]"), one))
    return out


def plain(kind: str, value: Any) -> int | bytes:
    if isinstance(value, dict):
        return encode(kind, value)
    return value.encode() if isinstance(value, str) else int(value)


def envelope(version: str, kind: str, raw: bytes) -> bytes:
    return MAGIC + field(1, field(1, version.encode()) + field(2, kind.encode())) + field(2, raw)


POD = {
    "metadata": {"name": "web", "generation": 0, "labels": {"app": "web"}},
    "spec": {
        "hostNetwork": False,
        "automountServiceAccountToken": False,
        "nodeName": "",
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "c", "image": "nginx", "stdin": False, "tty": True}],
    },
}
BODY = envelope("v1", "Pod", encode("k8s.io.api.core.v1.Pod", POD))


def test_a_zero_that_is_always_sent_is_absent_and_a_chosen_one_stays() -> None:
    assert decode(BODY) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "c", "image": "nginx", "tty": True}],
        },
    }


def test_an_empty_string_behind_a_pointer_is_a_choice() -> None:
    claim = {"spec": {"storageClassName": "", "volumeName": ""}}
    raw = encode("k8s.io.api.core.v1.PersistentVolumeClaim", claim)
    assert decode(envelope("v1", "PersistentVolumeClaim", raw))["spec"] == {"storageClassName": ""}


@pytest.mark.parametrize("version, kind", [("v1", "Nothing"), ("nowhere/v1", "Pod")])
def test_an_unknown_kind_is_refused(version: str, kind: str) -> None:
    with pytest.raises(MalformedError, match=f'no kind "{kind}"'):
        decode(envelope(version, kind, b""))


@settings(max_examples=400)
@given(st.integers(0, len(BODY) - 1), st.binary(max_size=4))
def test_damaged_bytes_are_refused_or_read_but_never_break(cut: int, noise: bytes) -> None:
    try:
        found = decode(BODY[:cut] + noise + BODY[cut + len(noise) :])
    except MalformedError:
        return
    assert isinstance(found, dict)
