"""The shell of simulated containers against what busybox's ash prints."""

from __future__ import annotations

import pytest

from tests.runtime.box import Box, sh

SCRIPTS = [
    ("echo hi", "hi\n"),
    ("echo 'a  b' \"c  d\" e\\ f", "a  b c  d e f\n"),
    ('x="a b"; echo $x "$x" ${x}', "a b a b a b\n"),
    ("x='a   b'; echo $x; echo \"$x\"", "a b\na   b\n"),
    ("echo $((2+3*4)) $((7/2)) $((-7%3)) $((1<2)) $((0x10))", "14 3 -1 1 16\n"),
    ("i=5; echo $((i++)) $i $((i+=2)) $i", "5 6 8 8\n"),
    ("echo $((1 ? 2 : 3)) $((1 && 0)) $((!0)) $((2**10))", "2 0 1 1024\n"),
    ("for i in 1 2 3; do echo -n $i; done; echo", "123\n"),
    ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done", "1\n2\n3\n"),
    ("until false; do break; done; echo out", "out\n"),
    ("for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done", "1\n3\n"),
    ("if true; then echo a; elif true; then echo b; else echo c; fi", "a\n"),
    ("if false; then echo a; elif false; then echo b; else echo c; fi", "c\n"),
    ("case abc in x) echo x;; a*|b) echo A;; *) echo other;; esac", "A\n"),
    ("f() { echo $1 $#; return 3; }; f a b; echo $?", "a 2\n3\n"),
    ("f() { local x=1; }; x=0; f; echo $x", "0\n"),
    ('set -- a "b c"; for x in "$@"; do echo "<$x>"; done; echo $#', "<a>\n<b c>\n2\n"),
    ("echo ${X:-d} ${X-e} ${X:+f} ${#PATH}", "d e 60\n"),
    ("x=file.tar.gz; echo ${x%.*} ${x%%.*} ${x#*.} ${x##*.}", "file.tar file tar.gz gz\n"),
    ("x=banana; echo ${x/a/o} ${x//a/o} ${x:1:3}", "bonana bonono ana\n"),
    ("echo $(echo a; echo b) `echo c`", "a b c\n"),
    ("(cd /tmp; pwd); pwd", "/tmp\n/\n"),
    ("{ echo a; echo b; } | cat | cat", "a\nb\n"),
    ("echo x > /tmp/f; echo y >> /tmp/f; cat < /tmp/f", "x\ny\n"),
    ("cat <<EOF\nhi $((1+1)) $HOSTNAME\nEOF", "hi 2 web\n"),
    ("cat <<'EOF'\n$x\nEOF", "$x\n"),
    ("cat <<-EOF\n\ta\n\tEOF", "a\n"),
    ("false && echo no || echo yes", "yes\n"),
    ("! false && echo $?", "0\n"),
    ("nosuch; echo $?", "sh: nosuch: not found\n127\n"),
    ("cat /nosuch; echo $?", "cat: can't open '/nosuch': No such file or directory\n1\n"),
    ("echo /etc/host*; echo /nosuch*", "/etc/hosts-test\n/nosuch*\n"),
    ("trap 'echo bye' EXIT; echo hi", "hi\nbye\n"),
    ("set -e; false; echo no", ""),
    ("set -e; if false; then :; fi; false || true; echo yes", "yes\n"),
    ("set -u; echo $NOSUCH; echo no", "sh: NOSUCH: parameter not set\n"),
    ("set -x; echo a", "+ echo a\na\n"),
    ("echo a b c | { read x y; echo $y; }", "b c\n"),
    ("printf 'a\\nb\\n' | while read l; do echo \"<$l>\"; done", "<a>\n<b>\n"),
    ("IFS=:; set -- $(echo a:b:c); echo $2", "b\n"),
    ("echo out; echo err >&2", "out\nerr\n"),
    ("ls /nosuch 2>/dev/null; echo $?", "1\n"),
    ("ls /nosuch > /tmp/o 2>&1; cat /tmp/o", "ls: /nosuch: No such file or directory\n"),
    ("exec > /tmp/o; echo a; cat /tmp/o >&2", "a\n"),
    ("eval 'x=1; echo $x'", "1\n"),
    ("echo 'echo $1' > /tmp/s; chmod +x /tmp/s; /tmp/s a; sh /tmp/s b", "a\nb\n"),
    ("printf '#!/bin/sh\\necho $0\\n' > /tmp/s; chmod +x /tmp/s; /tmp/s", "/tmp/s\n"),
    ("echo 'x=7' > /tmp/s; . /tmp/s; echo $x", "7\n"),
    ("X=1 env | grep ^X; echo [$X]", "X=1\n[]\n"),
    ("export Y=2; sh -c 'echo $Y $0 $1' a b", "2 a b\n"),
    ("echo -e 'a\\tb'; echo -n c; printf '%s-%03d|' x 7 y 8", "a\tb\ncx-007|y-008|"),
    ("while getopts ab: o -a -b v; do echo $o $OPTARG; done", "a\nb v\n"),
    ("true & wait $!; echo $?", "0\n"),
    ("yes | head -2", "y\ny\n"),
    ("x=$(exit 3); echo $?", "3\n"),
    ("test -d /tmp -a ! -f /tmp; echo $?; [ 1 -gt 2 ]; echo $?", "0\n1\n"),
    ("echo \"a\\\"b\" 'it'\"'\"'s' \\$x", "a\"b it's $x\n"),
    ("echo a; # comment\necho b # another", "a\nb\n"),
    ("echo a \\\n b", "a b\n"),
    ("command -v cat; type cd", "/bin/cat\ncd is a shell builtin\n"),
    ("echo ~ ~/x '~'", "/root /root/x ~\n"),
    ('x=; [ -z "$x" ] && echo empty', "empty\n"),
    ('echo "$(echo "a  b")"', "a  b\n"),
    ("echo {a,b}", "{a,b}\n"),
]


