"""Subclasses of the builtin types: compared by what they hold, never taken for the plain type; reprs of a verdict."""

from __future__ import annotations

from typing import Any

import pytest
from exuvia.migrate import Comparator, compare


class Whole(int): ...


class Real(float): ...


class Text(str): ...


class Raw(bytes): ...


class Pair(tuple[int, ...]): ...


class Row(list[int]): ...


class Tags(set[int]): ...


class Fixed(frozenset[int]): ...


class Table(dict[str, int]): ...


KINDS: list[tuple[type, Any, Any, str]] = [
    (Whole, 5, 6, "$"),
    (Whole, 2**200, 2**200 + 1, "$"),
    (Real, 1.5, 2.5, "$"),
    (Text, "a", "b", "$"),
    (Raw, b"a", b"b", "$"),
    (Pair, (1, 2), (1, 3), "$[1]"),
    (Row, [1, 2], [1, 3], "$[1]"),
    (Table, {"a": 1}, {"a": 2}, "$.a"),
]


@pytest.mark.parametrize(("kind", "held", "other", "path"), KINDS)
def test_a_subclass_is_equal_to_its_like_and_no_value_of_the_plain_type(
    kind: type, held: Any, other: Any, path: str
) -> None:
    assert compare(kind(held), kind(held)).equal
    [found] = compare(kind(held), kind(other)).differences
    assert (found.path, found.kind) == (path, "value")
    [found] = compare(kind(held), held).differences
    assert (found.path, found.kind) == ("$", "type")


@pytest.mark.parametrize("kind", [Tags, Fixed])
def test_sets_of_a_class_of_their_own_differ_by_what_one_lacks(kind: Any) -> None:
    assert compare(kind({1, 2}), kind({2, 1})).equal
    found = compare(kind({1, 2}), kind({1, 3})).differences
    assert [(difference.path, difference.kind) for difference in found] == [("$[2]", "missing"), ("$[3]", "extra")]


def test_a_verdict_says_in_one_line_what_it_found() -> None:
    equal, differs = compare([1, 2], [1, 2]), compare([1, 2], [1, 3])
    assert repr(equal) == f"<Verdict equal, {equal.compared} values compared>"
    assert repr(differs) == "<Verdict 1 differences, first at $[1]: value>"
    assert repr(differs.differences[0]) == "Difference($[1]: value, legacy 2, candidate 3, rule exact)"
    assert repr(Comparator({"$.a": "abs:1", "$.b": "ulp:2"})) == "<Comparator of 2 rules>"
