"""Divergences that real rewrites had and nobody saw: each is named by kind and path."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import struct
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pytest
from exuvia.migrate import compare
from exuvia.migrate.comparator.comparing import sum_bound


def one(legacy: object, candidate: object, rules: dict[str, str] | None = None) -> tuple[str, str]:
    verdict = compare(legacy, candidate, rules)
    assert verdict.total == 1, verdict.differences
    return verdict.differences[0].path, verdict.differences[0].kind


def legacy_round_to_tick(price: float, tick: float) -> float:
    """As a real system had it: rounds to the decimals of the tick, not to its multiples."""
    return round(price, len(repr(tick).partition(".")[2]))


def round_to_tick(price: float, tick: float) -> float:
    return round(price / tick) * tick


def test_a_price_that_legacy_rounds_off_the_grid_differs_even_under_a_rule_of_ticks() -> None:
    legacy, candidate = legacy_round_to_tick(25299.80, 0.25), round_to_tick(25299.80, 0.25)
    assert (legacy, candidate) == (25299.8, 25299.75)
    assert one({"limit": legacy}, {"limit": candidate}) == ("$.limit", "value")
    assert one({"limit": legacy}, {"limit": candidate}, {"$.limit": "tick:0.25"}) == ("$.limit", "tolerance-exceeded")
    prices = (Decimal("25299.80"), Decimal("25299.75"))
    assert one(*prices, {"$": "tick:0.25"}) == ("$", "tolerance-exceeded")
    assert one(np.array([legacy]), np.array([candidate]), {"$": "tick:0.25"}) == ("$[0]", "tolerance-exceeded")


def test_a_high_of_zero_that_or_turns_into_the_open_differs() -> None:
    bar = {"open": 1.5, "high": 0.0}
    legacy = {**bar, "high": bar["high"] or bar["open"]}
    candidate = {**bar, "high": bar["open"] if bar["high"] is None else bar["high"]}
    assert one([legacy], [candidate]) == ("$[0].high", "value")
    assert one([legacy], [candidate], {"$[*].high": "tick:0.25"}) == ("$[0].high", "tolerance-exceeded")


def test_a_price_that_went_through_32_bits_differs() -> None:
    (narrow,) = struct.unpack("<f", struct.pack("<f", 1.10003))
    assert one({"price": 1.10003}, {"price": narrow}) == ("$.price", "value")
    assert one({"price": 1.10003}, {"price": narrow}, {"$.price": "ulp:4"}) == ("$.price", "tolerance-exceeded")
    assert one(np.array([1.5]), np.array([1.5], "f4")) == ("$", "type")
    assert one(np.float64(1.5), np.float32(1.5)) == ("$", "type")


def test_a_hash_of_text_differs_from_a_hash_of_bytes() -> None:
    number = 1_399_420_800
    legacy = hashlib.sha256(str(number).encode()).hexdigest()
    candidate = hashlib.sha256(struct.pack("<q", number)).hexdigest()
    assert one({"key": legacy}, {"key": candidate}) == ("$.key", "value")
    assert one({"key": "ab"}, {"key": b"ab"}) == ("$.key", "type")


def test_nan_in_another_place_of_a_sorted_list_differs() -> None:
    values = [2.0, math.nan, 1.0]
    legacy = sorted(values)
    candidate = sorted(values, key=lambda value: (math.isnan(value), value))
    verdict = compare({"ranks": legacy}, {"ranks": candidate})
    assert (verdict.differences[0].path, verdict.differences[0].kind) == ("$.ranks", "order-only")
    assert one([math.nan], [1.0], {"$[*]": "abs:1e9"}) == ("$[0]", "tolerance-exceeded")
    verdict = compare(np.array(legacy), np.array(candidate))
    assert {(found.path, found.kind) for found in verdict.differences} <= {(f"$[{n}]", "value") for n in range(3)}
    assert verdict.total >= 2


@pytest.mark.parametrize("pair", [(str(1e16), "10000000000000000.0"), (str(1e-5), "0.00001"), (str(1.0), "1")])
def test_the_text_of_a_float_is_part_of_the_interface(pair: tuple[str, str]) -> None:
    assert one({"price": pair[0]}, {"price": pair[1]}) == ("$.price", "value")


def test_the_text_of_a_time_is_part_of_the_interface() -> None:
    whole = dt.datetime(2014, 5, 7, 8, tzinfo=dt.UTC)
    assert one({"ts": whole.isoformat()}, {"ts": "2014-05-07T08:00:00Z"}) == ("$.ts", "value")
    assert one({"ts": whole.isoformat()}, {"ts": whole.isoformat(timespec="microseconds")}) == ("$.ts", "value")
    assert one({"ts": whole}, {"ts": whole.isoformat()}) == ("$.ts", "type")


def test_the_order_of_keys_is_noted_and_its_text_differs() -> None:
    legacy, candidate = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    verdict = compare({"row": legacy}, {"row": candidate})
    assert verdict.equal
    assert verdict.notes == ["$.row: keys in another order"]
    assert one({"text": str(legacy)}, {"text": str(candidate)}) == ("$.text", "value")
    assert one(list(legacy), list(candidate)) == ("$", "order-only")


def test_half_to_even_differs_from_half_up() -> None:
    amount, cent = Decimal("2.665"), Decimal("0.01")
    legacy, candidate = amount.quantize(cent, ROUND_HALF_EVEN), amount.quantize(cent, ROUND_HALF_UP)
    assert one({"fee": legacy}, {"fee": candidate}) == ("$.fee", "value")
    rules = {"$.fee": "quantum:0.01"}
    assert one({"fee": legacy}, {"fee": candidate}, rules) == ("$.fee", "tolerance-exceeded")
    assert one(round(0.5), math.floor(0.5 + 0.5)) == ("$", "value")
    assert one({"price": round(2.5)}, {"price": 3}, {"$.price": "tick:1"}) == ("$.price", "tolerance-exceeded")


def test_floor_differs_from_truncation_below_zero() -> None:
    legacy, candidate = -7 // 2, int(-7 / 2)
    assert one({"ticks": legacy}, {"ticks": candidate}) == ("$.ticks", "value")
    assert one({"bar": math.floor(-0.5)}, {"bar": math.trunc(-0.5)}) == ("$.bar", "value")


def test_true_is_not_one_under_any_rule_for_numbers() -> None:
    assert one({"done": True}, {"done": 1}) == ("$.done", "type")
    assert one({"done": True}, {"done": 1}, {"$.done": "number"}) == ("$.done", "type")
    assert one(np.array([True]), np.array([1])) == ("$", "type")


def test_negative_zero_differs_unless_a_tolerance_is_declared() -> None:
    assert one({"gain": 0.0}, {"gain": -0.0}) == ("$.gain", "value")
    assert one(np.array([0.0]), np.array([-0.0])) == ("$[0]", "value")
    assert compare({"gain": 0.0}, {"gain": -0.0}, {"$.gain": "ulp:0"}).equal


def test_a_rate_the_wrong_way_round_hides_only_where_the_test_says_one() -> None:
    def legacy(amount: float, rate: float) -> float:
        return amount * rate

    def candidate(amount: float, rate: float) -> float:
        return amount / rate

    assert compare(legacy(100.0, 1.0), candidate(100.0, 1.0)).equal
    assert one({"hkd": legacy(100.0, 7.8)}, {"hkd": candidate(100.0, 7.8)}) == ("$.hkd", "value")


def test_volume_that_is_cumulative_and_was_added_again_differs() -> None:
    day = [100, 250, 300]
    legacy = sum(day)
    candidate = day[-1]
    assert one({"volume": legacy}, {"volume": candidate}) == ("$.volume", "value")


def pairwise(values: np.ndarray[Any, Any]) -> float:
    return float(np.add.reduce(values))


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 127, 128, 129, 1000, 4097, 100_000])
def test_sums_of_the_same_numbers_stay_inside_of_their_bound(count: int) -> None:
    rng = np.random.default_rng(count)
    for scale in (1e-12, 1.0, 1e12):
        values = rng.normal(0, scale, count) * np.exp(rng.normal(0, 8, count))
        total = math.fsum(abs(values)) * (1 + 1e-12)
        exact, forward, tree = math.fsum(values), 0.0, pairwise(values)
        for value in values.tolist():
            forward += value
        for way, result in (("any", forward), ("pairwise", tree)):
            bound = sum_bound(way, "compensated", count, total)
            assert abs(result - exact) <= bound
            rules = {"$.vwap": f"sum:{way}+compensated(n={count}, total={total!r})"}
            assert compare({"vwap": result}, {"vwap": exact}, rules).equal
            off = {"vwap": exact + 3 * bound + 2 * math.ulp(exact)}
            assert one({"vwap": result}, off, rules) == ("$.vwap", "tolerance-exceeded")


def test_a_bound_of_pairwise_sums_is_far_below_that_of_any_order() -> None:
    assert sum_bound("any", "any", 1_000_000, 1.0) > 1e4 * sum_bound("pairwise", "pairwise", 1_000_000, 1.0)
    with pytest.raises(ValueError, match="no way of adding"):
        sum_bound("neat", "any", 3, 1.0)
