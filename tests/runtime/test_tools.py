"""The tools against what busybox prints."""

from __future__ import annotations

import pytest

from tests.runtime.box import Box, sh

FILE = "printf 'a 1\\nb 2\\nc 3\\n' > /tmp/f; "
TOOLS = [
    ("printf 'b\\na\\nb\\n' | sort | uniq -c", "      1 a\n      2 b\n"),
    ("printf '10\\n9\\n' | sort -n; printf 'a 2\\nb 1\\n' | sort -k2", "9\n10\nb 1\na 2\n"),
    ("seq 3 | tac; seq 1 2 5 | tr '\\n' ' '", "3\n2\n1\n1 3 5 "),
    ("echo a:b:c | cut -d: -f2,3; echo hello | cut -c1-2", "b:c\nhe\n"),
    ("echo hello | tr a-y b-z; echo 'a  b' | tr -s ' '", "ifmmp\na b\n"),
    ("seq 20 | head -n 2; seq 20 | tail -n 2; seq 5 | tail -n +4", "1\n2\n19\n20\n4\n5\n"),
    ("printf 'one two\\nthree\\n' | wc -l; echo abc | wc -c", "2\n4\n"),
    (FILE + "grep b /tmp/f; grep -c . /tmp/f; grep -v a /tmp/f; grep -n c /tmp/f",
     "b 2\n3\nb 2\nc 3\n3:c 3\n"),
    (FILE + "grep -E '^(a|c)' /tmp/f; grep -q z /tmp/f; echo $?", "a 1\nc 3\n1\n"),
    ("echo foo123 | grep -o '[0-9]*'; echo aXb | grep -i x", "123\naXb\n"),
    (FILE + "sed 's/[0-9]/#/; 2d' /tmp/f; sed -n '2p' /tmp/f", "a #\nc #\nb 2\n"),
    (FILE + "sed -i 's/^a/z/' /tmp/f; head -1 /tmp/f; echo ab | sed -E 's/(a)(b)/\\2\\1/'",
     "z 1\nba\n"),
    (FILE + "awk '{s+=$2} END{print s, NR}' /tmp/f; awk '$2>1{print $1}' /tmp/f", "6 3\nb\nc\n"),
    ("awk -F: 'NR==1{print $1, $NF}' /etc/passwd", "root /bin/sh\n"),
    ("echo x | awk '{n[$1]++; for(k in n) printf \"%s=%d\\n\", k, n[k]}'", "x=1\n"),
    ("awk 'BEGIN{print substr(\"hello\",2,3), toupper(\"x\"), 10/4, length(\"abc\")}'",
     "ell X 2.5 3\n"),
    ("mkdir -p /tmp/d/e; touch /tmp/d/a /tmp/d/e/b; find /tmp/d -type f; find /tmp/d -name b",
     "/tmp/d/a\n/tmp/d/e/b\n/tmp/d/e/b\n"),
    ("echo a b c | xargs -n1 echo x; seq 3 | xargs", "x a\nx b\nx c\n1 2 3\n"),
    ("seq 2 | xargs -I{} echo '<{}>'", "<1>\n<2>\n"),
    ("echo hello | base64; echo aGVsbG8K | base64 -d", "aGVsbG8K\nhello\n"),
    ("echo hello | md5sum; printf x | sha256sum | cut -c1-8",
     "b1946ac92492d2347c6235b4d2611184  -\n2d711642\n"),
    ("cd /tmp; mkdir t; echo 1 > t/a; tar cf x.tar t; rm -r t; tar xf x.tar; cat t/a", "1\n"),
    ("cd /tmp; echo z > f; tar czf - f | tar tzf -", "f\n"),
    ("ln -s /etc/passwd /tmp/l; readlink /tmp/l; cat /tmp/l | head -1 | cut -c1-4",
     "/etc/passwd\nroot\n"),
    ("mkdir /tmp/a /tmp/a; rm /tmp/none; rmdir /tmp/a; ls /tmp",
     "mkdir: can't create directory '/tmp/a': File exists\n"
     "rm: can't remove '/tmp/none': No such file or directory\n"),
    ("cp /etc/passwd /tmp; mv /tmp/passwd /tmp/p; ls /tmp; cp -r /etc /tmp/e; ls /tmp/e | head -1",
     "p\ngroup\n"),
    ("cd /tmp; touch x; chmod 755 x; stat -c '%a %s' x; chmod u-x,g=r x; stat -c %a x",
     "755 0\n645\n"),
    ("echo a | tee /tmp/t | cat; cat /tmp/t", "a\na\n"),
    ("expr 2 + 3; expr 7 / 2; expr abc : 'a\\(.*\\)'", "5\n3\nbc\n"),
    ("date -u -d @0 +%Y-%m-%dT%H:%M:%S; date +%Y", "1970-01-01T00:00:00\n2026\n"),
    ("basename /a/b.txt .txt; dirname /a/b", "b\n/a\n"),
    ("id -u; whoami; hostname; uname", "0\nroot\nweb\nLinux\n"),
    ("timeout 2 sleep 10; echo $?", "143\n"),
    ("cat /etc/hostname 2>/dev/null || echo none", "none\n"),
    ("dd if=/dev/zero of=/tmp/z bs=1k count=3 2>/dev/null; wc -c < /tmp/z", "3072\n"),
    ("echo 'a,b' | tr , '\\n' | paste -s -d+", "a+b\n"),
    ("diff /etc/passwd /etc/passwd; echo $?", "0\n"),
    ("which cat; which nosuch; echo $?", "/bin/cat\n1\n"),
    ("sleep 100 & kill $!; wait $!; echo $?", "143\n"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "printed"), TOOLS, ids=[s for s, _ in TOOLS])
def test_tools_print(script: str, printed: str) -> None:
    assert sh(script) == printed


def test_processes_are_listed_as_busybox_does() -> None:
    out = sh("sleep 5 & ps")
    assert out.startswith("PID   USER     TIME  COMMAND\n")
    assert "sleep 5" in out


def test_a_long_listing_is_busyboxs() -> None:
    ran = Box().run("echo hi > /tmp/f; ls -l /tmp")
    assert ran.out == "total 1\n-rw-r--r--    1 root     root             3 Jan  1 00:00 f\n"


def test_a_debian_has_bash_and_no_ps() -> None:
    ran = Box("nginx").execute(["bash", "-c", "ps; echo $0"])
    assert ran.out == "bash: line 1: ps: command not found\nbash\n"


def test_yes_stops_when_nobody_listens() -> None:
    assert Box().run("yes | head -1", within=1).code == 0


def test_reading_without_end_is_bounded() -> None:
    ran = Box().run("cat /dev/zero | head -c 100000 | wc -c", within=1)
    assert ran.out == "100000\n"
