"""Objects that keep state where no attribute shows it are refused, never called equal."""

from __future__ import annotations

import functools
import io
import random
import types
from fractions import Fraction

import pytest
from exuvia.errors import CompareError
from exuvia.migrate import compare


class Tape(io.BytesIO):
    """A class in Python over one that keeps its state elsewhere."""


class Slots:
    __slots__ = ("__weakref__", "price", "side")

    def __init__(self, price: float) -> None:
        self.price, self.side = price, "Buy"


class More(Slots):
    def __init__(self, price: float, note: str) -> None:
        super().__init__(price)
        self.note = note


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (io.BytesIO(b"a"), io.BytesIO(b"b")),
        (io.StringIO("a"), io.StringIO("b")),
        (random.Random(1), random.Random(2)),
        (Tape(b"a"), Tape(b"b")),
        (functools.partial(max, 1), functools.partial(max, 2)),
    ],
)
def test_what_hides_its_state_is_refused_with_what_to_do(one: object, other: object) -> None:
    with pytest.raises(CompareError, match="register|repr"):
        compare(one, other)


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        (Slots(1.0), Slots(2.0), "$.price"),
        (More(1.0, "a"), More(1.0, "b"), "$.note"),
        (types.SimpleNamespace(a=1), types.SimpleNamespace(a=2), "$.a"),
    ],
)
def test_what_shows_all_it_has_is_compared_field_by_field(one: object, other: object, path: str) -> None:
    assert [found.path for found in compare(one, other).differences] == [path]
    assert compare(one, one).equal


def test_fractions_are_compared() -> None:
    assert compare(Fraction(1, 3), Fraction(1, 3)).equal
    assert not compare(Fraction(1, 3), Fraction(2, 3)).equal
