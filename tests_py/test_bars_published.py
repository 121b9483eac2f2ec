"""Bars and indicators against numbers that others have published, and against their provider's own."""

from __future__ import annotations

import csv
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from exuvia import bars, indicators

OHLCV = ["open", "high", "low", "close", "volume"]
SPY = Path("gbeced__pyalgotrade", "testcases", "data", "nt-spy-minute-2011.csv.gz")
SKENDER = Path("DaveSkender__Stock.Indicators", "tests", "indicators", "_testdata")


@cache
def expected(data_dir: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data_dir / "reference" / "expected.json").read_text(encoding="utf-8"))
    return found


def stamp(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def columns(rows: list[tuple[int, list[str]]]) -> dict[str, np.ndarray]:
    table = {"ts": np.array([at for at, _ in rows], np.int64)}
    return table | {name: np.array([float(row[n]) for _, row in rows]) for n, name in enumerate(OHLCV)}


@cache
def quotes(data_dir: Path, name: str) -> dict[str, np.ndarray]:
    with (data_dir / SKENDER / "quotes" / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return columns([(stamp(row[0]), row[1:]) for row in rows])


def published(data_dir: Path, name: str, field: str) -> np.ndarray:
    """A published column; NaN where there is no value yet."""
    text = (data_dir / SKENDER / "results" / f"{name}.standard.json").read_text(encoding="utf-8")
    return np.array([np.nan if row[field] is None else row[field] for row in json.loads(text)])


def first_row(made: dict[str, np.ndarray], at: int = 0) -> list[float]:
    return [float(made[name][at]) for name in OHLCV]


def test_minutes_of_spy_make_pyalgotrades_hours_and_days(data_dir: Path) -> None:
    want = expected(data_dir)["pyalgotrade_resample_spy_minute"]
    with gzip.open(data_dir / SPY, "rt") as file:
        lines = [line.strip().split(";") for line in file]
    day = [f"{at[:4]}-{at[4:6]}-{at[6:8]}T{at[9:11]}:{at[11:13]}:{at[13:15]}" for at, *_ in lines]
    minutes = columns([(stamp(at), line[1:]) for at, line in zip(day, lines, strict=True)])
    hours = bars.columns(bars.resample(minutes, every="1h"))
    assert len(hours["ts"]) == want["hours"]
    assert len(bars.resample(minutes, every="1d")) == want["days"]
    first = want["first_hour"]
    assert hours["ts"][0] == stamp(first["t"].replace(" ", "T"))
    assert first_row(hours) == [first[key] for key in "ohlcv"]


def test_minutes_make_the_published_quarters_of_an_hour(data_dir: Path) -> None:
    want = expected(data_dir)["stock_indicators_aggregate"]["intraday_15m"]
    made = bars.columns(bars.resample(quotes(data_dir, "intraday"), every="15m"))
    assert len(made["ts"]) == want["n"]
    for at, name in ((0, "first"), (2, "third")):
        assert made["ts"][at] == stamp(want[name][0].replace(" ", "T"))
        assert first_row(made, at) == want[name][1:]


def test_days_make_the_published_months(data_dir: Path) -> None:
    want = expected(data_dir)["stock_indicators_aggregate"]["default_month"]
    made = bars.columns(bars.resample(quotes(data_dir, "default"), every="1mo"))
    assert len(made["ts"]) == want["n"]
    for at, name in ((0, "first"), (-1, "last")):
        assert made["ts"][at] == stamp(want[name][0])
        assert first_row(made, at) == want[name][1:]


@pytest.mark.parametrize(
    ("name", "field", "most"),
    [("sma", "sma", 1e-12), ("ema", "ema", 1e-11), ("atr", "atr", 1e-11)],
)
def test_indicators_are_the_published_ones_in_every_row(data_dir: Path, name: str, field: str, most: float) -> None:
    daily, want = quotes(data_dir, "default"), published(data_dir, name, field)
    close = daily["close"]
    made = {
        "sma": lambda: indicators.sma(close, 20),
        "ema": lambda: indicators.ema(close, 20),
        "atr": lambda: indicators.atr(daily["high"], daily["low"], close, 14),
    }[name]()
    assert len(made) == len(want) == 502
    assert np.array_equal(np.isnan(made), np.isnan(want))
    assert np.nanmax(np.abs(made - want)) < most


def test_indicators_of_published_bars_are_the_same_one_value_at_a_time(data_dir: Path) -> None:
    daily = quotes(data_dir, "default")
    close = daily["close"]
    for one, column in (
        (indicators.Sma(20), indicators.sma(close, 20)),
        (indicators.Ema(20), indicators.ema(close, 20)),
        (indicators.RollingMax(20), indicators.rolling_max(close, 20)),
        (indicators.RollingMin(20), indicators.rolling_min(close, 20)),
    ):
        pushed = [np.nan if (value := one.push(price)) is None else value for price in close.tolist()]
        assert np.array(pushed).view(np.int64).tolist() == column.view(np.int64).tolist(), one
    atr = indicators.Atr(14)
    rows = zip(daily["high"].tolist(), daily["low"].tolist(), close.tolist(), strict=True)
    pushed = [np.nan if (value := atr.push(*row)) is None else value for row in rows]
    column = indicators.atr(daily["high"], daily["low"], close)
    assert np.array(pushed).view(np.int64).tolist() == column.view(np.int64).tolist()


def test_an_arrow_column_has_nulls_where_numpy_has_nan(data_dir: Path) -> None:
    close = quotes(data_dir, "default")["close"]
    made = pa.array(indicators.sma(pa.chunked_array([close[:100], close[100:]]), 20))
    assert made.null_count == 19
    assert made.to_pylist()[19:] == indicators.sma(close, 20)[19:].tolist()
