"""A ratio of times is shown with an interval, and not where the same code may come out so on two sides."""

from __future__ import annotations

import math
import random

import pytest
from exuvia.migrate.evidence.batches import CLOCK_NS, MOST, Batches
from exuvia.migrate.face import details, first
from exuvia.migrate.gates.pace import BATCHES, PLACE, Pace, pace
from exuvia.migrate.gates.verdict import UnitStatus


def timed(stream: random.Random, calls: int, faster: float, *, drift: float = 0.3, place: float = 0.0) -> Batches:
    """Times whose logarithms wander slowly, with a shift of the place beside what is really faster."""
    batches, at = Batches(), 0.0
    for _ in range(calls):
        at = 0.98 * at + stream.gauss(0.0, drift * math.sqrt(1 - 0.98**2))
        batches.add(round(50_000_000 * math.exp(at + place + stream.gauss(0.0, 0.2))), round(50_000_000 / faster))
    return batches


def of(*processes: Batches, unit: str = "bot:price") -> UnitStatus:
    state = UnitStatus(unit)
    state.counts.update({"compared": 1000})
    state.paired = [made.written() for made in processes]
    return state


def test_batches_keep_the_mean_of_all_calls_in_at_most_20_numbers() -> None:
    batches = Batches()
    for number in range(1, 1025):
        batches.add(2_000 * number - CLOCK_NS, 2_000 - CLOCK_NS)
    size, means = batches.written()
    assert (len(means) <= MOST, size * len(means)) == (True, 1024)
    expected = math.fsum(math.log(number) for number in range(1, 1025)) / 1024
    assert sum(means) / len(means) == pytest.approx(expected * 10_000, abs=1.0)


@pytest.mark.parametrize(("legacy_ns", "candidate_ns"), [(100, 480), (1_400, 500), (190, 570)])
def test_of_calls_shorter_than_a_timing_nothing_is_told(legacy_ns: int, candidate_ns: int) -> None:
    """What an empty function was measured to take in the program and in its worker."""
    batches = Batches()
    for _ in range(1_000):
        batches.add(legacy_ns, candidate_ns)
    found = pace([batches.written()])
    assert found is not None
    assert not found.shown


def test_a_time_of_nothing_is_no_error() -> None:
    batches = Batches()
    batches.add(0, 0)
    assert batches.written() == (1, [0])


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("place", [-0.35, 0.0, 0.53])
def test_the_same_code_in_two_places_shows_no_difference(seed: int, place: float) -> None:
    """As it was measured: 0.7 to 1.7 times as fast, by nothing but where it ran."""
    made = timed(random.Random(seed), 1_530, 1.0, place=place)
    found = pace([made.written()])
    assert found is not None
    assert (found.shown, str(found)) == (False, "no difference shown")


@pytest.mark.parametrize("seed", range(10))
def test_what_is_ten_times_as_fast_is_shown_and_its_interval_holds_it(seed: int) -> None:
    found = pace([timed(random.Random(seed), 1_000, 10.0).written()])
    assert found is not None
    assert found.shown
    assert 1.0 < found.low < 10.0 < found.high
    assert found.low <= found.ratio / PLACE
    assert of(timed(random.Random(seed), 1_000, 10.0)).speedup == pytest.approx(found.ratio)


def test_the_interval_without_the_places_holds_the_true_ratio_about_as_often_as_it_says() -> None:
    """Batches are nearly independent although calls are not: 200 runs."""
    held = 0
    for seed in range(200):
        found = pace([timed(random.Random(seed), 3_840, 3.0).written()])
        assert found is not None
        held += found.low * PLACE < 3.0 < found.high / PLACE
    assert 0.90 <= held / 200 <= 0.99


def test_too_few_calls_have_no_ratio() -> None:
    stream = random.Random(1)
    assert pace([timed(stream, BATCHES - 1, 50.0).written()]) is None
    assert of(timed(stream, BATCHES - 1, 50.0)).speedup is None
    assert pace([]) is None


def test_processes_that_disagree_widen_the_interval() -> None:
    alike = [timed(random.Random(seed), 1_000, 8.0, drift=0.0).written() for seed in range(6)]
    apart = [timed(random.Random(seed), 1_000, 8.0 * 2.5 ** (seed - 2.5), drift=0.0).written() for seed in range(6)]
    one, other = pace(alike), pace(apart)
    assert one is not None
    assert other is not None
    assert other.high / other.low > 4 * one.high / one.low


def test_of_a_unit_that_does_not_pass_nothing_is_said() -> None:
    state = of(timed(random.Random(1), 1_000, 10.0))
    assert state.as_dict()["speedup_interval"] is not None
    state.counts["differed"] = 1
    assert (state.pace, state.speedup, state.as_dict()["speedup_interval"]) == (None, None, None)


def test_the_first_screen_shows_a_ratio_with_its_interval_or_says_that_none_was_shown() -> None:
    stream = random.Random(1)
    same, fast, slow = (timed(stream, 1_000, faster) for faster in (1.2, 20.0, 0.05))
    alone = first.tiles([of(same)], [], None)
    assert "no difference shown" in alone
    assert "×" not in alone
    one = first.tiles([of(fast)], [], None)
    assert "as fast a call" in one
    assert "exuvia bench" in one
    several = first.tiles([of(same, unit="b:same"), of(fast, unit="b:fast"), of(slow, unit="b:slow")], [], None)
    assert "1 of 3" in several
    assert "fast " in several
    assert "slower: b:slow" in several
    assert first._pace([UnitStatus("b:none")]) == []


def test_the_table_of_units_says_that_the_sides_ran_in_different_processes() -> None:
    stream = random.Random(1)
    page = details.units([of(timed(stream, 1_000, 1.0)), of(timed(stream, 1_000, 20.0)), UnitStatus("b:none")])
    assert page.count("no difference shown") == 1
    assert details.PLACES in page
    assert "different processes" in details.PLACES
    assert details.PLACES not in details.units([UnitStatus("b:none")])


@pytest.mark.parametrize(("low", "high", "shown"), [(1.03, 6.6, False), (1.06, 6.9, True), (0.2, 0.997, False)])
def test_an_interval_that_reads_as_reaching_one_shows_nothing(low: float, high: float, shown: bool) -> None:
    found = Pace((low * high) ** 0.5, low, high, 1000)
    assert (found.shown, "no difference" in str(found)) == (shown, not shown)