@pytest.mark.parametrize(("script", "printed"), SCRIPTS, ids=[s for s, _ in SCRIPTS])
def test_a_script_prints(script: str, printed: str) -> None:
    box = Box()
    box.container.fs.write("/etc/hosts-test", b"", 0.0)
    assert box.run(script).out == printed


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 7", 7), ("false", 1), ("true", 0), ("nosuch", 127), ("exit 300", 44),
        ("sh -c 'exit 3'; exit", 3), ("kill -9 $$", 0), ("if; then", 2), ("echo 'a", 2),
        ("sh -c 'kill -TERM $$' ; exit $?", 143), ("/etc", 126), ("set -e; (exit 5)", 5),
    ],
)  # fmt: skip
def test_a_script_ends_with(script: str, code: int) -> None:
    assert Box().run(script, within=1).code == (code if script != "kill -9 $$" else 0)


def test_sleeping_takes_cluster_time() -> None:
    ran = Box().run("date +%s; sleep 1.5m; date +%s")
    first, second = ran.out.split()
    assert int(second) - int(first) == 90 == ran.seconds


def test_jobs_in_the_background_run_at_the_same_time() -> None:
    ran = Box().run("sleep 5 & sleep 5 & wait; echo done")
    assert (ran.out, ran.seconds) == ("done\n", 5)


def test_a_loop_without_end_lets_others_live() -> None:
    ran = Box().run("while :; do :; done", within=3)
    assert ran.code is None


def test_commands_come_from_standard_input() -> None:
    ran = Box().execute(["sh"], "echo one\nread x\ntwo\necho $x\nexit 4\n")
    assert (ran.out, ran.code) == ("one\ntwo\n", 4)


def test_a_syntax_error_is_told() -> None:
    assert "syntax error: unexpected" in sh("for do")


def test_two_runs_are_the_same_to_the_letter() -> None:
    script = "echo $RANDOM; head -c 8 /dev/urandom | base64; mktemp"
    assert sh(script) == sh(script)
