"""Rows of the wire: one quote to fields, captured streams into columns, SignalR records, Saxo frames."""

from __future__ import annotations

import gzip
import os
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
import polars as pl
import pyarrow as pa
from exuvia.feeds import JsonFeed, ProjectXFeed
from exuvia.quotes import Message, QuoteBook, QuoteStream, encode_frame

from rows import Job, row

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(os.environ.get("EXUVIA_DATA") or Path(__file__).resolve().parents[2].parent / "shared" / "data")
CAPTURE = DATA / "nkaz001__hftbacktest" / "examples" / "usdm" / "btcusdt_20240808.gz"
MISSING = f"no capture at {CAPTURE}: set EXUVIA_DATA"
QUOTE_FIELDS = {
    "symbol": "symbol $.data.s",
    "ts": "time:ms $.data.T",
    "update": "int $.data.u",
    "bid": "price $.data.b",
    "bid_size": "size $.data.B",
    "ask": "price $.data.a",
    "ask_size": "size $.data.A",
}
SPEC: dict[str, Any] = {
    "numbers": "float",
    "records": {
        "quote": {"when": {"$.data.e": "bookTicker"}, "fields": QUOTE_FIELDS},
        "trade": {
            "when": {"$.data.e": "trade"},
            "fields": {
                "symbol": "symbol $.data.s",
                "ts": "time:ms $.data.T",
                "price": {"from": "price $.data.p", "zero": "keep"},
                "size": "size $.data.q",
            },
        },
        "depth": {
            "when": {"$.data.e": "depthUpdate"},
            "rows": {"$.data.b": {"side": "bid"}, "$.data.a": {"side": "ask"}},
            "fields": {
                "symbol": "symbol $.data.s",
                "ts": "time:ms $.data.T",
                "side": "constant",
                "price": "price @[0]",
                "size": "size @[1]",
            },
        },
    },
}


class Quote(msgspec.Struct, gc=False, tag="bookTicker", tag_field="e"):
    """A book ticker; numbers in quotes become floats."""

    s: str
    T: int
    u: int
    b: float
    B: float
    a: float
    A: float


class Trade(msgspec.Struct, gc=False, tag="trade", tag_field="e"):
    """A trade."""

    s: str
    T: int
    p: float
    q: float


class Depth(msgspec.Struct, gc=False, tag="depthUpdate", tag_field="e"):
    """A depth update: levels of price and size."""

    s: str
    T: int
    b: list[tuple[float, float]]
    a: list[tuple[float, float]]


class QuoteFrame(msgspec.Struct, gc=False):
    """A frame with a book ticker."""

    data: Quote


class AnyFrame(msgspec.Struct, gc=False):
    """A frame with one of three."""

    data: Quote | Trade | Depth


def captured() -> list[bytes]:
    """The messages of the capture, without the REST snapshot among them."""
    lines = gzip.decompress(CAPTURE.read_bytes()).splitlines()
    return [message for line in lines if (message := line.partition(b" ")[2]).startswith(b'{"stream"')]


@row(
    "One quote (a Binance book ticker, numbers in quotes) to seven fields in Python",
    goal="1.3× msgspec",
    threaded=False,
    notes=("msgspec makes floats of the texts as it decodes (`strict=False`); orjson's texts are given to `float`.",),
)
def one_quote() -> Job | str:
    if not CAPTURE.is_file():
        return MISSING
    frames = [frame for frame in captured() if b'"bookTicker"' in frame][:2_000]
    spec = SPEC | {"records": {"quote": SPEC["records"]["quote"]}}
    feed, plain = JsonFeed(spec), JsonFeed(spec, record=tuple)
    decode = msgspec.json.Decoder(QuoteFrame, strict=False).decode
    read, read_plain, loads = feed.read_one, plain.read_one, orjson.loads

    def with_record() -> Any:
        for frame in frames:
            q = read(frame)
            last = (q.symbol, q.ts, q.update, q.bid, q.bid_size, q.ask, q.ask_size)
        return last

    def with_tuple() -> Any:
        for frame in frames:
            last = read_plain(frame)
        return last

    def with_msgspec() -> Any:
        for frame in frames:
            q = decode(frame).data
            last = (q.s, q.T, q.u, q.b, q.B, q.a, q.A)
        return last

    def with_orjson() -> Any:
        for frame in frames:
            q = loads(frame)["data"]
            last = (q["s"], q["T"], q["u"], float(q["b"]), float(q["B"]), float(q["a"]), float(q["A"]))
        return last

    def check(results: dict[str, Any]) -> None:
        for name, (symbol, ts, *rest) in results.items():
            scale = 1 if name.startswith("exuvia") else 1_000_000
            wanted = results["exuvia"]
            assert (symbol, ts * scale, *rest) == wanted, name

    arms: dict[str, Callable[[], Any]] = {
        "exuvia": with_tuple,
        "exuvia, a Record": with_record,
        "msgspec Struct(gc=False)": with_msgspec,
        "orjson and float": with_orjson,
    }
    return Job(arms, check, limits=["exuvia, a Record"], per=len(frames))


