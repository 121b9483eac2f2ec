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


def declared(fields: dict[str, Any], **record: Any) -> JsonFeed:
    numbers = record.pop("numbers", "exact")
    return JsonFeed({"numbers": numbers, "records": {"r": {"fields": fields, **record}}})


@pytest.mark.parametrize(
    ("fields", "record", "words"),
    [
        ({"p": {"from": "price $.p", "scale": 2}}, {}, "is unknown: a field has from, codes, zero, round and keep"),
        ({"p": "price"}, {}, r'records.r.fields.p: path "" starts with neither \$ nor @'),
        ({"p": {"codes": {"a": "b"}}}, {}, "records.r.fields.p"),
        ({"p": 'price $["p'}, {}, 'has no "] after'),
        ({"p": "price $[1"}, {}, "has no ] after"),
        ({"p": "price $" + ".a" * 17}, {}, "has more than 16 steps"),
        ({"p": "price $.a\\b"}, {}, "a quote, a backslash or a control character"),
        ({"p": {"from": "price $.p", "codes": {"a": "b"}}}, {}, "has codes: only a symbol has them"),
        ({"p": "price symbol"}, {}, "which is a symbol"),
        ({"s": "symbol $.s", "t": "text $.t"}, {"merge": True}, "is text, which cannot be merged"),
        ({"p": "price $.p"}, {"merge": True}, "merge needs a symbol field"),
        ({"p": "price @[0]", "side": "constant"}, {"rows": ["$.a[0].b", "$.c[-1]"]}, r"rows \$.a\[0\].b do not say"),
        ({"p": "price @[0]", "side": "constant"}, {"rows": ["$.c[-1]"]}, r"rows \$.c\[-1\] do not say"),
        ({"b": "price $.b", "a": "price $.a"}, {"crossed": ["b"]}, "must be two names"),
        ({"b": "price $.b"}, {"crossed": ["b", "a"]}, '"a"'),
    ],
)
def test_a_declaration_that_cannot_be_followed_is_refused_by_its_field(
    fields: dict[str, Any], record: dict[str, Any], words: str
) -> None:
    with pytest.raises(FeedSpecError, match=words):
        declared(fields, **record)


def test_a_path_may_name_any_key_and_count_from_either_end() -> None:
    feed = declared({"a": 'int $["x.y"]', "b": "int $.list[1]", "c": "int $.list[-1]", "d": 'int? $[""]'})
    [row] = feed.read('{"x.y":1,"list":[2,3,4],"":5}')
    assert tuple(row) == (1, 3, 4, 5)
    assert tuple(feed.read('{"list":[9,8],"x.y":1}')[0]) == (1, 8, 8, None)
    assert feed.read('{"list":[],"x.y":1}') == []
    assert feed.skips == {"missing": 1}


@pytest.mark.parametrize(
    ("numbers", "bid", "ask"), [("exact", "2.5", "2"), ("wide", "2.5", "1e-10"), ("float", "2.5", "2")]
)
def test_a_crossed_quote_is_told_with_both_its_sides(numbers: str, bid: str, ask: str) -> None:
    feed = declared({"bid": "price $.b", "ask": "price $.a"}, crossed=["bid", "ask"], numbers=numbers)
    assert feed.feed(f'{{"b":{bid},"a":{ask}}}') == 0
    shown = {"1e-10": "0.0000000001"}.get(ask, ask)
    assert (feed.skips, feed.last_skip) == ({"crossed": 1}, f"r: bid {bid} is above ask {shown}")
    assert feed.feed(f'{{"b":{ask},"a":{bid}}}') == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("flag $.x", '"yes"', 'r.x "yes" is no flag'),
        ("flag $.x", "1", "r.x 1 is no flag"),
        ("text $.x", "{}", "r.x an object or array is no text"),
        ("text $.x", '"\\ud800"', "is no text"),
        ("int $.x", "true", "r.x true is no int"),
        ("int $.x", "1.5", "r.x 1.5 is no int"),
        ("price $.x", "false", "r.x false is no price"),
        ("price $.x", "null", "r.x is not there or null: mark it optional (price?)"),
        ("price $.x", "0", "r.x 0 is not above zero"),
        ("size $.x", "-1", "r.x -1 is below zero, which no amount is"),
        ("price $.x", "1e12", "r.x 1e12 does not fit"),
        ("price $.x", "1e-10", "r.x 1e-10 has more decimals than fit (9)"),
        ("time:ms $.x", "1770094800", "in s it would be a time; declare time:s"),
        ("time:iso $.x", '"noon"', "is no time:iso"),
        ("time:s $.x", "5", "r.x 5 is no time:s of 1980 to 2200"),
    ],
)
def test_a_value_that_its_field_cannot_be_is_left_out_with_a_sentence(field: str, value: str, said: str) -> None:
    feed = declared({"x": field})
    assert feed.feed(f'{{"x":{value}}}') == 0
    assert feed.last_skip is not None
    assert said in feed.last_skip
    with pytest.raises(DecodeError):
        JsonFeed({"records": {"r": {"fields": {"x": field}}}}, strict=True).feed(f'{{"x":{value}}}')


def test_a_number_rounded_by_declaration_is_padded_with_the_zeros_that_its_exponent_means() -> None:
    feed = declared({"x": {"from": "number $.x", "round": True}})
    values = [feed.read(f'{{"x":{text}}}')[0].x for text in ("1.23456789012e3", "5e1", "0.12345678949999e1", "2e-10")]
    assert values == [Decimal("1234.56789012"), Decimal(50), Decimal("1.234567895"), Decimal(0)]
    assert feed.rounded == 2


def test_only_the_newest_controls_of_a_hub_are_kept() -> None:
    hub = ProjectXFeed()
    hub.feed("{}" + RS + SignalR.ping() * 2_000 + "no json" + RS)
    kept = hub.take_controls()
    assert (len(kept), {message.kind for message in kept}) == (1_024, {"ping"})
    assert hub.skips == {"broken": 1}
