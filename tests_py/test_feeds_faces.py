"""What records, messages, pages and feeds show of themselves, and how values are told apart."""

from __future__ import annotations

import math
import pickle
from decimal import Decimal
from typing import Any

import pytest
from exuvia.errors import DecodeError, ExuviaError, FeedSpecError, ValueRangeError
from exuvia.feeds import HubMessage, JsonFeed, PolygonFeed, PolygonPages, ProjectXFeed, Record, SignalR

RS = "\x1e"
ALL: dict[str, Any] = {
    "numbers": "float",
    "records": {
        "row": {
            "fields": {
                "symbol": "symbol $.s",
                "price": "price $.p",
                "count": "int $.n",
                "open": "flag? $.o",
                "note": "text? $.t",
            }
        }
    },
}
ROW = '{"s":"A","p":1.5,"n":-3,"o":true,"t":"a\\u00e9b"}'


def test_a_value_of_each_kind_comes_out_as_python_has_it() -> None:
    feed = JsonFeed(ALL)
    [row] = feed.read(ROW)
    assert row.as_dict() == {"symbol": "A", "price": 1.5, "count": -3, "open": True, "note": "aéb"}
    assert [type(value) for value in row] == [str, float, int, bool, str]
    assert pickle.loads(pickle.dumps(row)) == row
    [other] = feed.read('{"s":"A","p":1.5,"n":-3,"o":null}')
    assert (other.open, other.note, other.raw("open"), other.float("note")) == (None, None, None, None)
    assert (row.raw("count"), row.float("price")) == (-3, 1.5)
    for call, name in ((row.raw, "price"), (row.float, "count"), (row.raw, "open"), (row.float, "symbol")):
        with pytest.raises(TypeError, match=f"{name} is no "):
            call(name)
    assert repr(Record("r", {"x": None, "y": 2.0})) == "Record('r', {'x': None, 'y': 2.0})"


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (None, None, True),
        (None, False, False),
        (True, True, True),
        (True, False, False),
        (True, 1, False),
        (1, 1, True),
        (1, 2, False),
        (1.5, 1.5, True),
        (0.0, -0.0, True),
        (math.nan, math.nan, False),
        ("a", "".join(["a"]), True),
        ("a", "b", False),
        (Decimal("1.5"), Decimal("1.50"), True),
        (Decimal("1e-10"), Decimal("1e-10"), True),
        (Decimal("1e-10"), Decimal("2e-10"), False),
        (Decimal("1.5"), 1.5, False),
    ],
)
def test_records_are_equal_if_their_values_are_and_hash_alike(one: Any, two: Any, same: bool) -> None:
    first, second = Record("r", {"x": one}), Record("r", {"x": two})
    assert (first == second) is same
    assert first != Record("s", {"x": one})
    assert first != Record("r", {"y": one})
    if same:
        assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"x": Decimal("NaN")}, ExuviaError, "NaN"),
        ({"x": Decimal("1e-19")}, ExuviaError, "1E-19"),
        ({"x": Decimal("1e30")}, ExuviaError, "1E\\+30"),
        ({"x": 2**63}, OverflowError, "int"),
        ({1: 2}, TypeError, "int"),
    ],
)
def test_what_no_record_can_hold_is_refused(fields: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Record("r", fields)


def test_messages_of_a_hub_show_what_they_have() -> None:
    hub = SignalR()
    frames = '{"type":2,"invocationId":"7","item":{"a":1}}' + RS + '{"type":42}' + RS
    item, other = hub.feed(frames.encode())
    assert item == HubMessage("stream_item", invocation_id="7", result='{"a":1}')
    assert repr(item) == "HubMessage(kind='stream_item', invocation_id='7', result='{\"a\":1}')"
    assert other.kind == "other"
    close = HubMessage("close", error="bye", allow_reconnect=True)
    assert repr(close) == "HubMessage(kind='close', error='bye', allow_reconnect=True)"
    assert pickle.loads(pickle.dumps(close)) == close
    assert SignalR.handshake_answer() == "{}" + RS
    assert SignalR.completion("1", "2") == '{"type":3,"invocationId":"1","result":2}' + RS


def test_half_a_record_waits_and_is_forgotten_after_a_reconnect() -> None:
    hub = SignalR()
    assert hub.feed('{"type":') == []
    assert (hub.waiting, hub.broken, hub.last_error) == (8, 0, None)
    hub.reset()
    assert hub.waiting == 0
    assert [message.kind for message in hub.feed("{}" + RS + '{"type":6}' + RS)] == ["handshake", "ping"]
    with pytest.raises(DecodeError, match="JSON breaks at byte 1"):
        SignalR.completion("1", "{")
    with pytest.raises(TypeError, match="not JSON serializable"):
        SignalR.invocation("Subscribe", object())


def test_a_record_that_never_ends_is_given_up_and_said() -> None:
    hub = SignalR()
    piece = b"x" * 1_000_000
    for _ in range(40):
        hub.feed(piece)
        if hub.broken:
            break
    assert hub.broken == 1
    assert hub.waiting <= 40_000_000
    assert hub.last_error is not None


def test_pages_show_what_they_have_and_wait_to_be_taken() -> None:
    pages = PolygonPages("bars")
    body = '{"ticker":"X","status":"OK","queryCount":1,"results":[{"o":1,"h":2,"l":1,"c":2,"v":5,"t":1770094800000}'
    page = pages.feed(body + ',null],"next_url":"https://api.polygon.io/v2/aggs?cursor=y"}')
    assert repr(page) == "<PolygonPage OK of 1 rows, more to come>"
    assert repr(pages.feed("{}")) == "<PolygonPage without a status of 0 rows>"
    assert (len(pages), pages.skips, pages.skipped) == (1, {"no row": 1}, 1)
    assert repr(pages) == "<PolygonPages of 1 rows, 1 skipped>"
    assert pages.last_skip is not None
    assert "null" in pages.last_skip
    assert pages.take_arrow().num_rows == 1
    assert len(pages) == 0
    assert page == PolygonPages("bars").feed(body + ',null],"next_url":"https://api.polygon.io/v2/aggs?cursor=y"}')
    with pytest.raises(FeedSpecError, match="use exact, wide or float"):
        PolygonPages("bars", numbers="double")


def test_rows_of_a_page_are_built_as_asked_for() -> None:
    body = '{"ticker":"X","status":"OK","results":[{"o":1,"h":2,"l":1,"c":2,"v":5,"t":1770094800000}]}'
    _, [row] = PolygonPages("bars", record=tuple).read(body)
    assert type(row) is tuple
    with pytest.raises(ZeroDivisionError):
        PolygonPages("bars", record=lambda *_: 1 // 0).read(body)
    _, [named] = PolygonPages("trades", record=None).read(
        '{"status":"OK","results":[{"price":1.5,"size":2,"sip_timestamp":1770094800000000000,"id":"1"}]}', symbol="AAPL"
    )
    assert (named.symbol, named.price) == ("AAPL", Decimal("1.5"))


def test_feeds_of_a_venue_take_numbers_as_they_are_asked_for() -> None:
    for make in (ProjectXFeed, PolygonFeed):
        with pytest.raises(FeedSpecError, match="use exact, wide or float"):
            make(numbers="double")
        with pytest.raises(ValueRangeError, match="record names the kind 'news'|record names the kind \"news\""):
            make(record={"news": tuple})
        assert repr(make(numbers="float")) == f"<{make.__name__} of 0 records, 0 skipped>"
    trade = '[{"ev":"T","sym":"AAPL","p":188.5,"s":10,"t":1770129000000,"q":1}]'
    [row] = PolygonFeed(numbers="float", record={"trade": tuple}).read(trade)
    assert type(row) is tuple
    assert 188.5 in row


def test_a_hubs_lines_are_its_stream_and_a_reset_drops_half_a_record() -> None:
    hub = ProjectXFeed()
    event = '{"type":1,"target":"GatewayTrade","arguments":["C",[{"price":1,"timestamp":"2026-02-03T14:30:00Z",'
    whole = event + '"type":0,"volume":2}]]}' + RS
    assert hub.feed_lines("{}" + RS + whole) == 1
    assert hub.feed_many([whole.encode(), bytearray(whole.encode())]) == 2
    hub.feed(event)
    hub.reset()
    assert hub.feed("{}" + RS + whole) == 1
    assert (len(hub), hub.waiting["trade"]) == (4, 4)
    assert hub.kinds["trade"]["price"].startswith("price")


def test_what_no_record_takes_is_counted_with_its_beginning() -> None:
    feed = JsonFeed({"records": {"trade": {"when": {"$.e": "trade"}, "fields": {"price": "price $.p"}}}})
    assert (feed.unmatched, feed.last_unmatched, feed.last_skip) == (0, None, None)
    assert feed.feed('{"e":"ack"}') == 0
    assert (feed.unmatched, feed.last_unmatched) == (1, '{"e":"ack"}')
    assert feed.read_one('{"e":"ack"}') is None
    long = '{"e":"ack","note":"' + "x" * 500 + '"}'
    feed.feed(long)
    assert feed.last_unmatched == long[:160] + "…"
    with pytest.raises(TypeError, match="is not an instance of 'bytes"):
        feed.feed_lines(7)  # type: ignore[arg-type]
