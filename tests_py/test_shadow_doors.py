"""A function's lane to the worker is made at its first observed call; the worker is told of every unit as it starts."""

from __future__ import annotations

import collections
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from exuvia.migrate import binary, runtime
from exuvia.migrate.shadow import protocol, sampling
from exuvia.migrate.shadow.courier import Courier
from shadowing import Shadowed, shadowed

if TYPE_CHECKING:
    import pytest
    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.shadow.door import Door
    from exuvia.migrate.shadow.lane import Lane
    from exuvia.migrate.shadow.protocol import Side

__all__ = ["shadowed"]

DESK = "def price(n):\n    return n * 2\ndef other(n):\n    return n + 1\n"


def opened(shadowed: Shadowed) -> list[tuple[str, bool]]:
    """The units whose lanes are open, in the worker's order, each with whether legacy runs there."""
    return [(lane.unit.qualname, lane.side.reverse) for lane in shadowed.courier.lanes]


def test_install_makes_no_lane_and_the_first_call_of_a_unit_makes_its_own(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed.write(DESK, DESK)
    shadowed.install("price", "other")
    assert opened(shadowed) == []
    begun: list[list[tuple[str, bool]]] = []
    own = Courier.open_all

    def noting(self: Courier) -> None:
        begun.append(opened(shadowed))
        own(self)

    monkeypatch.setattr(Courier, "open_all", noting)
    assert shadowed.legacy.other(1) == 2
    assert shadowed.counts("other")["compared"] == 1
    assert begun[0] == [("other", False)]


def test_the_worker_is_told_of_every_unit_as_it_starts(shadowed: Shadowed) -> None:
    shadowed.write(DESK, DESK.replace("+ 1", "+ 2"))
    shadowed.install("price", "other")
    shadowed.legacy.other(1)
    shadowed.settle()
    courier = shadowed.courier
    assert sorted(opened(shadowed)) == [(name, reverse) for name in ("other", "price") for reverse in (False, True)]
    assert courier._told == len(courier.lanes) == 4, "none is told of later"
    assert [lane.index for lane in courier.lanes] == [0, 1, 2, 3]
    shadowed.legacy.price(1)
    assert (shadowed.counts("price")["differed"], shadowed.counts("other")["differed"]) == (0, 1)


def test_threads_that_come_first_at_once_open_one_lane(shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch) -> None:
    shadowed.write(DESK, DESK)
    shadowed.install("price")
    courier = shadowed.courier
    door: Door = next(door for door in courier.doors if not door.reverse)
    found: list[Lane] = []
    own = Courier.lane

    def slow(self: Courier, unit: UnitConfig, side: Side) -> Lane:
        time.sleep(0.05)
        return own(self, unit, side)

    monkeypatch.setattr(Courier, "lane", slow)
    threads = [threading.Thread(target=lambda: found.append(door.open())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20.0)
    assert [id(lane) for lane in found] == [id(door.lane)] * 4
    assert [lane.unit.qualname for lane in courier.lanes] == ["price"]


def test_a_lane_that_opens_while_a_batch_is_made_is_told_to_the_worker_before_its_samples(shadowed: Shadowed) -> None:
    shadowed.write(DESK, DESK)
    shadowed.install("price")
    courier = shadowed.courier
    courier._told = len(shadowed.lanes)
    late: list[Lane] = []

    class Between(collections.deque[Any]):
        """Asked after the units are told and before the samples are gathered: in between a call opens a lane."""

        def __len__(self) -> int:
            if not late:
                late.append(courier.door(courier.lanes[0].unit, "a:b", (), reverse=False).open())
                late[0].samples.append((protocol.CALL, late[0].index, 0, "", b"", None, b"", False, 0, None, None))
            return 0

    courier.again = Between()
    first, second = courier._batch(), courier._batch()
    late[0].flying = 0
    assert first == []
    assert [(lane.index, sample[0]) for lane, sample in second] == [(2, protocol.SIDE), (2, protocol.CALL)]


def test_a_call_that_opens_its_lane_after_the_courier_has_stopped_is_counted_as_dropped(shadowed: Shadowed) -> None:
    shadowed.write(DESK, DESK)
    shadowed.install("price", "other")
    shadowed.legacy.price(1)
    shadowed.settle()
    courier = shadowed.courier
    courier.stop(5.0)
    late = courier.door(courier.lanes[0].unit, "a:b", (), reverse=False).open()
    assert (late.off, late.limit) == ("the courier has stopped", 0)


def test_where_no_worker_can_be_started_every_unit_says_so_also_one_that_was_not_called(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binary, "exchanged", lambda: "another build lies there: restart")
    shadowed.write(DESK, DESK)
    shadowed.install("price", "other")
    shadowed.legacy.price(1)
    shadowed.settle()
    said = {line["what"].partition(":")[2] for line in shadowed.kept("trouble")}
    assert said == {f"{name}: shadow off: another build lies there: restart" for name in ("price", "other")}
    current: Any = runtime._current
    assert current.courier.notes(f"{shadowed.legacy_name}:other")
    late = current.courier.door(current.courier.lanes[0].unit, "a:b", (), reverse=False).open()
    assert (late.off, late.limit) == ("another build lies there: restart", 0)


def test_a_call_too_deep_to_open_a_lane_is_served_and_the_next_one_opens_it(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed.write(DESK, DESK)
    shadowed.install("price")

    def deep(self: Any, door: Door) -> Lane:
        raise RecursionError

    with monkeypatch.context() as patched:
        patched.setattr(Courier, "opened", deep)
        assert shadowed.legacy.price(1) == 2
    assert opened(shadowed) == []
    assert shadowed.legacy.price(2) == 4
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["reasons"]) == (1, {sampling.DEEP: 1})


def test_the_first_observed_call_opens_its_lane_in_few_calls_of_python(shadowed: Shadowed) -> None:
    shadowed.write(DESK, DESK)
    shadowed.install("price")
    door: Door = shadowed.courier.doors[0]
    calls = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    door.open()
    sys.setprofile(None)
    assert 3 < calls < 40
