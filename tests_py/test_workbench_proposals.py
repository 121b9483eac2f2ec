"""The rule that `exuvia aa` proposes for values in which legacy differs from itself."""

from __future__ import annotations

import pytest
from exuvia.migrate.workbench.selfnoise import IGNORE, proposal


@pytest.mark.parametrize(
    ("one", "more", "rule"),
    [
        (("100.0", "100.5"), [], "abs:1"),
        (("100.0", "100.5"), [("100.0", "100.25")], "abs:1"),
        (("100.0", "100.25"), [("100.0", "101.0")], "abs:2"),
        (("1.5", "2.5"), [("1.5", "3.75")], IGNORE),
        (("7", "9"), [], IGNORE),
    ],
    ids=["once", "near each time", "the furthest counts", "far apart", "whole numbers"],
)
def test_numbers_that_stay_near_each_other_get_their_distance_and_those_that_do_not_are_left_out(
    one: tuple[str, str], more: list[tuple[str, str]], rule: str
) -> None:
    assert proposal("$.x", "value", *one, more) == rule


@pytest.mark.parametrize("kind", ["order", "order-only"])
def test_an_order_is_left_open_where_a_rule_can_be_put_and_else_the_place_is_left_out(kind: str) -> None:
    assert proposal("$.rows", kind, "[1, 2]", "[2, 1]") == "multiset"
    assert proposal("rows, somewhere", kind, "[1, 2]", "[2, 1]") == IGNORE
