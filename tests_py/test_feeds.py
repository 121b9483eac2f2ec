"""Feeds from Python: the protocols' own examples byte by byte, bad input, records as values, many threads."""

from __future__ import annotations

import inspect
import json
import math
import pickle
import threading
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from exuvia.errors import DecodeError, FeedSpecError, ValueRangeError
from exuvia.feeds import HubMessage, JsonFeed, PolygonFeed, PolygonPages, ProjectXFeed, Record, SignalR
from exuvia.quotes import Message, QuoteStream, encode_frame
from hypothesis import given
from hypothesis import strategies as st

TRADES: dict[str, Any] = {
    "records": {
        "trade": {
            "when": {"$.e": "trade"},
            "fields": {"symbol": "symbol $.s", "ts": "time:ms $.T", "price": "price $.p", "size": "size $.q"},
        }
    }
}
FRAME = b'{"e":"trade","s":"BTCUSDT","T":1723161256322,"p":"61800.30","q":"0.006"}'
TS = 1723161256322000000


class Trade(NamedTuple):
    symbol: str
    ts: int
    price: Decimal
    size: Decimal


# --- records ---


def test_a_record_is_a_value():
    feed = JsonFeed(TRADES)
    [one], [same] = feed.read(FRAME), JsonFeed(TRADES).read(FRAME)
    [other] = feed.read(FRAME.replace(b"0.006", b"0.007"))
    assert one == same != other
    assert hash(one) == hash(same)
    assert one != tuple(one)
    assert pickle.loads(pickle.dumps(one)) == one
    assert hash(pickle.loads(pickle.dumps(one))) == hash(one)
    assert one == Record(
        "trade", {"symbol": "BTCUSDT", "ts": TS, "price": Decimal("61800.30"), "size": Decimal("6e-3")}
    )
    assert repr(one).startswith(
        "Record('trade', {'symbol': 'BTCUSDT', 'ts': 1723161256322000000, 'price': Decimal('61800.3')"
    )
    assert (one.kind, one.names, len(one)) == ("trade", ("symbol", "ts", "price", "size"), 4)
    symbol, ts, price, size = one
    assert (symbol, ts, price, size) == ("BTCUSDT", TS, Decimal("61800.3"), Decimal("0.006"))
    assert one.as_dict() == {"symbol": symbol, "ts": ts, "price": price, "size": size}
    with pytest.raises(AttributeError):
        one.price = Decimal(1)
    with pytest.raises(AttributeError, match="bid"):
        one.bid  # noqa: B018 - it is the look-up that fails
    assert getattr(one, "pri" + "ce") == price
    assert (one.raw("price"), one.float("price"), one.raw("ts")) == (61800300000000, 61800.3, TS)
    with pytest.raises(KeyError, match="trade has no field bid: it has symbol, ts, price, size"):
        one.raw("bid")
    with pytest.raises(TypeError, match="symbol is no price"):
        one.float("symbol")


def test_a_number_is_one_value_however_it_is_kept():
    wide = json.loads(json.dumps(TRADES)) | {"numbers": "wide"}
    [narrow], [broad] = JsonFeed(TRADES).read(FRAME), JsonFeed(wide).read(FRAME)
    assert narrow == broad
    assert hash(narrow) == hash(broad)
    assert broad.raw("price") == 61800300000000 * 10**9
    tiny = Record("r", {"x": Decimal("1e-10"), "none": None, "flag": True})
    assert pickle.loads(pickle.dumps(tiny)) == tiny
    assert tiny.x == Decimal("1e-10")
    assert tiny.float("x") == 1e-10
    with pytest.raises(TypeError, match="a record holds None, Decimal, float, int, str and bool, got list"):
        Record("r", {"x": []})


def test_fields_of_records_repeat_no_strings():
    feed = JsonFeed(TRADES)
    [one], [two] = feed.read(FRAME), feed.read(FRAME)
    assert one.symbol is two.symbol


