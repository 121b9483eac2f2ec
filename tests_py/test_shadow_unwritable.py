"""An answer that cannot be put on record is its own unit's trouble, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from exuvia.migrate.evidence import tally
from interrupting import source
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]


def test_one_answer_that_cannot_be_put_on_record_is_its_own_units_and_ends_nothing(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed.write(source(), source())
    shadowed.install("total", "refuse")
    own = tally.Tally._compared
    bad = next(iter(shadowed.courier.records.values()))

    def compared(self: Any, *args: Any, **kwargs: Any) -> None:
        if self is bad and self.nested == 0:
            self.nested = 1
            raise OverflowError("can't convert negative int to unsigned")
        own(self, *args, **kwargs)

    monkeypatch.setattr(tally.Tally, "_compared", compared)
    for n in range(5):
        shadowed.legacy.total([n])
        with pytest.raises(ValueError, match="n"):
            shadowed.legacy.refuse(n)
    one, two = shadowed.counts("total"), shadowed.counts("refuse")
    assert (one["compared"], one["errors"]) == (4, 1), one
    assert (two["compared"], two["errors"]) == (5, 0), two
    assert not shadowed.courier.broken
    assert any("could not be put on record" in text for text in one["reasons"])


def test_a_unit_whose_answers_can_never_be_put_on_record_is_suspended_alone(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed.write(source(), source())
    shadowed.install("total", "Book")
    bad = shadowed.courier.records[f"{shadowed.legacy_name}:total"]
    own = tally.Tally._compared

    def compared(self: Any, *args: Any, **kwargs: Any) -> None:
        if self is bad:
            raise OverflowError("too big")
        own(self, *args, **kwargs)

    monkeypatch.setattr(tally.Tally, "_compared", compared)
    for n in range(150):
        shadowed.legacy.total([n])
        shadowed.settle()
    book = shadowed.legacy.Book()
    assert [book.add(1) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert shadowed.counts("Book")["compared"] == 6
    assert "suspended after 100 answers" in shadowed.stats("total")["off"]
    assert shadowed.stats("Book")["off"] == ""


def test_times_below_zero_are_counted_as_none(shadowed: Shadowed) -> None:
    shadowed.write(source(), source())
    shadowed.install("total")
    record = next(iter(shadowed.courier.records.values()))
    record.observed_remote((), (-5, 7))
    counts = record.counters("shadow")
    assert (counts["compared"], counts["legacy_ns"], counts["candidate_ns"]) == (1, 0, 7)