@row(
    "A captured stream (Binance futures, 93,953 messages) into columns of quotes, trades and levels",
    goal="5× msgspec and polars",
    notes=(
        "exuvia's tables are read by pyarrow without a copy; `exact` keeps prices as decimals, the others as floats.",
    ),
)
def columns() -> Job | str:
    if not CAPTURE.is_file():
        return MISSING
    frames = captured()
    text = b"\n".join(frames)
    exact = SPEC | {"numbers": "exact"}
    kinds = ("quote", "trade", "depth")

    def with_feed(spec: dict[str, Any], call: str, given: Any) -> dict[str, Any]:
        feed = JsonFeed(spec)
        getattr(feed, call)(given)
        return {kind: feed.take_arrow(kind) for kind in kinds}

    decode = msgspec.json.Decoder(AnyFrame, strict=False).decode

    def with_msgspec() -> dict[str, Any]:
        quotes: list[Quote] = []
        trades: list[Trade] = []
        levels: list[tuple[str, int, str, float, float]] = []
        for frame in frames:
            message = decode(frame).data
            if type(message) is Quote:
                quotes.append(message)
            elif type(message) is Trade:
                trades.append(message)
            else:
                symbol, ts = message.s, message.T
                levels += [(symbol, ts, "bid", price, size) for price, size in message.b]
                levels += [(symbol, ts, "ask", price, size) for price, size in message.a]
        quote = {
            "symbol": [q.s for q in quotes],
            "ts": [q.T for q in quotes],
            "update": [q.u for q in quotes],
            "bid": [q.b for q in quotes],
            "bid_size": [q.B for q in quotes],
            "ask": [q.a for q in quotes],
            "ask_size": [q.A for q in quotes],
        }
        trade = {
            "symbol": [t.s for t in trades],
            "ts": [t.T for t in trades],
            "price": [t.p for t in trades],
            "size": [t.q for t in trades],
        }
        symbol, ts, side, price, size = zip(*levels, strict=True)
        depth = {"symbol": symbol, "ts": ts, "side": side, "price": price, "size": size}
        stamps = pl.from_epoch("ts", "ms").cast(pl.Datetime("ns", "UTC"))
        made = {"quote": quote, "trade": trade, "depth": depth}
        return {kind: pl.DataFrame(data).with_columns(stamps) for kind, data in made.items()}

    def check(results: dict[str, Any]) -> None:
        for name, made in results.items():
            for kind in kinds:
                wanted = pa.table(results["exuvia"][kind])
                got = pa.table(made[kind]) if name.startswith("exuvia") else made[kind].to_arrow()
                assert got.num_rows == wanted.num_rows > 0, (name, kind)
                for column in wanted.column_names:
                    one, two = wanted[column].to_pylist(), got[column].to_pylist()
                    if name.endswith("exact"):
                        two = [float(value) if column in ("bid", "ask", "price", "size") else value for value in two]
                        if column.endswith("_size"):
                            two = [float(value) for value in two]
                    assert one == two, (name, kind, column)

    arms: dict[str, Callable[[], Any]] = {
        "exuvia": lambda: with_feed(SPEC, "feed_many", frames),
        "exuvia, exact": lambda: with_feed(exact, "feed_many", frames),
        "exuvia, as lines": lambda: with_feed(SPEC, "feed_lines", text),
        "msgspec loop and polars": with_msgspec,
    }
    return Job(arms, check, limits=["exuvia, exact", "exuvia, as lines"], per=len(frames))