@pytest.mark.parametrize(
    "made", [Trade, dataclass(frozen=True)(type("Plain", (), {"__annotations__": Trade.__annotations__})), tuple]
)
def test_your_own_records_are_built(made: Any):
    values = ("BTCUSDT", TS, Decimal("61800.3"), Decimal("0.006"))
    [trade] = JsonFeed(TRADES, record=made).read(FRAME)
    assert isinstance(trade, made)
    assert trade == (values if made is tuple else made(*values))
    [trade] = JsonFeed(TRADES, record={"trade": made}).read(FRAME)
    assert isinstance(trade, made)
    with pytest.raises(ValueRangeError, match='record names the kind "quote": this feed has trade'):
        JsonFeed(TRADES, record={"quote": made})


def test_an_error_of_your_own_record_comes_through_and_it_may_use_the_feed():
    feed: JsonFeed

    def record(*fields: object) -> int:
        return feed.unmatched + len(feed.read(b"{}")) + len(fields)

    feed = JsonFeed(TRADES, record=record)
    assert feed.read(FRAME) == [4]
    with pytest.raises(ZeroDivisionError):
        JsonFeed(TRADES, record=lambda *_: 1 // 0).read(FRAME)


# --- frames, columns, counts ---


def test_one_record_a_frame_is_read_alone():
    feed = JsonFeed({"split": True} | TRADES)
    assert feed.read_one(FRAME) == feed.read(FRAME)[0]
    assert feed.read_one(b"{}") is None
    with pytest.raises(DecodeError, match="the frame holds 2 records: read and feed take all of them"):
        feed.read_one(b"[" + FRAME + b"," + FRAME + b"]")


@pytest.mark.parametrize("frame", [FRAME, FRAME.decode(), bytearray(FRAME), memoryview(FRAME)])
def test_text_and_all_kinds_of_bytes_are_frames(frame: Any):
    feed = JsonFeed(TRADES)
    assert feed.feed(frame) == 1
    assert len(feed.read(frame)) == 1
    with pytest.raises(TypeError, match="expected bytes, bytearray or memoryview, got int"):
        feed.feed(7)  # type: ignore[arg-type]


def test_columns_are_typed_and_exact():
    feed = JsonFeed(TRADES)
    assert feed.feed_many([FRAME, FRAME.decode(), bytearray(FRAME)]) == len(feed) == 3
    assert feed.feed_lines(b"\n".join([FRAME, b"", FRAME])) == 2
    table = pa.table(feed.take_arrow("trade"))
    assert table.schema == pa.schema(
        {
            "symbol": pa.dictionary(pa.int32(), pa.string()),
            "ts": pa.timestamp("ns", "UTC"),
            "price": pa.decimal128(19, 9),
            "size": pa.decimal128(19, 9),
        }
    )
    assert table["price"].to_pylist() == [Decimal("61800.3")] * 5
    assert table["symbol"].to_pylist() == ["BTCUSDT"] * 5
    assert len(feed) == feed.waiting["trade"] == 0
    assert feed.take_arrow("trade").num_rows == 0
    with pytest.raises(ValueRangeError, match='kind "quote" is unknown: this feed has trade'):
        feed.take_arrow("quote")
    floats = JsonFeed(TRADES | {"numbers": "float"})
    floats.feed(FRAME)
    assert pa.table(floats.take_arrow("trade"))["price"].to_pylist() == [61800.3]
    assert floats.kinds == {"trade": {"symbol": "symbol", "ts": "time:ms", "price": "price", "size": "size"}}


def test_what_is_left_out_is_counted_and_a_strict_feed_says_it_at_once():
    bad = FRAME.replace(b"61800.30", b"NaN")
    feed, strict = JsonFeed(TRADES), JsonFeed(TRADES, strict=True)
    assert [feed.feed(frame) for frame in (b"<html>", bad, FRAME, b'{"e":"hello"}')] == [0, 0, 1, 0]
    assert feed.skips == {"broken": 1, "not finite": 1}
    assert (feed.skipped, feed.unmatched, feed.last_unmatched) == (2, 1, '{"e":"hello"}')
    assert feed.last_skip == 'trade.price "NaN" is not finite: a feed that has no value should leave it out'
    assert repr(feed) == "<JsonFeed of 1 records, 2 skipped>"
    for call in (strict.feed, strict.read, lambda frame: strict.feed_many([frame, FRAME]), strict.feed_lines):
        with pytest.raises(DecodeError, match='trade.price "NaN" is not finite'):
            call(bad)
    assert strict.feed(FRAME) == 1
    assert len(strict) == 2, "what came with the bad frame was kept"
    with pytest.raises(DecodeError, match="JSON breaks at byte 0"):
        strict.feed("<html>")


def test_a_declaration_may_be_toml_and_a_wrong_one_teaches():
    text = """
        [records.trade]
        when = { "$.e" = "trade" }
        [records.trade.fields]
        symbol = "symbol $.s"
        price = { from = "price $.p", zero = "null" }
    """
    [trade] = JsonFeed(tomllib.loads(text)).read(FRAME)
    assert tuple(trade) == ("BTCUSDT", Decimal("61800.3"))
    assert len(JsonFeed(json.dumps(TRADES)).read(FRAME)) == 1
    for spec, words in [
        ({}, "no records"),
        ({"records": {"t": {"fields": {"p": "prize $.p"}}}}, 'records.t.fields.p: type "prize" is unknown'),
        ('{"records":', "not JSON"),
    ]:
        with pytest.raises(FeedSpecError, match=words):
            JsonFeed(spec)  # type: ignore[arg-type]
    with pytest.raises(FeedSpecError, match="use exact, wide or float"):
        PolygonFeed(numbers="double")
    with pytest.raises(FeedSpecError, match="use s, ms, us, ns or iso"):
        JsonFeed(TRADES).feed_lines(FRAME, stamps="minutes")


def test_threads_share_a_feed_without_losing_anything():
    feed = JsonFeed(TRADES)
    threads = [threading.Thread(target=feed.feed_many, args=([FRAME] * 2_000,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(feed), feed.rows, feed.messages) == (8_000, {"trade": 8_000}, {"trade": 8_000})


def test_a_feed_can_be_subclassed_and_shows_its_signature():
    class Mine(JsonFeed):
        pass

    assert repr(Mine(TRADES)) == "<Mine of 0 records, 0 skipped>"
    assert str(inspect.signature(JsonFeed)) == "(spec, record=None, strict=False)"
    assert str(inspect.signature(JsonFeed.feed)) == "(self, /, frame, received=None, symbol=None)"


# --- against json.loads ---

PRICES = st.one_of(
    st.decimals(min_value="0.000000001", max_value=10**9, places=9).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "null", "true", "{}", "[]", '""', '"x"', '"1,5"']),
)
QUOTED = st.builds(lambda text, quoted: f'"{text}"' if quoted and '"' not in text else text, PRICES, st.booleans())


def model(text: str) -> Decimal | None:
    """The price that a value is, or None: written down a second time on `json.loads`."""
    value = json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)
        except ValueError:
            return None
    if not isinstance(value, Decimal) or not value.is_finite() or value <= 0:
        return None
    scaled = value.scaleb(9)
    return value if scaled == int(scaled) and scaled < 2**63 else None


