"""What Kubernetes adds to CEL, by examples of its documentation."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.cel.program import CompileError, EvaluationError, compile_expression

SELF: dict[str, Any] = {"list": [1, 2, 3], "text": "hello", "map": {"a": 1}}
TRUE = """
self.list.isSorted()
!([3, 1].isSorted())
self.list.sum() == 6
self.list.min() == 1 && self.list.max() == 3
[1, 2, 2, 3].indexOf(2) == 1 && [1, 2, 2, 3].lastIndexOf(2) == 2
'abc'.indexOf('c') == 2
'abc 123'.find('[0-9]+') == '123'
'123 abc 456'.findAll('[0-9]+') == ['123', '456']
'123 abc 456'.findAll('[0-9]+', 1) == ['123']
sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1], [1, 2])
quantity('1Gi').isGreaterThan(quantity('100Mi'))
quantity('1') == quantity('1000m')
quantity('50k').add(20).asInteger() == 50020
quantity('50k').sub(quantity('20k')).compareTo(quantity('30k')) == 0
quantity('-1').sign() == -1 && !quantity('0.5').isInteger()
isQuantity('1.3Gi') && !isQuantity('1.3GiB')
url('https://example.com:8080/a%20b?x=1').getHostname() == 'example.com'
url('https://example.com:8080/a').getPort() == '8080'
url('https://example.com/?k=a&k=b').getQuery() == {'k': ['a', 'b']}
isURL('/path') && !isURL('no url')
ip('::1').family() == 6 && ip('127.0.0.1').isLoopback()
isIP('10.0.0.1') && !isIP('10.0.0')
ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD')
cidr('192.168.0.0/24').containsIP('192.168.0.1')
cidr('192.168.0.0/16').containsCIDR('192.168.1.0/24')
cidr('192.168.0.5/24').masked() == cidr('192.168.0.0/24') && cidr('10.0.0.0/8').prefixLength() == 8
isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0')
!format.dns1123Label().validate('my-name').hasValue()
format.dns1123Label().validate('My').hasValue()
format.named('uuid').value().validate('no').hasValue()
semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))
isSemver('1.2.3') && !isSemver('v1.2') && isSemver('v1.2', true)
self.?none.orValue(4) == 4 && !self.?none.hasValue()
cel.bind(x, self.list, x.size() == 3 && x.all(i, v, v > i))
self.map.exists(k, v, k == 'a' && v == 1)
'%s is %d'.format([self.text, 1]) == 'hello is 1'
'a,b'.split(',') == ['a', 'b'] && ['a', 'b'].join('-') == 'a-b' && 'A'.lowerAscii() == 'a'
math.greatest(1, 2.5) == 2.5
base64.decode('aGk=') == b'hi'
""".strip().splitlines()


@pytest.mark.parametrize("expression", TRUE)
def test_holds(expression: str) -> None:
    assert compile_expression(expression, ("self",)).run({"self": SELF}) is True


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("self.none", "no such key: none"),
        ("self.list[7]", "index out of bounds: 7"),
        ("self.text + self.list == 1", "no such overload"),
        ("ip('x') == ip('y')", 'IP Address "x" parse error during conversion from string'),
        ("[].min()", "min called on empty list"),
    ],
)
def test_fails_in_the_words_of_upstream(expression: str, text: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        compile_expression(expression, ("self",)).run({"self": SELF})
    assert caught.value.text == text


def test_does_not_compile() -> None:
    with pytest.raises(CompileError) as caught:
        compile_expression("other > 1", ("self",))
    assert caught.value.text == (
        "compilation failed: ERROR: <input>:1:1: undeclared reference to 'other' (in container '')"
        "\n | other > 1\n | ^"
    )
    with pytest.raises(CompileError, match="must evaluate to bool"):
        compile_expression("'a'", ("self",), ("BOOL",))


def test_words_are_not_looked_for_in_strings() -> None:
    program = compile_expression("self.x == 'oldSelf'", ("self", "oldSelf"))
    assert program.uses("self")
    assert not program.uses("oldSelf")
