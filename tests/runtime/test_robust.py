"""Whatever is typed in a container, the process that follows it lives on."""

from __future__ import annotations

import pytest

from tests.runtime.box import Box

ODD = [
    "head -n x /etc/passwd", "dd bs=x", "seq a", "cut -f x", "awk 'BEGIN{print 2^100000000}'",
    "awk '{'", "sed 's/('", "grep '['", "printf '%99999999d' 1", "expr 1 / 0", "echo $((1/0))",
    "f() { f; }; f", "kill x", "sleep x", "tar xf /etc/passwd", "gunzip /etc/passwd",
    "base64 -d /etc/passwd", "date -d nonsense", "find / -maxdepth x", "mkdir", "cp a",
    "test 1 -eq x", "${", "$((", "for", "case x in", "a() {", "((", "<", "| cat", "&&", ";;",
    "! ", "echo `", "\x00", "umask 9", "shift 99", "trap x NOSUCH", "getopts", "read -t x a",
    "wait 99999", "cd /nosuch", "chmod zz /etc/passwd", "truncate -s 99999999999 /tmp/x",
    "xargs -n x < /etc/passwd", "nl /", "od /",
]  # fmt: skip


@pytest.mark.parametrize("script", ODD)
def test_nonsense_ends_with_an_error_and_nothing_else(script: str) -> None:
    ran = Box().run(script, within=5)
    assert ran.code is not None


def test_endless_writing_fills_the_disk_and_ends() -> None:
    ran = Box().run("yes > /tmp/x; ls -l /tmp/x | awk '{print $5 <= 64*1024*1024}'", within=200)
    assert "No space left on device" in ran.out and ran.out.endswith("1\n")


def test_a_fork_bomb_hits_a_limit() -> None:
    ran = Box().run("b() { b | b & }; b; sleep 5; echo alive", within=60)
    assert ran.code is not None or ran.seconds <= 60