@given(st.lists(QUOTED, max_size=6))
def test_prices_are_those_of_decimal(texts: list[str]):
    spec = {"records": {"p": {"rows": "$", "fields": {"x": "price @"}}}}
    feed = JsonFeed(spec)
    wanted = [price for price in map(model, texts) if price is not None]
    frame = f"[{', '.join(texts)}]"
    assert [row.x for row in feed.read(frame)] == wanted
    assert feed.skipped == len(texts) - len(wanted)
    floats = JsonFeed(spec | {"numbers": "float"})
    plain = [float(price) for price in wanted]
    assert [x for x in (row.x for row in floats.read(frame)) if x in plain or math.isnan(x)] == plain or not plain


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_have_the_bits_of_pythons_float(value: float):
    spec = {"records": {"p": {"fields": {"x": "float $.x"}}}}
    for text in (json.dumps(value), f'"{value!r}"'):
        [row] = JsonFeed(spec).read(f'{{"x":{text}}}')
        assert row.x.hex() == value.hex()


# --- SignalR ---

RS = "\x1e"


def test_a_hub_is_read_and_written_as_documented():
    hub = SignalR()
    assert hub.handshake() == '{"protocol":"json","version":1}' + RS
    assert SignalR.invocation("SubscribeContractQuotes", "CON.F.US.ENQ.H26", invocation_id="1") == (
        '{"type":1,"invocationId":"1","target":"SubscribeContractQuotes","arguments":["CON.F.US.ENQ.H26"]}' + RS
    )
    frames = [
        "{}" + RS,
        '{"type":3,"invocationId":"1","result":null}' + RS + '{"type":6}' + RS + '{"type":1,"target":"Got',
        'It","arguments":[1,{"a":2}]}' + RS + '{"type":1}' + RS,
        SignalR.completion("2", error="no") + SignalR.close("bye", allow_reconnect=True) + SignalR.ping(),
    ]
    messages = [message for frame in frames for message in hub.feed(frame)]
    assert messages == [
        HubMessage("handshake"),
        HubMessage("completion", invocation_id="1", result="null"),
        HubMessage("ping"),
        HubMessage("invocation", "GotIt", '[1,{"a":2}]'),
        HubMessage("completion", invocation_id="2", error="no"),
        HubMessage("close", error="bye", allow_reconnect=True),
        HubMessage("ping"),
    ]
    assert (hub.broken, hub.waiting) == (1, 0)
    assert hub.last_error is not None
    assert "has no target" in hub.last_error
    assert pickle.loads(pickle.dumps(messages[3])) == messages[3]
    assert hash(messages[2]) == hash(messages[6])
    match messages[3]:
        case HubMessage("invocation", target, arguments):
            assert (target, arguments) == ("GotIt", '[1,{"a":2}]')
    assert SignalR.handshake_answer("no such protocol") == '{"error":"no such protocol"}' + RS


