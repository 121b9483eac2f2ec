"""What comes in the middle of observing an object: a handler that raises, or that calls units, at any place of it."""

from __future__ import annotations

import asyncio
import gc
import signal

import pytest
from exuvia.migrate.evidence import tally
from exuvia.migrate.shadow import courier, following, lane, twin
from interrupting import MODES, STATE, At, Stop, at, source
from shadowing import Shadowed, shadowed

__all__ = ["at", "shadowed"]

PLACES = [
    (following, "packed"), (following, "changed"), (following, "context_key"), (following, "packed_raised"),
    (following, "perf_counter_ns"), (following, "spent_on"), (lane.Lane, "put"), (courier.Courier, "ring"),
    (following.Following, "_came"), (following.Following, "_before"), (following.Following, "_put"),
]  # fmt: skip


@MODES
@pytest.mark.parametrize("state", ["", STATE], ids=["no state", "state"])
def test_what_a_handler_raises_in_the_middle_of_observing_an_object_reaches_the_program_and_is_no_difference(
    shadowed: Shadowed, at: At, mode: str, more: str, state: str
) -> None:
    shadowed.write(source(state), source(state))
    places = at.places(PLACES)
    shadowed.install("Book", mode=mode, more=more)
    stops: set[tuple[str, bool]] = set()
    for place in places:
        for method in ("add", "fail"):
            book = shadowed.legacy.Book()
            for step in range(4):
                before, fired = book.count, at.fired
                at.armed = place if step == 2 else None
                try:
                    assert getattr(book, method)(5) == before + 5
                except ValueError:
                    assert (method, fired) == ("fail", at.fired)
                except Stop:
                    stops.add(place)
                    assert at.fired == fired + 1
                else:
                    assert at.fired == fired, place
                at.armed = None
            assert book.add(1) == book.count
        counts = shadowed.counts("Book")
        assert (counts["differed"], counts["cascades"], counts["errors"]) == (0, 0, 0), (place, counts["places"])
        assert not any("two threads" in text for text in counts["reasons"]), (place, counts["reasons"])
    assert not [place for place in places if place not in stops and place[0] != "ring"]
    other = shadowed.legacy.Book()
    assert [other.add(1) for _ in range(3)] == [1, 2, 3]
    later = shadowed.counts("Book")
    assert later["compared"] == counts["compared"] + 4, later["reasons"]
    assert shadowed.mode("Book") == mode


@MODES
def test_a_handler_that_calls_the_object_in_the_middle_of_observing_it_makes_no_difference(
    shadowed: Shadowed, at: At, mode: str, more: str
) -> None:
    shadowed.write(source(STATE), source(STATE))
    places = at.places([place for place in PLACES if place[1] not in ("packed_raised", "ring")])
    shadowed.install("Book", "total", mode=mode, more=more)
    at.handler = lambda: (book.push(7), shadowed.legacy.total([1, 2]), shadowed.legacy.Book().add(1))
    for place in places:
        book, fired = shadowed.legacy.Book(), at.fired
        for step in range(6):
            at.armed = place if step in (2, 4) else None
            assert len(book.push(step)) >= step + 1
        at.armed = None
        assert (at.fired, len(book.rows)) == (fired + 2, 8)
        counts = shadowed.counts("Book")
        assert (counts["differed"], counts["cascades"], counts["errors"]) == (0, 0, 0), (place, counts["places"])
        assert book.push(1)[-1] == 1
        after = shadowed.counts("Book")
        assert (after["compared"], after["differed"]) == (counts["compared"] + 1, 0), (place, after["reasons"])
    assert tally.NESTED in after["reasons"]
    assert shadowed.mode("Book") == mode


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_handler_that_calls_the_object_while_its_method_runs_is_no_part_of_that_call(
    shadowed: Shadowed, at: At, isolation: str
) -> None:
    text = source(steps=isolation == "process")
    shadowed.write(text, text)
    shadowed.install("Book", more=f'isolation = "{isolation}"')
    book = shadowed.legacy.Book()
    at.handler = lambda: book.add(100)
    book.add(1)
    shadowed.legacy.HOOK = lambda: signal.raise_signal(signal.SIGALRM)
    assert book.hold(1, None) == 103
    shadowed.legacy.HOOK = lambda: None
    assert book.add(1) == 104
    counts = shadowed.counts("Book")
    assert (counts["differed"], counts["compared"]) == (0, 2), counts["places"]
    assert tally.NESTED in counts["reasons"]
    assert "hold: " + following.BETWEEN in counts["reasons"]
    other = shadowed.legacy.Book()
    assert other.add(1) == 1
    assert shadowed.counts("Book")["compared"] == 4


def test_calls_of_an_object_on_itself_are_still_part_of_its_call(shadowed: Shadowed) -> None:
    text = "class Book:\n    def outer(self, n): return self.inner(n) + 1\n    def inner(self, n): return n\n"
    shadowed.write(text, text)
    shadowed.install("Book")
    book = shadowed.legacy.Book()
    assert [book.outer(n) for n in range(5)] == [1, 2, 3, 4, 5]
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["skipped"], counts["differed"]) == (6, 0, 0), counts["reasons"]


TWIN_PLACES = [
    (twin, "copy_arguments"), (twin, "served"), (twin, "compare_call"), (twin, "run_contained"), (twin, "spent_on"),
    (twin.TwinMaker, "_observed"), (twin.TwinMaker, "_candidate"), (tally.Tally, "_compared"),
]  # fmt: skip


@pytest.mark.parametrize("raises", [True, False], ids=["raises", "calls"])
def test_a_handler_in_the_middle_of_observing_an_object_in_the_callers_thread_makes_no_difference(
    shadowed: Shadowed, at: At, raises: bool
) -> None:
    text = source(steps=False)
    shadowed.write(text, text)
    places = at.places(TWIN_PLACES)
    shadowed.install("Book", more='isolation = "thread"')
    if not raises:
        at.handler = lambda: book.add(100)
    for place in places:
        book, fired, stops = shadowed.legacy.Book(), at.fired, 0
        for step in range(6):
            at.armed = place if step == 3 else None
            before = book.count
            try:
                assert book.add(1) in (before + 1, before + 101)
            except Stop:
                stops += 1
        assert at.fired == fired + 1, place
        assert stops == (1 if raises else 0)
        counts = shadowed.counts("Book")
        assert (counts["differed"], counts["cascades"], counts["errors"]) == (0, 0, 0), (place, counts["places"])
        assert not any("two threads" in text for text in counts["reasons"]), (place, counts["reasons"])
    other = shadowed.legacy.Book()
    assert [other.add(1) for _ in range(3)] == [1, 2, 3]
    assert shadowed.counts("Book")["compared"] == counts["compared"] + 4


@MODES
def test_a_generator_or_async_call_that_an_alarm_broke_off_leaves_its_object_comparable(
    shadowed: Shadowed, at: At, mode: str, more: str
) -> None:
    shadowed.write(source(STATE), source(STATE))
    (_, opened) = at.places([(following.Following, "opened")])
    shadowed.install("Book", mode=mode, more=more)
    book = shadowed.legacy.Book()
    at.armed = opened
    with pytest.raises(Stop):
        list(book.each(3))
    at.armed = opened
    with pytest.raises(Stop):
        asyncio.run(book.wait(1))
    gc.collect()
    expected = book.count
    assert book.add(1) == expected + 1
    assert list(book.each(2)) == [expected + 2, expected + 3]
    assert asyncio.run(book.wait(1)) == expected + 4
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["differed"]) == (4, 0), (counts["places"], counts["reasons"])
