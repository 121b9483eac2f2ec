"""Generated cases: the bars are those of pandas' `resample` and of polars' `group_by_dynamic`, stamp by stamp.

`EXUVIA_CASES` is how many cases are made, 500 of them if it is not set; every case is made of its own number, so one
that differs can be run again: `EXUVIA_CASE=4711`.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
from exuvia import bars

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
OHLC = ["open", "high", "low", "close"]
CASES = int(os.environ.get("EXUVIA_CASES") or 500)
ONLY = os.environ.get("EXUVIA_CASE")
# The text of exuvia, that of pandas, and the length that stamps are strewn by.
CLOCK = [
    ("1s", "1s", SECOND),
    ("7s", "7s", 7 * SECOND),
    ("1m", "1min", MINUTE),
    ("5m", "5min", 5 * MINUTE),
    ("7m", "7min", 7 * MINUTE),
    ("13m", "13min", 13 * MINUTE),
    ("15m", "15min", 15 * MINUTE),
    ("1h", "1h", HOUR),
    ("90m", "90min", 90 * MINUTE),
    ("4h", "4h", 4 * HOUR),
    ("7h", "7h", 7 * HOUR),
    ("1d", "1D", DAY),
    ("3d", "3D", 3 * DAY),
    ("1501ms", "1501ms", 1_501_000_000),
]
CALENDAR = [("1d", "1D", DAY), ("1mo", "MS", 30 * DAY), ("1q", "QS", 91 * DAY), ("1y", "YS", 365 * DAY)]
ORIGINS = ["epoch", "start", "start_day", "end", "end_day", "instant"]
# Zones whose clocks change by an hour, by half an hour, at midnight, and never.
ZONES = [
    "America/New_York",
    "Europe/Berlin",
    "Europe/London",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/Havana",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Tokyo",
]
WHOLE_HOURS = ["America/New_York", "Europe/Berlin", "Europe/London", "Australia/Sydney", "Asia/Tokyo"]
TURNS: dict[str, list[int]] = {}


def numbers(share: float, first: int) -> range | list[int]:
    """The numbers of a test's cases: its share of all."""
    if ONLY:
        return [int(ONLY)]
    return range(first, first + max(1, round(CASES * share)))


def turns(zone: str) -> list[int]:
    """Instants within an hour of which the clock of a zone changes, from 2005 to 2030."""
    if zone not in TURNS:
        hours = pd.date_range("2005-01-01", "2030-01-01", freq="h", tz="UTC")
        local = hours.tz_convert(zone).tz_localize(None)
        jumps = np.flatnonzero(np.diff(local.asi8) != np.diff(hours.asi8))
        TURNS[zone] = hours.as_unit("ns").asi8[jumps].tolist() or [int(pd.Timestamp("2018-03-25").value)]
    return TURNS[zone]


