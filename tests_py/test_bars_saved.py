"""Builders of every kind: saved and resumed at any tick they make the same bars, by ticks or by columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from exuvia import bars, sessions
from exuvia.errors import BarError, CalendarError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = 10**9
DAY = 86_400 * SECOND
START = 1_770_076_800 * SECOND  # 2026-02-03


def listed(*, pauses: bool = True) -> sessions.Calendar:
    opens = START + np.arange(-1, 8) * DAY + 9 * 3_600 * SECOND
    noon = pa.array([stamp + 3 * 3_600 * SECOND if at % 2 else None for at, stamp in enumerate(opens.tolist())])
    later = pa.array([None if stamp is None else stamp + 3_600 * SECOND for stamp in noon.to_pylist()], pa.int64())
    given = (noon, later) if pauses else ()
    return sessions.Calendar.from_sessions("desk", opens, opens + 8 * 3_600 * SECOND, *given, zone="Europe/Berlin")


KINDS: dict[str, dict[str, Any]] = {
    "days": {"every": "1d"},
    "weeks": {"every": "1w", "zone": "America/New_York"},
    "months": {"every": "1mo", "zone": "Europe/London"},
    "right": {"every": "90m", "closed": "right", "label": "right", "offset": "-7m"},
    "start": {"every": "7m", "origin": "start"},
    "start_day": {"every": "7m", "origin": "start_day", "late": "drop"},
    "at": {"every": "7m", "origin": START + 17, "gaps": "fill"},
    "nulls": {"every": "1h", "gaps": "null"},
    "revised": {"every": "10m", "late": "revise", "keep": 3},
    "exchange": {"every": "1h", "calendar": "XNYS"},
    "all_day": {"every": "1d", "calendar": sessions.Calendar("24/7", zone="Asia/Tokyo")},
    "listed": {"every": "1h", "calendar": listed()},
    "no_pauses": {"every": "1d", "calendar": listed(pauses=False)},
    "ticks": {"ticks": 7, "label": "right"},
    "volume": {"volume": 20.0},
    "value": {"value": 900.0, "late": "drop"},
}


def stream(rows: int = 150) -> Iterator[tuple[int, int, float, float]]:
    rng = np.random.default_rng(4)
    time = START
    for _ in range(rows):
        time += int(rng.integers(0, 3_000)) * SECOND
        late = int(rng.integers(0, 2)) * int(rng.integers(0, 1_500)) * SECOND
        yield int(rng.integers(1, 3)), time - late, float(rng.integers(90, 110)), float(rng.integers(1, 9))


def taken(made: Any) -> list[Any]:
    return [] if made is None else list(made) if isinstance(made, list) else [made]


@pytest.mark.parametrize("kind", KINDS)
def test_a_builder_that_was_saved_goes_on_as_if_nothing_was(kind: str) -> None:
    plain = bars.TradeBarBuilder(**KINDS[kind])
    saved = bars.TradeBarBuilder(**KINDS[kind])
    one, two = [], []
    for at, tick in enumerate(stream()):
        one += taken(plain.push(*tick))
        if at % 13 == 0:
            saved = bars.TradeBarBuilder.from_bytes(saved.to_bytes())
        two += taken(saved.push(*tick))
    assert saved.to_bytes() == plain.to_bytes()
    one, two = one + plain.flush(), two + saved.flush()
    # Bars without a tick are NaN, which equals nothing.
    assert list(map(repr, one)) == list(map(repr, two))
    assert len(one) >= 2
    counts = [(made.late, made.disordered, made.dropped, made.revised, made.outside) for made in (plain, saved)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("volume", "value")])
def test_quotes_by_columns_make_the_bars_of_quotes_one_by_one(kind: str) -> None:
    each, whole = bars.QuoteBarBuilder(**KINDS[kind]), bars.QuoteBarBuilder(**KINDS[kind])
    uics, stamps, bids, spreads = (np.array(column) for column in zip(*stream(), strict=True))
    one: list[Any] = []
    for uic, ts, bid, spread in zip(uics.tolist(), stamps.tolist(), bids, spreads, strict=True):
        one += taken(each.push(uic, ts, bid, bid + spread))
    parts = [pa.table(whole.push_columns(uics.astype(np.int64), stamps, bids, bids + spreads))]
    counts = [(made.late, made.disordered, made.dropped, made.revised, made.outside) for made in (each, whole)]
    assert counts[0] == counts[1]
    one += each.flush()
    parts.append(pa.table(whole.flush_columns()))
    made = pa.concat_tables(parts, promote_options="permissive").to_pydict()
    made["ts"] = [stamp.value for stamp in made["ts"]]
    fields = ("uic", "ts", "bid_open", "bid_high", "bid_low", "bid_close", "ask_open", "ask_low", "ask_close", "ticks")
    there = sorted(str([float(getattr(bar, name)) for name in fields]) for bar in one)
    assert (
        sorted(
            str([math.nan if value is None else float(value) for value in row])
            for row in zip(*(made[name] for name in fields), strict=True)
        )
        == there
    )


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint32])
def test_numbers_of_instruments_may_be_any_whole_numbers(kind: Any) -> None:
    uics, stamps, prices, sizes = (np.array(column) for column in zip(*stream(60), strict=True))
    wanted = bars.TradeBarBuilder("1h").push_columns(uics.astype(np.int64), stamps, prices, sizes)
    for given in (uics.astype(kind), pa.array(uics.astype(kind))):
        assert bars.TradeBarBuilder("1h").push_columns(given, stamps, prices, sizes) == wanted
    for wrong, words in ((uics.astype(float), "expected int64"), (uics.astype("U"), "expected int64")):
        with pytest.raises(SchemaError, match=f"column 'uic' is .*{words}"):
            bars.TradeBarBuilder("1h").push_columns(wrong, stamps, prices)
    with pytest.raises(SchemaError, match="builders stream floats, convert it first"):
        bars.TradeBarBuilder("1h").push_columns(1, stamps, prices.astype(np.int64))


@pytest.mark.parametrize(
    "key", [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
)
@pytest.mark.parametrize("words", [pa.string(), pa.large_string(), pa.string_view()])
def test_symbols_in_a_dictionary_are_those_of_plain_text(key: pa.DataType, words: pa.DataType) -> None:
    names = ["EUR", "USD", "EUR", "JPY"] * 5
    stamps, prices = np.arange(20) * SECOND, np.arange(20.0)
    wanted = bars.bars_from_ticks(stamps, prices, every="4s", by=pa.array(names))
    coded = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 2] * 5, key), pa.array(["EUR", "USD", "JPY"], words))
    if key == pa.uint64():
        with pytest.raises(SchemaError, match="column 'symbol' is Dictionary"):
            bars.bars_from_ticks(stamps, prices, every="4s", by=coded)
        return
    assert pa.table(bars.bars_from_ticks(stamps, prices, every="4s", by=coded)) == pa.table(wanted)
    assert pa.table(bars.bars_from_ticks(stamps, prices, every="4s", by=pa.array(names, words))) == pa.table(wanted)


def test_ten_thousand_symbols_are_told_apart() -> None:
    names = [f"S{n:05}" for n in range(10_000)]
    stamps, prices = np.arange(20_000) // 10_000 * SECOND, np.tile(np.arange(10_000.0), 2)
    made = pa.table(bars.bars_from_ticks(stamps, prices, every="1m", by=pa.array(names * 2)))
    assert sorted(zip(made["symbol"].to_pylist(), made["close"].to_pylist(), strict=True)) == [
        (name, float(n)) for n, name in enumerate(names)
    ]


def test_sessions_that_are_none_are_refused_by_their_row() -> None:
    opens = START + np.arange(3) * DAY
    closes = opens + 3_600 * SECOND
    for arguments, words in (
        ((opens[:0], closes[:0]), "there is none, a calendar needs one at least"),
        ((opens, closes[:2]), "'closes' has 2 rows, but 'opens' has 3"),
        ((opens, closes, opens[:2] + 1, closes[:2] - 1), "'break_starts' has 2 rows"),
        ((opens, closes, pa.array([None, int(opens[1]) + 1, None]), pa.array([None] * 3, pa.int64())), "session 1 of"),
        ((closes, opens), "session 0|row 0"),
    ):
        with pytest.raises(CalendarError, match=words):
            sessions.Calendar.from_sessions("desk", *arguments)
    with pytest.raises(CalendarError, match="Mars"):
        sessions.Calendar.from_sessions("desk", opens, closes, zone="Mars/Olympus")
    made = listed()
    assert repr(made) == '<Calendar "desk" of 9 sessions, zone="Europe/Berlin">'
    assert made.pause("2026-02-04") is None
    assert made.pause("2026-02-03") == (START + 12 * 3_600 * SECOND, START + 13 * 3_600 * SECOND)
    assert made.next_open(START + 10 * DAY) is None
    with pytest.raises(CalendarError, match='date "soon" is not of the form'):
        made.session("soon")


def test_bars_of_bars_count_their_ticks_and_refuse_columns_of_other_lengths() -> None:
    table = {
        "ts": np.arange(4) * SECOND,
        **{name: np.arange(4.0) for name in ("open", "high", "low", "close", "volume")},
        "ticks": np.array([1, 2, 3, 4]),
    }
    made = pa.table(bars.resample(table, every="2s"))
    assert (made["ticks"].to_pylist(), made["volume"].to_pylist()) == ([3, 7], [1.0, 5.0])
    for name in ("volume", "ticks", "low"):
        with pytest.raises(BarError, match=f"column '{name}' has 3 rows, but 'ts' has 4"):
            bars.resample(table | {name: table[name][:3]}, every="2s")
    with pytest.raises(BarError, match="row 2 is at .*, before row 1"):
        bars.resample(table | {"ts": np.array([0, 2, 1, 3]) * SECOND}, every="2s")


def test_ticks_that_go_back_are_refused_for_bars_of_ticks_and_sorted_where_asked() -> None:
    stamps, prices = np.array([0, 2, 1, 3]) * SECOND, np.array([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(BarError, match="row 2 is at .*, before row 1"):
        bars.bars_from_ticks(stamps, prices, ticks=2)
    sizes = np.ones(4)
    for arguments in ({"volume": 2.0}, {"value": 3.0}):
        with pytest.raises(BarError, match="row 2 is at"):
            bars.bars_from_ticks(stamps, prices, sizes, **arguments)
    fixed = pa.table(bars.bars_from_ticks(np.sort(stamps), (prices * 1e9).astype(np.int64), ticks=3))
    assert fixed["close"].to_pylist() == [3 * 10**9, 4 * 10**9]
