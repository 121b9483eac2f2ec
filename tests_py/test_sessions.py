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
RESOURCES = Path("gerrymanoim__exchange_calendars", "tests", "resources")
NEW_YORK = ZoneInfo("America/New_York")


def ns(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp()) * 1_000_000_000


def reference(data_dir: Path, name: str) -> dict[str, tuple[int, int]]:
    """Open and close of each date."""
    with gzip.open(data_dir / RESOURCES / f"{name}.csv.gz", "rt") as file:
        return {row[0][:10]: (ns(row[1]), ns(row[2])) for row in list(csv.reader(file))[1:]}


def test_globex_has_the_sessions_of_the_reference_on_every_day_of_its_span(data_dir: Path) -> None:
    rows = reference(data_dir, "cmes")
    cme = Calendar("CME")
    first, last = (dt.date.fromisoformat(day) for day in (min(rows), max(rows)))
    days = [first + dt.timedelta(n) for n in range((last - first).days + 1)]
    sessions = {str(day): session for day in days if (session := cme.session(day)) is not None}
    assert {day: (session.open, session.close) for day, session in sessions.items()} == rows
    assert len(rows) == 9682
    for session in list(sessions.values())[::50]:
        for ts in (session.open, session.close - 1):
            assert cme.session_at(ts) == session


def test_a_list_of_sessions_is_the_calendar_that_it_was_made_of(data_dir: Path) -> None:
    for name, built_in in (("xnys", Calendar("XNYS")), ("cmes", Calendar("CME"))):
        rows = reference(data_dir, name)
        hours = np.array(list(rows.values()), np.int64)
        listed = Calendar.from_sessions(name, hours[:, 0], hours[:, 1].view("M8[ns]"), zone=built_in.zone)
        assert (listed.name, listed.zone) == (name, built_in.zone)
        for day in list(rows)[::7]:
            session = listed.session(day)
            assert session == built_in.session(day)
            assert session is not None
            for ts in (session.open - 1, session.open, session.close - 1, session.close):
                if hours[0, 0] <= ts < hours[-1, 1]:
                    assert listed.is_open(ts) == built_in.is_open(ts)
                    if session.close < hours[-2, 0]:
                        assert listed.next_open(ts) == built_in.next_open(ts)
                        assert listed.next_close(ts) == built_in.next_close(ts)


def tokyo() -> Calendar:
    """Two days of Tokyo: 09:00 to 15:00 with a lunch break from 11:30 to 12:30, the second one without."""
    opens = np.array([ns("2024-04-01T00:00Z"), ns("2024-04-02T00:00Z")], np.int64)
    breaks = np.array([ns("2024-04-01T02:30Z"), np.iinfo(np.int64).min]).view("M8[ns]")
    return Calendar.from_sessions("XTKS", opens, opens + 360 * MINUTE, breaks, breaks + 60 * MINUTE, zone="Asia/Tokyo")


def test_bars_end_at_a_break_and_start_anew_after_it() -> None:
    calendar = tokyo()
    opened = ns("2024-04-01T00:00Z")
    ts = opened + np.arange(0, 24 * 60 + 360, 5) * MINUTE
    table = bars.bars_from_ticks(ts, np.arange(len(ts)) * 1.0, every="1h", calendar=calendar)
    made = bars.columns(table)
    starts = [0, 60, 120, 210, 270, 330]
    wanted = [opened + minute * MINUTE for minute in starts] + [opened + DAY + n * 60 * MINUTE for n in range(6)]
    assert made["ts"].tolist() == wanted
    assert made["ticks"].tolist() == [12, 12, 6, 12, 12, 6] + [12] * 6
    outside = 12 + (24 - 6) * 12
    assert table.schema.metadata_str == {"outside_session": str(outside)}
    builder = bars.TradeBarBuilder("1h", calendar=calendar)
    pushed = [builder.push(1, at, 1.0) for at in ts.tolist()]
    assert [bar.ts for bar in [*pushed, *builder.flush()] if bar is not None] == wanted
    assert builder.outside == outside
    # A whole session has its break.
    day = bars.bars_from_ticks(ts, np.ones(len(ts)), every="1d", calendar=calendar)
    assert bars.columns(day)["ticks"].tolist() == [72, 72]


def test_a_break_is_no_time_to_trade() -> None:
    calendar = tokyo()
    at, to = ns("2024-04-01T02:30Z"), ns("2024-04-01T03:30Z")
    assert calendar.pause("2024-04-01") == (at, to)
    assert calendar.pause("2024-04-02") is None
    assert [calendar.is_open(ts) for ts in (at - 1, at, to - 1, to)] == [True, False, False, True]
    assert (calendar.next_close(at - 1), calendar.next_open(at)) == (at, to)
    assert pickle.loads(pickle.dumps(calendar)) == calendar
    assert {calendar: 1}[tokyo()] == 1


@pytest.mark.parametrize(
    ("message", "hours", "breaks"),
    [
        ("there is none", [], None),
        ("session 0 of calendar X: it opens at .* and closes at", [(5, 5)], None),
        ("session 1 of calendar X: it opens at .* before the one ahead closes", [(0, DAY), (DAY - 1, 2 * DAY)], None),
        ("session 1 of calendar X: its date .* join them, with a break", [(0, 5), (6, 9)], None),
        ("session 0 of calendar X: its break from .* is not within it", [(0, 9)], [(0, 5)]),
        ("session 0 of calendar X: its break from .* is not within it", [(0, 9)], [(5, 3)]),
    ],
)
def test_sessions_that_cannot_be_are_refused(
    message: str, hours: list[tuple[int, int]], breaks: list[tuple[int, int]] | None
) -> None:
    columns = [np.array([pair[n] for pair in pairs], np.int64) for pairs in (hours, breaks or []) for n in (0, 1)]
    with pytest.raises(CalendarError, match=message):
        Calendar.from_sessions("X", *columns[: 4 if breaks else 2])


def test_a_list_does_not_guess_beyond_its_ends() -> None:
    calendar = tokyo()
    with pytest.raises(CalendarError, match="XTKS lists sessions from 2024-04-01.* give it those days too"):
        calendar.is_open(ns("2024-04-03T00:00Z"))
    with pytest.raises(CalendarError, match="lists sessions"):
        calendar.session("2024-03-31")


def test_new_york_has_the_sessions_of_the_reference_on_every_day_of_its_span(data_dir: Path) -> None:
    rows = reference(data_dir, "xnys")
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


@pytest.mark.parametrize("name", CALENDARS)
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
