"""Fill models, ratios of real fills, and their calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from exuvia import bars, options
from exuvia.errors import OptionError
from hypothesis import given
from hypothesis import strategies as st

BID, ASK = 1.0, 1.4


@pytest.mark.parametrize(
    ("arguments", "buy", "sell"),
    [
        ({"ratio": 0.25}, 1.25, 1.15),
        ({"ratio": 0.5}, 1.30, 1.10),
        ({"ratio": 1.0}, 1.40, 1.00),
        ({"model": "width", "ratio": 0.75}, 1.30, 1.10),
        ({"model": "liquidity", "ratio": 0.5, "volume": 500}, 1.35, 1.05),
        ({"model": "liquidity", "ratio": 0.5}, 1.30, 1.10),
        ({"model": "per_leg", "ratio": 0.25, "legs": 4}, 1.2938, 1.1062),
        ({"model": "per_leg", "ratio": 0.9, "legs": 9}, 1.40, 1.00),
        ({"model": "slip", "ratio": 0.01}, 1.414, 0.99),
    ],
)
def test_models_fill_where_they_say(arguments: dict[str, Any], buy: float, sell: float) -> None:
    assert options.fill_price(BID, ASK, "buy", **arguments) == pytest.approx(buy, abs=1e-12)
    assert options.fill_price(BID, ASK, "sell", **arguments) == pytest.approx(sell, abs=1e-12)


@given(st.floats(0.01, 100), st.floats(0.001, 10), st.floats(-2, 3), st.sampled_from(["B", "sell", 1, -1]))
def test_a_ratio_gives_a_price_that_gives_the_ratio(bid: float, spread: float, ratio: float, side: str | int) -> None:
    price = options.fill_price(bid, bid + spread, side, ratio=ratio)
    assert options.fill_ratio(price, bid, bid + spread, side) == pytest.approx(ratio, abs=1e-9 * (1 + bid / spread))


def test_rows_that_cannot_be_used_say_why() -> None:
    table = pa.table(
        {
            "fill": [1.3, 1.1, 1.3, 1.0, 1.0, None, 1.3],
            "bid": [1.0, 1.0, 1.5, 1.0, 0.0, 1.0, 1.0],
            "ask": [1.4, 1.4, 1.4, 1.0, 0.0, 1.4, 1.4],
            "side": ["buy", "SELL", "b", "s", "b", "b", "short"],
        }
    )
    made = options.fill_ratio(table)
    words = ["ok", "ok", "crossed", "locked", "not_positive", "missing", "bad_side"]
    assert made["status"].to_pylist() == words
    ratio = bars.columns(made)["ratio"]
    assert ratio[:2] == pytest.approx([0.5, 0.5])
    assert np.isnan(ratio[2:]).all()
    assert made.schema.metadata_str["ok"] == "2"
    with pytest.raises(OptionError, match="^crossed: "):
        options.fill_ratio(1.0, 1.5, 1.4, "buy")


def test_the_quantity_ratio_is_another_thing() -> None:
    made = options.quantity_fill_ratio(np.array([10, 0, 5, 1]), np.array([10, 10, 10, 0]))
    assert (made["quantity"], made["skipped"]) == (0.5, 1)
    assert made["orders"] == pytest.approx(2 / 3)


def test_calibration_draws_small_buckets_to_the_centre_of_all() -> None:
    rng = np.random.default_rng(2)
    ratio = np.concatenate(
        [rng.normal(0.3, 0.1, 900), rng.normal(0.7, 0.1, 90), rng.normal(1.4, 0.1, 10), [40.0, np.nan]]
    )
    bucket = np.array(["tight"] * 900 + ["wide"] * 90 + ["very wide"] * 10 + ["tight", "wide"])
    made = options.calibrate_fill_ratio(ratio, bucket, shrink=20, seed=7)
    rows = pl.DataFrame(made).rows(named=True)
    assert [row["bucket"] for row in rows] == [None, "tight", "very wide", "wide"]
    whole, tight, very, wide = rows
    assert (whole["count"], tight["count"], very["count"], wide["count"]) == (1001, 901, 10, 90)
    clipped = np.clip(ratio[~np.isnan(ratio)], -1, 2)
    assert whole["median"] == whole["ratio"] == np.median(clipped)
    assert whole["quartiles"] == pytest.approx(np.subtract(*np.quantile(clipped, [0.75, 0.25])), rel=1e-12)
    for row in (tight, very, wide):
        n = row["count"]
        assert row["ratio"] == pytest.approx((n * row["centre"] + 20 * whole["centre"]) / (n + 20))
        assert row["low"] <= row["centre"] <= row["high"]
    assert very["ratio"] < 0.8 < very["centre"]
    again = options.calibrate_fill_ratio(ratio, bucket, shrink=20, seed=7)
    assert again == made
    assert options.calibrate_fill_ratio(ratio, bucket, shrink=20, seed=8) != made


def test_a_trimmed_mean_is_that_of_scipy_by_hand() -> None:
    ratio = np.arange(20.0) / 10
    made = bars.columns(
        options.calibrate_fill_ratio(ratio, centre="trimmed", trim=0.1, winsorise=(-9, 9), resamples=0).select(
            ["centre"]
        )
    )
    assert made["centre"][0] == pytest.approx(ratio[2:-2].mean())


@given(st.lists(st.tuples(st.integers(-4, 8).map(lambda n: n / 4), st.booleans()), min_size=1, max_size=60))
def test_the_probability_of_a_fill_is_the_best_that_does_not_fall(orders: list[tuple[float, bool]]) -> None:
    at, filled = np.array([a for a, _ in orders]), np.array([f for _, f in orders])
    made = bars.columns(options.fill_probability(at, filled))
    steps = made["probability"]
    assert (np.diff(steps) > 0).all()
    assert made["count"].sum() == len(orders)
    # The min-max formula of isotonic regression, over all blocks.
    points = np.unique(at)
    means = [[filled[(at >= low) & (at <= high)].mean() for high in points if high >= low] for low in points]
    for index, point in enumerate(points):
        best = max(min(means[low][high - low] for high in range(index, len(points))) for low in range(index + 1))
        mine = steps[np.searchsorted(made["from"], point, side="right") - 1]
        assert mine == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: options.fill_price(1, 2, "buy", model="magic"), 'model="magic" is unknown'),
        (lambda: options.fill_price(1, 2, "hold"), "side 'hold' is unknown"),
        (lambda: options.fill_price(1, 2, "buy", ratio=float("nan")), "ratio=NaN"),
        (lambda: options.calibrate_fill_ratio(0.5), "needs a column"),
        (lambda: options.calibrate_fill_ratio(np.ones(3), np.array(["a"])), "'bucket' has 1 rows"),
        (lambda: options.calibrate_fill_ratio(np.ones(3), centre="mean"), 'centre="mean" is unknown'),
        (lambda: options.calibrate_fill_ratio(np.ones(3), winsorise=(2, -1)), "ascending range"),
    ],
)
def test_what_was_asked_wrongly_is_refused_with_what_to_do(call: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        call()