def quotes_of(frames: list[bytes], count: int) -> list[tuple[int, str, str]]:
    """Stamps in milliseconds, bids and asks of the first quotes."""
    loads = orjson.loads
    found = [loads(frame)["data"] for frame in frames if b'"bookTicker"' in frame][:count]
    return [(quote["T"], quote["b"], quote["a"]) for quote in found]


def iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(timespec="milliseconds")


@row(
    "SignalR records (ProjectX quotes, 20 a frame) to quotes in columns",
    goal="20× orjson and split",
    threaded=False,
    notes=("Prices of the Binance capture in the gateway's shape: the first of 50 whole, the others sparse.",),
)
def signalr() -> Job | str:
    if not CAPTURE.is_file():
        return MISSING
    contract = "CON.F.US.ENQ.H26"
    records = []
    for index, (ts, bid, ask) in enumerate(quotes_of(captured(), 20_000)):
        data: dict[str, Any] = {"symbol": "F.US.ENQ", "bestBid": float(bid), "timestamp": iso(ts)}
        if index % 2 == 0:
            data["bestAsk"] = float(ask)
        if index % 50 == 0:
            data |= {
                "symbolName": "NQ",
                "lastPrice": float(bid),
                "change": 1.5,
                "open": 61_000.5,
                "volume": 1_000 + index,
            }
        record = {"type": 1, "target": "GatewayQuote", "arguments": [contract, data]}
        records.append(orjson.dumps(record).decode() + "\x1e")
    frames = ["".join(records[at : at + 20]) + '{"type":6}\x1e' for at in range(0, len(records), 20)]

    def with_feed() -> Any:
        feed = ProjectXFeed(numbers="float")
        feed.feed_many(frames)
        return pa.table(feed.take_arrow("quote")).select(["ts", "bid", "ask"])

    def with_orjson() -> Any:
        merged: dict[str, dict[str, Any]] = {}
        loads, parse = orjson.loads, datetime.fromisoformat
        stamps, bids, asks = [], [], []
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        for frame in frames:
            for record in frame.split("\x1e"):
                if not record:
                    continue
                message = loads(record)
                if message["type"] != 1 or message["target"] != "GatewayQuote":
                    continue
                name, data = message["arguments"]
                known = merged.setdefault(name, {})
                known.update(data)
                bid, ask = known.get("bestBid"), known.get("bestAsk")
                if bid is None or ask is None or bid > ask:
                    continue
                since = parse(known["timestamp"]) - epoch
                stamps.append(((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000)
                bids.append(bid)
                asks.append(ask)
        return pl.DataFrame({"ts": stamps, "bid": bids, "ask": asks}).to_arrow()

    def check(results: dict[str, Any]) -> None:
        ours, theirs = results["exuvia"], results["orjson and split"]
        assert ours["ts"].cast(pa.int64()).to_pylist() == theirs["ts"].to_pylist()
        for name in ("bid", "ask"):
            assert ours[name].to_pylist() == theirs[name].to_pylist()
        assert ours.num_rows > 10_000

    return Job({"exuvia": with_feed, "orjson and split": with_orjson}, check, per=len(records))


def saxo_payloads(count: int) -> list[bytes]:
    """Whole elements first, then what changed, of the quotes of the capture."""
    payloads = []
    for index, (ts, bid, ask) in enumerate(quotes_of(captured(), count)):
        stamp = iso(ts).replace("+00:00", "Z")
        quote: dict[str, Any] = {"Ask": float(ask), "Bid": float(bid)}
        element: dict[str, Any] = {"Uic": 21, "LastUpdated": stamp, "Quote": quote}
        if index == 0:
            quote |= {"MarketState": "Open", "PriceTypeAsk": "Tradable", "PriceTypeBid": "Tradable"}
            element |= {"AssetType": "FxSpot", "PriceSource": "SIM"}
        payloads.append(orjson.dumps([element]))
    return payloads


@row("Saxo binary frames (8 messages a frame) to quotes in columns", goal="20× struct and orjson", threaded=False)
def saxo_frames() -> Job | str:
    if not CAPTURE.is_file():
        return MISSING
    messages = [Message(index, "prices", 0, payload) for index, payload in enumerate(saxo_payloads(20_000))]
    frames = [encode_frame(messages[at : at + 8]) for at in range(0, len(messages), 8)]

    def with_stream() -> Any:
        stream = QuoteStream(["prices"])
        stream.feed_many(frames)
        return pa.table(stream.take_arrow()).select(["ts", "bid", "ask"])

    def with_struct() -> Any:
        head, tail = struct.Struct("<QHB").unpack_from, struct.Struct("<BI").unpack_from
        loads, parse = orjson.loads, datetime.fromisoformat
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        rows: dict[int, dict[str, Any]] = {}
        stamps, bids, asks = [], [], []
        for frame in frames:
            at = 0
            while at < len(frame):
                _, _, size = head(frame, at)
                reference = frame[at + 11 : at + 11 + size].decode("ascii")
                at += 11 + size
                kind, length = tail(frame, at)
                payload = frame[at + 5 : at + 5 + length]
                at += 5 + length
                if reference != "prices" or kind != 0:
                    continue
                for element in loads(payload):
                    known = rows.setdefault(element["Uic"], {"Quote": {}})
                    known["Quote"].update(element.pop("Quote", {}))
                    known.update(element)
                    bid, ask = known["Quote"]["Bid"], known["Quote"]["Ask"]
                    if not 0 < bid <= ask:
                        continue
                    since = parse(known["LastUpdated"]) - epoch
                    stamps.append(((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000)
                    bids.append(bid)
                    asks.append(ask)
        return pl.DataFrame({"ts": stamps, "bid": bids, "ask": asks}).to_arrow()

    def check(results: dict[str, Any]) -> None:
        ours, theirs = results["exuvia"], results["struct and orjson"]
        assert ours["ts"].cast(pa.int64()).to_pylist() == theirs["ts"].to_pylist()
        for name in ("bid", "ask"):
            assert ours[name].to_pylist() == theirs[name].to_pylist()
        assert ours.num_rows == len(messages)

    return Job({"exuvia": with_stream, "struct and orjson": with_struct}, check, per=len(messages))


class Prices(msgspec.Struct, gc=False):
    """What a price message says of the quote."""

    Bid: float
    Ask: float


class Element(msgspec.Struct, gc=False):
    """An element of an infoprices payload."""

    Uic: int
    LastUpdated: str
    Quote: Prices


@row(
    "One Saxo price message to a quote in Python",
    goal="1.3× msgspec",
    threaded=False,
    notes=("msgspec leaves the time as text and merges nothing: exuvia does both.",),
)
def one_saxo_quote() -> Job | str:
    if not CAPTURE.is_file():
        return MISSING
    payloads = saxo_payloads(2_000)
    decode, loads = msgspec.json.Decoder(list[Element]).decode, orjson.loads

    def with_book() -> Any:
        apply = QuoteBook().apply
        for payload in payloads:
            [q] = apply(payload)
            last = (q.uic, q.bid, q.ask)
        return last

    def with_msgspec() -> Any:
        for payload in payloads:
            [q] = decode(payload)
            prices = q.Quote
            last = (q.Uic, prices.Bid, prices.Ask)
        return last

    def with_orjson() -> Any:
        for payload in payloads:
            [q] = loads(payload)
            prices = q["Quote"]
            last = (q["Uic"], prices["Bid"], prices["Ask"])
        return last

    def check(results: dict[str, Any]) -> None:
        assert all(made == results["exuvia"] for made in results.values())

    arms = {"exuvia": with_book, "msgspec Struct(gc=False)": with_msgspec, "orjson": with_orjson}
    return Job(arms, check, per=len(payloads))