def ticks(dice: random.Random, every: int, middle: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sorted stamps around an instant: dense or sparse, many of them on a boundary; prices and whole sizes."""
    count = dice.choice([1, 2, 3, 5, 8, 20, 60])
    spread = every * dice.choice([1, 3, 10, 40])
    # Empty intervals in between are counted by pandas one by one.
    spread = min(spread, 120 * every, 3_000 * DAY)
    start = middle - dice.randrange(max(spread, 1))
    found = []
    for _ in range(count):
        stamp = start + dice.randrange(max(spread, 1))
        match dice.randrange(4):
            case 0:
                stamp -= stamp % every
            case 1:
                stamp -= stamp % SECOND
            case _:
                pass
        found.append(stamp)
    price = [dice.choice([1.0, 1.5, 2.25, dice.uniform(-9, 9)]) for _ in found]
    size = [float(dice.randrange(100)) for _ in found]
    return np.array(sorted(found), np.int64), np.array(price), np.array(size)


def check(number: int, made: dict[str, np.ndarray], wanted: dict[str, np.ndarray], what: object) -> None:
    for name, values in wanted.items():
        assert np.array_equal(made[name], values, equal_nan=values.dtype.kind == "f"), (
            f"case {number}, {name}: {made[name].tolist()}, wanted {values.tolist()}; {what}"
        )


def by_pandas(
    index: pd.DatetimeIndex, price: np.ndarray, size: np.ndarray, gaps: str, **how: Any
) -> dict[str, np.ndarray]:
    """The columns of pandas, without the empty intervals before the first bar and after the last."""
    frame = pd.DataFrame({"price": price, "size": size}, index=index)
    groups = frame.resample(**how)
    table = groups["price"].ohlc()
    table["volume"], table["ticks"] = groups["size"].sum(), groups["price"].count()
    there = np.flatnonzero(table["ticks"].to_numpy())
    table = table.iloc[there[0] : there[-1] + 1]
    if gaps == "skip":
        table = table[table["ticks"] > 0]
    if gaps == "fill":
        table["close"] = table["close"].ffill()
        for name in OHLC[:3]:
            table[name] = table[name].fillna(table["close"])
    stamps = pd.DatetimeIndex(table.index).as_unit("ns").asi8
    return {"ts": stamps} | {name: table[name].to_numpy() for name in [*OHLC, "volume", "ticks"]}


def by_exuvia(ts: np.ndarray, price: np.ndarray, size: np.ndarray, **how: Any) -> dict[str, np.ndarray]:
    frame = pl.DataFrame(bars.bars_from_ticks(ts, price, size, **how))
    return {
        name: (column.cast(pl.Int64) if name == "ts" else column).to_numpy() for name, column in frame.to_dict().items()
    }


def sides(dice: random.Random) -> dict[str, str]:
    return {"closed": dice.choice(["left", "right"]), "label": dice.choice(["left", "right"])}


def run(share: float, first: int, case: Callable[[random.Random, int], None]) -> int:
    """Runs a test's cases; how many there were."""
    chosen = numbers(share, first)
    for number in chosen:
        case(random.Random(number), number)
    return len(chosen)


def test_every_side_origin_and_gap_is_as_pandas_has_it(record_property: Callable[[str, object], None]) -> None:
    def case(dice: random.Random, number: int) -> None:
        every, rule, length = dice.choice(CLOCK)
        ts, price, size = ticks(dice, length, dice.randrange(300_000_000, 2_000_000_000) * SECOND)
        how, origin, gaps = sides(dice), dice.choice(ORIGINS), dice.choice(["skip", "fill", "null"])
        offset = 0 if origin in ("end", "end_day") else dice.choice([0, 0, dice.randrange(-2 * length, 2 * length)])
        instant = int(ts[0]) + dice.randrange(-5 * length, 5 * length)
        theirs: Any = pd.Timestamp(instant) if origin == "instant" else origin
        ours: Any = instant if origin == "instant" else origin
        index = pd.DatetimeIndex(ts.view("M8[ns]"))
        wanted = by_pandas(index, price, size, gaps, rule=rule, origin=theirs, offset=pd.Timedelta(offset), **how)
        made = by_exuvia(ts, price, size, every=every, origin=ours, offset=offset, gaps=gaps, **how)
        check(number, made, wanted, (every, how, origin, offset, gaps, ts.tolist()))

    record_property("cases", run(0.4, 0, case))


def test_days_on_which_clocks_change_are_as_pandas_has_them(record_property: Callable[[str, object], None]) -> None:
    refused: list[int] = []

    def case(dice: random.Random, number: int) -> None:
        zone = dice.choice(ZONES)
        every, rule, length = dice.choice([*CLOCK[2:11], *CALENDAR, *CALENDAR[:1] * 4])
        ts, price, size = ticks(dice, length, dice.choice(turns(zone)) + dice.randrange(-DAY, DAY))
        how, gaps = sides(dice), dice.choice(["skip", "fill", "null"])
        # Pandas takes no origin for days of a zone, months, quarters and years.
        origin, theirs = ("epoch", "start_day") if length >= DAY else (dice.choice(ORIGINS[:5]),) * 2
        index = pd.DatetimeIndex(ts.view("M8[ns]")).tz_localize("UTC").tz_convert(zone)
        try:
            wanted = by_pandas(index, price, size, gaps, rule=rule, origin=theirs, **how)
        except ValueError as error:
            # Where midnight is missing or comes twice, pandas has no answer for some stamps.
            assert "nonexistent" in str(error) or "ambiguous" in str(error).lower(), (number, error)
            refused.append(number)
            return
        made = by_exuvia(ts, price, size, every=every, origin=origin, zone=zone, gaps=gaps, **how)
        check(number, made, wanted, (every, zone, how, origin, gaps, ts.tolist()))

    done = run(0.3, 10_000_000, case)
    assert len(refused) < max(2, done / 10)
    record_property("cases", done - len(refused))


def test_windows_are_as_polars_has_them(record_property: Callable[[str, object], None]) -> None:
    """Polars counts from 1970 on the zone's clock, which is what `origin="epoch"` does for days and whole hours."""

    def case(dice: random.Random, number: int) -> None:
        zone = dice.choice([None, None, *WHOLE_HOURS])
        short = (
            CLOCK if zone is None else [entry for entry in CLOCK if entry[2] in (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)]
        )
        long = [*CALENDAR, ("1w", "", 7 * DAY), ("2w", "", 14 * DAY), ("2mo", "", 60 * DAY), ("2d", "", 2 * DAY)]
        every, _, length = dice.choice([*short, *long])
        middle = dice.choice(turns(zone)) if zone else dice.randrange(300_000_000, 2_000_000_000) * SECOND
        ts, price, size = ticks(dice, length, middle + dice.randrange(-DAY, DAY))
        how = sides(dice)
        minutes = dice.choice([0, 0, 30, 60, 570, -420]) if zone is None and length <= 7 * DAY else 0
        frame = pl.DataFrame({"ts": ts.view("M8[ns]"), "price": price, "size": size})
        if zone:
            frame = frame.with_columns(pl.col("ts").dt.replace_time_zone("UTC").dt.convert_time_zone(zone))
        column = pl.col("price")
        groups = frame.group_by_dynamic(
            "ts", every=every, offset=f"{minutes}m", closed=how["closed"], label=how["label"], start_by="window"
        )
        theirs = groups.agg(
            open=column.first(),
            high=column.max(),
            low=column.min(),
            close=column.last(),
            volume=pl.col("size").sum(),
            ticks=pl.len(),
        )
        wanted = {name: theirs[name].to_numpy() for name in [*OHLC, "volume"]}
        wanted |= {"ts": theirs["ts"].dt.epoch("ns").to_numpy(), "ticks": theirs["ticks"].cast(pl.Int64).to_numpy()}
        made = by_exuvia(ts, price, size, every=every, offset=minutes * MINUTE, zone=zone, **how)
        check(number, made, wanted, (every, zone, how, minutes, ts.tolist()))

    record_property("cases", run(0.3, 20_000_000, case))


def test_symbols_streams_and_saved_builders_make_the_bars_of_each_symbol_alone(
    record_property: Callable[[str, object], None],
) -> None:
    """The same rows however they come: interleaved, grouped, by any number of threads, as a stream, resumed."""

    def case(dice: random.Random, number: int) -> None:
        every, _, length = dice.choice(CLOCK)
        ts, price, size = ticks(dice, length, dice.randrange(300_000_000, 2_000_000_000) * SECOND)
        symbol = np.array([dice.choice([3, 7, 70_000_000]) for _ in ts], np.int64)
        how: dict[str, Any] = {**sides(dice), "gaps": dice.choice(["skip", "fill", "null"])}
        if dice.random() < 0.3:
            ending = dice.choice([{"ticks": dice.randint(1, 5)}, {"volume": dice.uniform(1, 300)}])
            how = {"label": how["label"], **ending}
        else:
            how |= {"every": every, "origin": dice.choice(["epoch", "start_day"])}
            # One grid for all symbols: the first stamp of all decides.
        columns = ("ts", *OHLC, "volume", "ticks")

        def rows(table: Any) -> list[tuple[Any, ...]]:
            return [tuple(row[name] for name in columns) for row in pl.DataFrame(table).to_dicts()]

        tables = [
            pl.DataFrame(bars.bars_from_ticks(ts, price, size, by=symbol, threads=threads, **how))
            for threads in (1, 2, 5)
        ]
        grouped = np.argsort(symbol, kind="stable")
        by_group = bars.bars_from_ticks(ts[grouped], price[grouped], size[grouped], by=symbol[grouped], **how)
        for table in [*tables[1:], pl.DataFrame(by_group)]:
            assert table.equals(tables[0]), (number, how)
        builder = bars.TradeBarBuilder(late="reject", **how)
        made: dict[int, list[tuple[Any, ...]]] = {}

        def take(table: Any) -> None:
            frame = pl.DataFrame(table)
            for uic, row in zip(frame["uic"], rows(frame), strict=True):
                made.setdefault(uic, []).append(row)

        stop = dice.randrange(len(ts) + 1)
        take(builder.push_columns(symbol[:stop], ts[:stop], price[:stop], size[:stop]))
        builder = bars.TradeBarBuilder.from_bytes(builder.to_bytes())
        take(builder.push_columns(symbol[stop:], ts[stop:], price[stop:], size[stop:]))
        take(builder.flush_columns())
        for uic in np.unique(symbol).tolist():
            mine = rows(tables[0].filter(pl.col("symbol") == uic))
            assert mine == made[uic], (number, uic, how, ts.tolist(), symbol.tolist())

    record_property("cases", run(0.2, 30_000_000, case))
