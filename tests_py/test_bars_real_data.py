"""Bars made from the providers' own ticks equal the providers' own bars, in every row, column and bit."""

from __future__ import annotations

import csv
import io
import zipfile
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from exuvia import bars

if TYPE_CHECKING:
    from pathlib import Path

MILLI = 1_000_000
HOUR = 3_600_000_000_000
QUOTE_COLUMNS = [f"{side}_{name}" for side in ("bid", "ask") for name in ("open", "high", "low", "close")]
TRADE_COLUMNS = ["open", "high", "low", "close", "volume"]

OANDA_DAYS = [f"201405{day:02}" for day in (1, 2, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15)]
FXCM_DAYS = OANDA_DAYS[:8]
DAYS = [("oanda", day) for day in OANDA_DAYS] + [("fxcm", day) for day in FXCM_DAYS]
# FXCM's files are in UTC-05:00 all year: its days start five hours after UTC's.
DATA_ZONE = {"oanda": 0, "fxcm": 5 * HOUR}

Columns = dict[str, np.ndarray]


@pytest.fixture
def forex(data_dir: Path) -> Path:
    return data_dir / "QuantConnect__Lean" / "Data" / "forex"


@pytest.fixture
def coinbase(data_dir: Path) -> Path:
    return data_dir / "QuantConnect__Lean" / "Data" / "crypto" / "coinbase"


@cache
def rows(path: Path) -> list[list[str]]:
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        return list(csv.reader(io.TextIOWrapper(archive.open(name))))


def midnight(day: str) -> int:
    return int(np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:8]}", "ns").astype(np.int64))


def stamps(path: Path, offset: int) -> np.ndarray:
    """UTC stamps: milliseconds since the file's midnight, or a date and time in the file's zone."""
    first = [row[0] for row in rows(path)]
    if " " in first[0]:
        return np.array([midnight(text) + int(text[9:11]) * HOUR for text in first], np.int64) + offset
    return midnight(path.name) + np.array(first, np.int64) * MILLI + offset


def column(path: Path, index: int) -> np.ndarray:
    return np.array([float(row[index]) for row in rows(path)])


def quote_file(path: Path, offset: int = 0) -> Columns:
    indices = (1, 2, 3, 4, 6, 7, 8, 9)
    values = {name: column(path, index) for name, index in zip(QUOTE_COLUMNS, indices, strict=True)}
    return {"ts": stamps(path, offset)} | values


def trade_file(path: Path) -> Columns:
    return {"ts": stamps(path, 0)} | {name: column(path, i) for i, name in enumerate(TRADE_COLUMNS, 1)}