def gateway(target: str, data: str) -> str:
    return f'{{"type":1,"target":"{target}","arguments":["CON.F.US.ENQ.H26",{data}]}}{RS}'


def test_the_market_hubs_events_become_records():
    hub = ProjectXFeed()
    whole = gateway(
        "GatewayQuote",
        '{"symbol":"F.US.ENQ","symbolName":"NQ","lastPrice":21010.25,"bestBid":21010,"bestAsk":21010.5,"change":-1.25,'
        '"changePercent":-0.000059,"open":20998,"high":21020.75,"low":20990.25,"volume":182345,'
        '"lastUpdated":"2026-02-03T14:30:00+00:00","timestamp":"2026-02-03T14:30:00.1234567+00:00"}',
    )
    sparse = gateway(
        "GatewayQuote", '{"symbol":"F.US.ENQ","bestBid":21010.25,"lastUpdated":"2026-02-03T14:30:01+00:00"}'
    )
    first, second = hub.read("{}" + RS + whole + sparse)
    assert (first.kind, first.symbol, first.ts) == ("quote", "CON.F.US.ENQ.H26", 1770129000123456700)
    assert (first.bid, first.ask, first.last, first.volume, first.change) == tuple(
        map(Decimal, ("21010", "21010.5", "21010.25", "182345", "-1.25"))
    )
    assert second.as_dict() == first.as_dict() | {"ts": 1770129001000000000, "bid": Decimal("21010.25")}
    trades = gateway(
        "GatewayTrade",
        '[{"symbolId":"F.US.ENQ","price":21010.5,"timestamp":"2026-02-03T14:30:01+00:00","type":0,"volume":2},null,'
        '{"symbolId":"F.US.ENQ","price":21010.25,"timestamp":"2026-02-03T14:30:02+00:00","type":1,"volume":1}]',
    )
    assert [(t.side, t.price, t.size) for t in hub.read(trades)] == [
        ("buy", Decimal("21010.5"), Decimal(2)),
        ("sell", Decimal("21010.25"), Decimal(1)),
    ]
    assert hub.skips == {"no row": 1}
    one = gateway(
        "GatewayDepth", '{"timestamp":"2026-02-03T14:30:02+00:00","type":6,"price":0,"volume":0,"currentVolume":0}'
    )
    many = gateway(
        "GatewayDepth",
        '[{"timestamp":"2026-02-03T14:30:02+00:00","type":2,"price":21010,"volume":4,"currentVolume":9}]',
    )
    assert [(d.type, d.price, d.resting) for d in hub.read(one + many)] == [
        ("reset", Decimal(0), Decimal(0)),
        ("bid", Decimal(21010), Decimal(9)),
    ]
    closing = SignalR.close("token expired")
    assert hub.feed(gateway("GatewayLogout", "null") + SignalR.ping() + closing + '{"type":42}' + RS) == 0
    assert [control.kind for control in hub.take_controls()] == ["handshake", "ping", "close"]
    assert hub.unmatched == 2
    assert hub.take_controls() == []


