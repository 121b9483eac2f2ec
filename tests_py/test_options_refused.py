"""Every setting of the analytics that is out of its range is refused by name, and odd columns are read or refused."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from exuvia import bars, options
from exuvia.errors import OptionError, SchemaError
from exuvia.options import Profile, Regime

CHAIN: dict[str, Any] = {
    "right": np.array(["C", "C", "P", "P"]),
    "strike": np.array([100.0, 105.0, 100.0, 95.0]),
    "open_interest": np.array([1000, 2000, 1500, 2500]),
    "gamma": np.array([0.06, 0.04, 0.06, 0.035]),
    "iv": np.array([0.2, 0.21, 0.2, 0.23]),
    "years": np.full(4, 0.1),
}
THREE = np.ones(3)


def profile(**settings: Any) -> Any:
    return lambda: options.gex(CHAIN, 100.0, flip="profile", profile=Profile(**settings))


def regime(*rules: tuple[str, float, str], **settings: Any) -> Any:
    return lambda: options.gex(CHAIN, 100.0, regime=Regime(rules, "none", **settings))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (profile(widths=()), r"profile widths=\[\]: use fractions"),
        (profile(widths=(0.2, 1.5)), r"profile widths=\[0.2, 1.5\]"),
        (profile(margin=1.0), "margin=1, floor=0.02: use fractions"),
        (profile(floor=-0.1), "floor=-0.1: use fractions"),
        (profile(weight="linear", weight_days=0.0), "profile weight_days=0: use a positive number"),
        (profile(weight="square"), 'profile weight="square" is unknown: use full, linear'),
        (regime(on="volume"), 'regime on="volume" is unknown: use net'),
        (regime(divisor=0.0), "regime divisor=0: use a positive number"),
        (regime((">", float("nan"), "x")), "rule .*x.* has the threshold NaN"),
        (regime(("==", 0.0, "x")), 'regime rule="==" is unknown: use >'),
        (lambda: options.gex(CHAIN, 100.0, wall_by="volume"), 'wall_by="volume" is unknown'),
        (lambda: options.gex(CHAIN, 100.0, threads=0), "threads=0"),
        (lambda: options.gex(CHAIN | {"symbol": np.array(["A"])}, 100.0), "'symbol' has 1 rows, but 'strike' has 4"),
        (lambda: options.atm_iv(CHAIN, 100.0, strikes="band", band=-1.0), "band=-1: use a fraction"),
        (lambda: options.atm_iv(CHAIN | {"symbol": np.array(["A"])}, 100.0), "'symbol' has 1 rows"),
        (lambda: options.iv_rank(THREE, days=-1.0), "days=-1: use a positive number"),
        (lambda: options.iv_rank(THREE, floor=0.0), "floor=0: use a positive range"),
        (lambda: options.iv_rank(THREE, ts=np.array([1, 2])), "'ts' has 2 rows, but 'iv' has 3"),
        (lambda: options.greeks(0.2, 100, 100, 1.0, "C", units="desk", days=0.0), "days=0: a year has 365"),
        (lambda: options.calibrate_fill_ratio(THREE, centre="trimmed", trim=0.5), "trim=0.5: use a share below"),
        (lambda: options.calibrate_fill_ratio(THREE, resamples=1_000_001), "at most a million"),
        (lambda: options.fill_price(1, 2, "buy", reference=0.0), "reference=0, .*reference above 0"),
        (lambda: options.fill_ratio(1.5, 2.0, 1.0, "buy"), "^crossed: no ratio of bid 2, ask 1"),
        (lambda: options.fill_probability(THREE, np.ones(2)), "has 2 rows"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_with_what_to_do(call: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        call()


def net(chain: Any, spot: Any = 100.0) -> float:
    value: float = options.gex(chain, spot)["net"]
    return value


def test_a_weight_of_the_profile_is_a_weight_and_full_is_none() -> None:
    flips = {
        weight: options.gex(CHAIN, 100.0, flip="profile", profile=Profile(weight=weight, weight_days=90.0))["flip"]
        for weight in ("full", "linear", "root", "exponential")
    }
    # All contracts have the same days: they count less, and change sign at the same spot.
    assert all(flip == pytest.approx(flips["full"]) for flip in flips.values())


@pytest.mark.parametrize(
    ("against", "threshold", "label"),
    [(">", -1.0, "above"), (">=", -375_000.0, "above"), ("<", 0.0, "below"), ("<=", -375_000.0, "below")],
)
def test_a_regime_is_the_first_rule_that_holds(against: str, threshold: float, label: str) -> None:
    value = net(CHAIN)
    holds = {
        ">": value > threshold,
        ">=": value >= threshold,
        "<": value < threshold,
        "<=": value <= threshold,
    }[against]
    made = options.gex(CHAIN, 100.0, regime=Regime(((against, threshold, label),), "otherwise"))
    assert made["regime"] == (label if holds else "otherwise")
    shares = Regime(((against, threshold / 1e4, label),), "otherwise", on="net_over_spot_squared")
    assert options.gex(CHAIN, 100.0, regime=shares)["regime"] == (label if holds else "otherwise")


@pytest.mark.parametrize(
    "expiries",
    [
        np.array([30, 7, 30, 7], np.uint16),
        np.array([30.5, 7.25, 30.5, 7.25]),
        np.array(["2026-03-20", "2026-02-20", "2026-03-20", "2026-02-20"], "M8[D]"),
        np.array(["b", "a", "b", "a"], object),
        pa.chunked_array([["b", "a"], ["b", "a"]]),
        pa.array(["b", "a", "b", "a"]).dictionary_encode(),
        pa.array([datetime.date(2026, 3, 20), datetime.date(2026, 2, 20)] * 2),
        pa.chunked_array([pa.array(["b", "a"]).dictionary_encode(), pa.array(["b", "a"]).dictionary_encode()]),
    ],
)
def test_expiries_of_any_type_are_told_apart_in_their_order(expiries: Any) -> None:
    made = pl.DataFrame(options.gex(CHAIN | {"expiry": expiries}, 100.0).expiries)
    by_expiry = [net({name: column[rows] for name, column in CHAIN.items()}) for rows in ([1, 3], [0, 2])]
    assert made["net"].to_list() == pytest.approx(by_expiry)


def test_a_name_that_is_no_text_is_refused_and_none_is_a_group_of_its_own() -> None:
    symbols = np.array(["A", None, "A", None], object)
    spots = {"A": 100.0, "null": 101.0}
    made = pl.DataFrame(options.gex(CHAIN | {"symbol": symbols}, spots).total)
    assert made["spot"].to_list() == [100.0, 101.0]
    symbols[1] = ("B",)
    with pytest.raises(SchemaError, match=r"column 'symbol' has \('B',\), expected text, whole numbers or times"):
        options.gex(CHAIN | {"symbol": symbols}, 100.0)


def test_no_chunk_of_names_is_no_row() -> None:
    empty: dict[str, Any] = {name: column[:0] for name, column in CHAIN.items()}
    made = options.gex(empty | {"symbol": pa.chunked_array([], pa.string())}, 100.0)
    assert (made.total.num_rows, made.strikes.num_rows) == (0, 0)


def test_stamps_of_a_history_may_be_dates_of_any_library() -> None:
    days = pd.date_range("2026-01-01", periods=40)
    iv = np.linspace(0.2, 0.4, 40) + np.sin(np.arange(40)) / 20
    wanted = bars.columns(options.iv_rank(iv, ts=days.as_unit("ns").asi8, days=20, least=1))["rank"]
    for stamps in (
        pa.array(days.date),
        pa.array(days.date).cast(pa.date64()),
        days.to_numpy().astype("M8[D]"),
        days.to_numpy().astype("M8[s]"),
        pa.chunked_array([pa.array(days.date[:10]), pa.array(days.date[10:])]),
    ):
        made = bars.columns(options.iv_rank(iv, ts=stamps, days=20, least=1))["rank"]
        assert np.array_equal(made, wanted, equal_nan=True)


def test_a_right_may_be_a_truth_and_an_object_of_no_meaning_says_so() -> None:
    given = (8.0, 100.0, 100.0, 0.5)
    assert options.implied_volatility(*given, True) == options.implied_volatility(*given, "C")
    assert options.implied_volatility(*given, False) == options.implied_volatility(*given, "p")
    rights = np.array(["C", 1, object(), None], object)
    made = options.implied_volatility(*(np.full(4, value) for value in given), rights)
    assert made["status"].to_pylist() == ["ok", "ok", "bad_right", "missing"]
    with pytest.raises(SchemaError, match="column 'right' is a object"):
        options.implied_volatility(*given, object())


def test_words_for_a_right_of_no_row_are_none() -> None:
    made = options.implied_volatility(*(np.array([]) for _ in range(4)), np.array([], "U1"))
    assert made.num_rows == 0


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array(["8.0"]), "column 'price' is Utf8, expected numbers: convert it first"),
        (pa.array([[8.0]]), "column 'price' is List"),
        (np.array([8.0 + 1j]), "column 'price' is complex128, expected numbers"),
        (np.array(["2026-01-01"], "M8[D]"), r"column 'price' is datetime64\[D\], expected numbers"),
    ],
)
def test_a_column_without_numbers_is_refused_by_its_type(column: Any, words: str) -> None:
    with pytest.raises(SchemaError, match=words):
        options.implied_volatility(column, 100.0, 100.0, 0.5, "C")


def test_single_numbers_say_why_there_is_no_answer() -> None:
    for arguments, words in (
        ((8.0, 100.0, 100.0, 0.0, "C"), "^bad_time: "),
        ((200.0, 100.0, 100.0, 0.5, "C"), "^above_bound: "),
        ((float("nan"), 100.0, 100.0, 0.5, "C"), "^missing: "),
    ):
        with pytest.raises(OptionError, match=words):
            options.implied_volatility(*arguments)
