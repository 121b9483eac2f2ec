"""Calendars: the New York Stock Exchange day by day, FX around the clock, and days of a zone."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import itertools
import pickle
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from exuvia import bars
from exuvia.errors import BarError, CalendarError
from exuvia.migrate.config.tables import CALENDARS
from exuvia.sessions import Calendar, Session, zone_data_version
from hypothesis import given
from hypothesis import strategies as st

MINUTE = 60_000_000_000
DAY = 24 * 60 * MINUTE
XNYS = Path("gerrymanoim__exchange_calendars", "tests", "resources", "xnys.csv.gz")
NEW_YORK = ZoneInfo("America/New_York")


def ns(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp()) * 1_000_000_000


def test_new_york_has_the_sessions_of_the_reference_on_every_day_of_its_span(data_dir: Path) -> None:
    with gzip.open(data_dir / XNYS, "rt") as file:
        rows = {row[0][:10]: (ns(row[1]), ns(row[2])) for row in list(csv.reader(file))[1:]}
    xnys = Calendar("XNYS")
    first, last = (dt.date.fromisoformat(day) for day in (min(rows), max(rows)))
    days = [first + dt.timedelta(n) for n in range((last - first).days + 1)]
    sessions = {str(day): xnys.session(day) for day in days}
    assert {day: (s.open, s.close) for day, s in sessions.items() if s is not None} == rows
    ordered = list(rows.values())
    for (opened, closed), (next_open, next_close) in itertools.pairwise(ordered):
        assert xnys.is_open(opened)
        assert xnys.is_open(closed - 1)
        assert not xnys.is_open(closed)
        assert not xnys.is_open(next_open - 1)
        assert xnys.next_close(opened) == closed
        assert xnys.next_open(opened) == next_open
        assert xnys.next_close(closed) == next_close


def fx_is_open(ts: int) -> bool:
    """The rule by itself: closed from Friday 17:00 to Sunday 17:00 on New York's clock."""
    local = dt.datetime.fromtimestamp(ts // 1_000_000_000, NEW_YORK)
    evening = local.hour >= 17
    return {4: not evening, 5: False, 6: evening}.get(local.weekday(), True)


@given(st.integers(ns("1975-01-01T00:00Z"), ns("2037-12-31T00:00Z")))
def test_fx_follows_new_yorks_clock(ts: int) -> None:
    fx = Calendar("FX24x5")
    assert fx.is_open(ts) == fx_is_open(ts)
    opens, closes = fx.next_open(ts), fx.next_close(ts)
    assert opens is not None
    assert closes is not None
    assert (opens < closes) is not fx_is_open(ts)
    for turn, is_open in ((opens, True), (closes, False)):
        assert ts < turn <= ts + 7 * DAY + 60 * MINUTE
        assert (fx_is_open(turn), fx_is_open(turn - 1)) == (is_open, not is_open)


def test_fx_opens_an_hour_earlier_in_utc_after_the_clocks_went_forward() -> None:
    fx = Calendar("FX24x5")
    assert fx.next_open(ns("2026-02-28T12:00Z")) == ns("2026-03-01T22:00Z")
    assert fx.next_open(ns("2026-03-07T12:00Z")) == ns("2026-03-08T21:00Z")
    assert fx.next_close(ns("2026-10-29T12:00Z")) == ns("2026-10-30T21:00Z")
    assert fx.next_close(ns("2026-11-02T12:00Z")) == ns("2026-11-06T22:00Z")


def test_around_the_clock_never_stops() -> None:
    always = Calendar("24/7")
    assert always.is_open(0)
    assert always.next_open(0) is None
    assert always.next_close(0) is None
    assert always.session_at(5) == Session("1970-01-01", 0, DAY)


@given(st.dates(dt.date(1975, 1, 1), dt.date(2037, 12, 30)), st.sampled_from(["Europe/London", "Asia/Tokyo"]))
def test_days_of_a_zone_run_from_midnight_to_midnight_there(date: dt.date, zone: str) -> None:
    session = Calendar("24/7", zone=zone).session(date)
    assert session is not None
    midnights = [dt.datetime.combine(day, dt.time(), ZoneInfo(zone)) for day in (date, date + dt.timedelta(days=1))]
    assert [session.open, session.close] == [int(midnight.timestamp()) * 10**9 for midnight in midnights]


def test_bars_start_at_the_open_of_each_session_and_end_at_its_close() -> None:
    ts = np.arange(ns("2025-11-28T14:00Z"), ns("2025-11-28T19:00Z"), MINUTE)
    price = np.arange(len(ts), dtype=np.float64)
    source = {"ts": ts} | dict.fromkeys(["open", "high", "low", "close"], price)
    made = bars.columns(bars.resample(source, every="1h", calendar="XNYS"))
    # Open at 14:30 UTC, early close at 18:00: three hours and a half.
    assert made["ts"].tolist() == [ns(f"2025-11-28T{hour}:30Z") for hour in (14, 15, 16, 17)]
    assert made["close"].tolist() == [89.0, 149.0, 209.0, 239.0]
    day = bars.resample(source, every="1d", calendar=Calendar("XNYS"))
    assert bars.columns(day)["open"].tolist() == [30.0]
    assert day.schema.metadata_str == {"outside_session": "90"}


def test_a_day_of_fx_is_a_trading_day_and_not_a_day_of_utc() -> None:
    ts = np.arange(ns("2026-02-06T00:00Z"), ns("2026-02-10T00:00Z"), 60 * MINUTE)
    price = np.arange(len(ts), dtype=np.float64)
    source = {"ts": ts} | dict.fromkeys(["open", "high", "low", "close"], price)
    made = bars.columns(bars.resample(source, every="1d", calendar="FX24x5"))
    opens = ["2026-02-05T22:00Z", "2026-02-08T22:00Z", "2026-02-09T22:00Z"]
    assert made["ts"].tolist() == [ns(text) for text in opens]


def test_what_a_calendar_does_not_know_is_an_error_that_says_what_it_does() -> None:
    with pytest.raises(CalendarError, match=r'"NYSE" is unknown: use one of XNYS, 24/7, FX24x5'):
        Calendar("NYSE")
    with pytest.raises(CalendarError, match=r'time zone "Mars/Olympus" is unknown'):
        Calendar("24/7", zone="Mars/Olympus")
    with pytest.raises(CalendarError, match=r"its zone is America/New_York"):
        Calendar("XNYS", zone="UTC")
    with pytest.raises(CalendarError, match=r"1989-06-01: it covers 1990 to 2099"):
        Calendar("XNYS").session("1989-06-01")
    with pytest.raises(CalendarError, match=r'"2026-02-30" is not'):
        Calendar("XNYS").session("2026-02-30")
    source = {"ts": np.array([0])} | dict.fromkeys(["open", "high", "low", "close"], np.array([1.0]))
    with pytest.raises(CalendarError, match="1990"):
        bars.resample(source, every="1h", calendar="XNYS")
    with pytest.raises(CalendarError, match="NASDAQ"):
        bars.resample(source, every="1h", calendar="NASDAQ")
    with pytest.raises(BarError, match="longer than a day"):
        bars.resample(source, every="2d", calendar="24/7")
    with pytest.raises(BarError, match="offset=5 with a calendar"):
        bars.resample(source, every="1h", calendar="24/7", offset=5)


def test_a_configuration_takes_the_calendars_that_there_are() -> None:
    with pytest.raises(CalendarError) as caught:
        Calendar("NYSE")
    known = re.search(r"use one of (.*)", str(caught.value))
    assert known and sorted(known[1].split(", ")) == sorted(CALENDARS), "one list for both"
    assert {Calendar(name).name for name in CALENDARS} == set(CALENDARS)


@pytest.mark.parametrize("name", ["XNYS", "24/7", "FX24x5"])
def test_what_a_calendar_prints_makes_it_again(name: str) -> None:
    assert eval(repr(Calendar(name))) == Calendar(name)  # noqa: S307 - its own text


def test_calendars_and_sessions_are_values() -> None:
    zoned = Calendar("24/7", zone="Europe/Berlin")
    for value in (Calendar("XNYS"), zoned, Session("2026-02-03", 1, 2)):
        twin = pickle.loads(pickle.dumps(value))
        assert (twin, hash(twin), repr(twin)) == (value, hash(value), repr(value))
    assert zoned != Calendar("24/7")
    assert zone_data_version()[:2] == "20"
    with pytest.raises(AttributeError):
        Session("2026-02-03", 1, 2).open = 3
