"""Indicators against pandas and plain Python, their state, and what they refuse."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from exuvia import indicators
from exuvia.errors import BarError, SchemaError
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

PRICES = st.lists(st.floats(-1e6, 1e6), max_size=80)
PERIODS = st.integers(1, 25)


@given(PRICES, PERIODS)
def test_a_simple_average_is_the_mean_of_the_window(prices: list[float], period: int) -> None:
    made = indicators.sma(np.array(prices), period).tolist()
    for row, found in enumerate(made):
        if row + 1 < period:
            assert math.isnan(found)
        else:
            window = prices[row + 1 - period : row + 1]
            exact = math.fsum(window) / period
            assert found == pytest.approx(exact, rel=1e-12, abs=1e-9)


@given(PRICES, PERIODS)
def test_an_exponential_average_is_that_of_pandas(prices: list[float], period: int) -> None:
    made = indicators.ema(np.array(prices), period, seed="first")
    wanted = pd.Series(prices, dtype=float).ewm(span=period, adjust=False).mean().to_numpy()
    np.testing.assert_allclose(made, wanted, rtol=1e-9, atol=1e-6)


@given(PRICES, PERIODS)
def test_rolling_extremes_are_those_of_pandas(prices: list[float], period: int) -> None:
    rolling = pd.Series(prices, dtype=float).rolling(period)
    np.testing.assert_array_equal(indicators.rolling_max(np.array(prices), period), rolling.max())
    np.testing.assert_array_equal(indicators.rolling_min(np.array(prices), period), rolling.min())


@given(PRICES, PERIODS)
def test_a_range_is_wilders(prices: list[float], period: int) -> None:
    close = np.array(prices)
    made = indicators.atr(close + 1.5, close - 0.5, close, period).tolist()
    wanted: list[float] = []
    ranges: list[float] = []
    for row, price in enumerate(prices):
        if row:
            before = prices[row - 1]
            high, low = price + 1.5, price - 0.5
            ranges.append(max(high - low, abs(high - before), abs(low - before)))
        if len(ranges) < period or not row:
            wanted.append(math.nan)
        elif len(ranges) == period:
            wanted.append(math.fsum(ranges) / period)
        else:
            wanted.append((wanted[-1] * (period - 1) + ranges[-1]) / period)
    np.testing.assert_allclose(made, wanted, rtol=1e-9, atol=1e-6)


ONE_BY_ONE: list[Callable[[], Any]] = [
    lambda: indicators.Sma(5),
    lambda: indicators.Ema(5),
    lambda: indicators.Ema(5, seed="first"),
    lambda: indicators.RollingMax(5),
    lambda: indicators.RollingMin(5),
    lambda: indicators.Atr(5),
]


def push(indicator: Any, price: float) -> float | None:
    found: float | None
    if isinstance(indicator, indicators.Atr):
        found = indicator.push(price + 1, price - 1, price)
    else:
        found = indicator.push(price)
    return found


@pytest.mark.parametrize("make", ONE_BY_ONE)
@given(prices=st.lists(st.floats(-1e6, 1e6), max_size=30), stop=st.integers(0, 30))
def test_a_pickled_indicator_goes_on_as_if_nothing_had_been(
    make: Callable[[], Any], prices: list[float], stop: int
) -> None:
    through = make()
    for price in prices[:stop]:
        push(through, price)
    resumed = pickle.loads(pickle.dumps(through))
    assert (resumed.value, resumed.period, type(resumed)) == (through.value, 5, type(through))
    assert copy.copy(through).value == through.value
    for price in prices[stop:]:
        assert push(resumed, price) == push(through, price)


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (BarError, "'values' has NaN in row 1", lambda: indicators.sma(np.array([1.0, math.nan]), 1)),
        (BarError, "'values' has inf in row 0", lambda: indicators.ema(np.array([math.inf]), 1)),
        (BarError, "'values' has -inf in row 0", lambda: indicators.rolling_max(np.array([-math.inf]), 1)),
        (BarError, "period=0 is no size", lambda: indicators.sma(np.array([1.0]), 0)),
        (BarError, "period=0 is no size", lambda: indicators.RollingMin(0)),
        (BarError, 'seed="last" is unknown', lambda: indicators.Ema(3, seed="last")),
        (
            BarError,
            "row 0 has a high of 1 below its low of 2",
            lambda: indicators.atr(np.array([1.0]), np.array([2.0]), np.array([1.0])),
        ),
        (
            BarError,
            "'low' has 0 rows",
            lambda: indicators.atr(np.array([1.0]), np.array([], float), np.array([1.0])),
        ),
        (BarError, "high 1 is below low 2", lambda: indicators.Atr(3).push(1.0, 2.0, 1.0)),
        (BarError, "value NaN is not finite", lambda: indicators.Sma(3).push(math.nan)),
        (BarError, "is null in row 1", lambda: indicators.sma(pa.array([1.0, None]), 1)),
        (SchemaError, "'values' is int64, expected float64", lambda: indicators.sma(np.array([1, 2]), 1)),
        (SchemaError, "'values' is a list", lambda: indicators.sma([1.0], 1)),  # type: ignore[call-overload]
    ],
)
def test_what_is_wrong_is_refused_with_its_place_and_value(
    error: type[Exception], message: str, call: Callable[[], object]
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_refused_value_leaves_the_indicator_as_it_was() -> None:
    sma = indicators.Sma(2)
    sma.push(1.0)
    with pytest.raises(BarError):
        sma.push(math.inf)
    assert sma.push(3.0) == 2.0


def test_everything_has_a_docstring_and_a_signature() -> None:
    for thing in (getattr(indicators, name) for name in indicators.__all__):
        assert thing.__doc__
        assert inspect.signature(thing)