def test_a_market_hub_stream_split_at_any_byte_gives_the_same():
    quote = gateway("GatewayQuote", '{"bestBid":1,"bestAsk":2.5,"timestamp":"2026-02-03T14:30:00Z","symbolName":"é"}')
    stream = ("{}" + RS + quote + SignalR.ping() + quote.replace("2.5", "3")).encode()
    whole = ProjectXFeed().read(stream)
    assert len(whole) == 2
    for cut in range(len(stream) + 1):
        hub = ProjectXFeed()
        assert hub.read(stream[:cut]) + hub.read(stream[cut:]) == whole
        assert [control.kind for control in hub.take_controls()] == ["handshake", "ping"]


def test_subscriptions_of_the_market_hub_are_written():
    calls = SignalR().feed(ProjectXFeed.subscription("CON.F.US.ENQ.H26"))
    assert [call.target for call in calls] == [
        f"SubscribeContract{event}" for event in ("Quotes", "Trades", "MarketDepth")
    ]
    assert {call.arguments for call in calls} == {'["CON.F.US.ENQ.H26"]'}
    [end] = SignalR().feed(ProjectXFeed.subscription("X", ["trades"], subscribe=False))
    assert end.target == "UnsubscribeContractTrades"
    with pytest.raises(ValueRangeError, match="use quotes, trades or depth"):
        ProjectXFeed.subscription("X", ["news"])


# --- Saxo ---


def test_a_saxo_stream_goes_on_through_control_messages_and_hands_protobuf_through():
    price = b'[{"Uic":21,"LastUpdated":"2014-05-07T00:00:07Z","Quote":{"Bid":1.392,"Ask":1.393}}]'
    protobuf = Message(4, "prices", 1, b"\x08\x96\x01")
    frame = encode_frame(
        [
            Message(1, "prices", 0, price),
            Message(
                2, "_resetsubscriptions", 0, b'[{"ReferenceId":"_resetsubscriptions","TargetReferenceIds":["prices"]}]'
            ),
            Message(3, "_disconnect", 0, b'[{"ReferenceId":"_disconnect"}]'),
            protobuf,
            Message(5, "prices", 0, b"[{"),
            Message(6, "prices", 0, price),
        ]
    )
    stream = QuoteStream(["prices"])
    assert stream.feed(frame) == 2
    assert [control.kind for control in stream.take_controls()] == ["resetsubscriptions", "disconnect"]
    assert stream.take_payloads() == [protobuf]
    assert stream.take_payloads() == []
    assert (stream.broken, stream.last_message_id) == (2, 6)


# --- Polygon ---

EVENTS = (
    '[{"ev":"T","sym":"AAPL","x":4,"i":"12345","z":3,"p":188.01,"s":100,"c":[0,12],"t":1770130800123,"q":3681328},'
    '{"ev":"Q","sym":"AAPL","bx":4,"bp":187.98,"bs":3,"ax":7,"ap":188.02,"as":1,"c":0,"i":[604],"t":1770130800120,"q":50385480,"z":3},'
    '{"ev":"AM","sym":"AAPL","v":4110,"av":9470157,"op":187.5,"vw":187.9,"o":187.8,"c":188.0,"h":188.1,"l":187.7,"a":187.6,'
    '"z":68,"s":1770130740000,"e":1770130800000}]'
)