def quote_ticks(forex: Path, broker: str, day: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    path = forex / broker / "tick" / "eurusd" / f"{day}_quote.zip"
    return stamps(path, DATA_ZONE[broker]), column(path, 1), column(path, 2)


def assert_same_bits(made: object, wanted: Columns, names: list[str]) -> None:
    columns = bars.columns(made)
    for name in ["ts", *names]:
        np.testing.assert_array_equal(columns[name].view(np.int64), wanted[name].view(np.int64), name)


@pytest.mark.parametrize(("broker", "day"), DAYS)
def test_ticks_make_the_providers_seconds_and_these_its_minutes(forex: Path, broker: str, day: str) -> None:
    folder, zone = forex / broker, DATA_ZONE[broker]
    seconds_file = folder / "second" / "eurusd" / f"{day}_quote.zip"
    minutes_file = folder / "minute" / "eurusd" / f"{day}_quote.zip"
    ticks = quote_ticks(forex, broker, day)
    seconds = bars.quote_bars_from_ticks(*ticks, every="1s")
    minutes = bars.resample(seconds, every="1m")
    assert_same_bits(seconds, quote_file(seconds_file, zone), QUOTE_COLUMNS)
    assert_same_bits(minutes, quote_file(minutes_file, zone), QUOTE_COLUMNS)
    assert minutes == bars.quote_bars_from_ticks(*ticks, every="1m")
    assert bars.columns(minutes)["ticks"].sum() == len(ticks[0])


@pytest.mark.parametrize(("broker", "day"), [("oanda", "20140507"), ("fxcm", "20140507")])
def test_a_call_a_tick_makes_the_same_bars_as_the_columns(forex: Path, broker: str, day: str) -> None:
    ts, bid, ask = quote_ticks(forex, broker, day)
    builder = bars.QuoteBarBuilder("1s")
    pushed = (builder.push(21, *tick) for tick in zip(ts.tolist(), bid.tolist(), ask.tolist(), strict=True))
    seconds = [bar for bar in pushed if bar is not None] + builder.flush()
    minutes = bars.aggregate(seconds, "1m")
    wanted = quote_file(forex / broker / "minute" / "eurusd" / f"{day}_quote.zip", DATA_ZONE[broker])
    made = {name: np.array([getattr(bar, name) for bar in minutes]) for name in ["ts", *QUOTE_COLUMNS]}
    for name, values in made.items():
        np.testing.assert_array_equal(values.view(np.int64), wanted[name].view(np.int64), name)
    assert builder.late == 0
    assert sum(bar.ticks for bar in minutes) == len(ts)


@pytest.mark.parametrize("day", FXCM_DAYS)
def test_fxcm_minutes_make_its_hours_and_these_its_days(forex: Path, day: str) -> None:
    zone = DATA_ZONE["fxcm"]
    start = midnight(day) + zone
    minutes = quote_file(forex / "fxcm" / "minute" / "eurusd" / f"{day}_quote.zip", zone)
    hours = bars.resample(minutes, every="1h")
    for made, name in ((hours, "hour"), (bars.resample(hours, every="1d", offset=zone), "daily")):
        wanted = quote_file(forex / "fxcm" / name / "eurusd.zip", zone)
        of_day = (wanted["ts"] >= start) & (wanted["ts"] < start + 24 * HOUR)
        assert of_day.any()
        assert_same_bits(made, {key: values[of_day] for key, values in wanted.items()}, QUOTE_COLUMNS)


@pytest.mark.parametrize(("broker", "days"), [("oanda", 3738), ("fxcm", 3487)])
def test_hours_make_the_days_of_all_years(forex: Path, broker: str, days: int) -> None:
    zone = DATA_ZONE[broker]
    hours = quote_file(forex / broker / "hour" / "eurusd.zip", zone)
    daily = bars.resample(hours, every="1d", offset=zone)
    assert_same_bits(daily, quote_file(forex / broker / "daily" / "eurusd.zip", zone), QUOTE_COLUMNS)
    assert len(daily) == days


@pytest.mark.parametrize(("day", "minutes"), [("20161007", 1419), ("20161008", 1400), ("20161009", 1397)])
def test_coinbase_seconds_make_its_minutes(coinbase: Path, day: str, minutes: int) -> None:
    seconds = trade_file(coinbase / "second" / "btcusd" / f"{day}_trade.zip")
    made = bars.resample(seconds, every="1m")
    wanted = trade_file(coinbase / "minute" / "btcusd" / f"{day}_trade.zip")
    assert len(made) == minutes
    assert_same_bits(made, wanted, TRADE_COLUMNS[:4])
    # The provider summed decimals; sums of floats differ from them in the last digits.
    np.testing.assert_allclose(bars.columns(made)["volume"], wanted["volume"], rtol=0, atol=1e-8)


def test_coinbase_minutes_make_its_days(coinbase: Path) -> None:
    paths = sorted((coinbase / "minute" / "btcusd").glob("*_trade.zip"))
    daily = trade_file(coinbase / "daily" / "btcusd_trade.zip")
    assert len(paths) == 9
    for path in paths:
        made = bars.columns(bars.resample(trade_file(path), every="1d"))
        (row,) = np.flatnonzero(daily["ts"] == made["ts"][0])
        for name in TRADE_COLUMNS[:4]:
            assert made[name].tolist() == [daily[name][row]], (path.name, name)
        assert made["volume"][0] == pytest.approx(daily["volume"][row], abs=1e-6)


def test_fixed_point_ticks_make_the_same_bars_as_floats(forex: Path) -> None:
    ts, bid, ask = quote_ticks(forex, "oanda", "20140507")
    nano = [np.array([round(value * 1e5) * 10_000 for value in side], np.int64) for side in (bid, ask)]
    fixed = bars.columns(bars.quote_bars_from_ticks(ts, *nano, every="1m"))
    floats = bars.columns(bars.quote_bars_from_ticks(ts, bid, ask, every="1m"))
    for name in QUOTE_COLUMNS:
        assert (fixed[name] / 1e9).tolist() == floats[name].tolist(), name