def test_polygons_events_become_records():
    feed = PolygonFeed()
    trade, quote, bar = feed.read(EVENTS)
    assert (trade.kind, trade.symbol, trade.price, trade.size, trade.id) == (
        "trade", "AAPL", Decimal("188.01"), Decimal(100), "12345")  # fmt: skip
    assert (trade.ts, trade.exchange, trade.sequence, trade.trf_ts) == (1770130800123000000, 4, 3681328, None)
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_exchange) == (
        Decimal("187.98"), Decimal("188.02"), Decimal(3), 7)  # fmt: skip
    assert (bar.every, bar.open, bar.close, bar.volume, bar.vwap) == (
        "1m", Decimal("187.8"), Decimal(188), 4110.0, 187.9)  # fmt: skip
    assert bar.end - bar.ts == 60 * 10**9
    status = '[{"ev":"status","status":"max_connections","message":"Maximum number of websocket connections exceeded"}]'
    [said] = feed.read(status)
    assert (said.kind, said.status) == ("status", "max_connections")
    assert feed.read('[{"ev":"NEW","x":1},null,{"ev":"T","sym":"A","p":1,"s":1,"t":1770130800123000}]') == []
    assert (feed.unmatched, feed.skips) == (1, {"no row": 1, "time": 1})
    assert feed.last_skip is not None
    assert feed.last_skip.endswith("in us it would be a time; declare time:us")
    [one_sided] = feed.read('[{"ev":"Q","sym":"O:X","bp":0,"bs":0,"ap":0.05,"as":9,"t":1770130800120}]')
    assert (one_sided.bid, one_sided.ask) == (None, Decimal("0.05"))
    assert json.loads(PolygonFeed.auth('k"ey')) == {"action": "auth", "params": 'k"ey'}
    assert json.loads(PolygonFeed.subscribe("T.AAPL", "AM.*")) == {"action": "subscribe", "params": "T.AAPL,AM.*"}
    assert json.loads(PolygonFeed.unsubscribe("T.AAPL")) == {"action": "unsubscribe", "params": "T.AAPL"}


def test_polygons_repeats_are_counted_and_kept():
    feed = PolygonFeed()
    for _ in range(2):
        feed.feed(EVENTS)
    assert (feed.rows["trade"], feed.repeated["trade"], feed.repeated["quote"], feed.reordered["trade"]) == (2, 1, 1, 0)


def test_a_page_without_results_has_no_rows_and_one_that_is_no_json_is_an_error():
    pages = PolygonPages("bars")
    for text in (
        '{"status":"OK","resultsCount":0}',
        '{"status":"DELAYED","results":null}',
        '{"status":"OK","results":[]}',
    ):
        page = pages.feed(text)
        assert (page.ok, page.rows, page.next_url) == (True, 0, None)
    page = pages.feed('{"status":"NOT_AUTHORIZED","request_id":"r1","message":"You are not entitled to this data."}')
    assert (page.ok, page.status, page.error, page.request_id) == (
        False, "NOT_AUTHORIZED", "You are not entitled to this data.", "r1")  # fmt: skip
    assert pages.skipped == 0
    for body, words in [
        ("", "page is empty"),
        (b"  \n", "429 may come without a body"),
        ("<html><h1>502 Bad Gateway</h1>", "a proxy or an error page"),
        ('{"results":[{"o":1}', "found the end"),
        ("[]", "expected a JSON object"),
    ]:
        with pytest.raises(DecodeError, match=words):
            pages.feed(body)
    page, rows = PolygonPages("bars").read(
        '{"ticker":"X","status":"OK","results":[{"o":1,"h":2,"l":1,"c":2,"v":1e+06,"t":1770094800000},null,'
        '{"o":"1,5","h":2,"l":1,"c":2,"v":1,"t":1770094800000}]}'
    )
    assert (page.rows, len(rows), rows[0].volume, rows[0].symbol) == (1, 1, 1e6, "X")
    with pytest.raises(FeedSpecError, match="use bars, trades, quotes or chain"):
        PolygonPages("news")


def test_option_contracts_without_greeks_are_rows():
    chain = PolygonPages("chain", numbers="float")
    page, [row] = chain.read(
        '{"status":"OK","results":[{"details":{"contract_type":"call","exercise_style":"american","expiration_date":"2026-02-20",'
        '"shares_per_contract":100,"strike_price":185,"ticker":"O:AAPL260220C00185000"},"greeks":{},"open_interest":1500,'
        '"underlying_asset":{"ticker":"AAPL","price":188.0}}],"next_url":"https://api.polygon.io/v3/snapshot/options/AAPL?cursor=x"}'
    )
    assert page.next_path == "/v3/snapshot/options/AAPL?cursor=x"
    assert (row.symbol, row.strike, row.right, row.delta, row.bid) == (
        "O:AAPL260220C00185000",
        185.0,
        "call",
        None,
        None,
    )
