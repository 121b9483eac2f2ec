"""Declared feeds on captures of real exchanges: every record against `json.loads`, counts against published ones."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pytest
from exuvia.feeds import JsonFeed, PolygonFeed, PolygonPages
from feed_specs import BINANCE, BITMEX, COINBASE, KRAKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HFT = "nkaz001__hftbacktest/examples"
CRYPTOFEED = "bmoscon__cryptofeed/sample_data"
POLYGON = "polygon-io__client-python/test_rest/mocks"


def exact(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def hft(path: Path) -> Iterator[tuple[int, bytes]]:
    with gzip.open(path) as lines:
        for line in lines:
            stamp, _, message = line.rstrip(b"\n").partition(b" ")
            yield int(stamp), message


def cryptofeed(path: Path) -> Iterator[tuple[int, bytes]]:
    """Messages with their local stamp in nanoseconds; what the client sent, and how it connected, is left out."""
    for line in path.read_bytes().splitlines():
        stamp, colon, message = line.partition(b": ")
        if colon and not line.startswith(b"wss"):
            yield int(Decimal(stamp.decode()) * 10**9), message


def rows_of(feed: JsonFeed, kind: str) -> list[dict[str, Any]]:
    table = pa.table(feed.take_arrow(kind))
    columns = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        columns[name] = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def iso(text: str) -> int:
    whole = datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    return int(whole.timestamp()) * 10**9 + int(text[20:].rstrip("Z").ljust(9, "0"))


def compare(feed: JsonFeed, wanted: dict[str, list[dict[str, Any]]]) -> None:
    for kind, rows in wanted.items():
        got = rows_of(feed, kind)
        assert len(got) == len(rows), kind
        assert got == rows, kind
    assert (feed.skipped, feed.last_skip) == (0, None)


# --- Binance ---


def binance(captured: list[tuple[int, bytes]]) -> dict[str, list[dict[str, Any]]]:
    wanted: dict[str, list[dict[str, Any]]] = {"quote": [], "trade": [], "depth": [], "snapshot": [], "candle": []}
    for received, text in captured:
        message = exact(text)
        if "lastUpdateId" in message:
            wanted["snapshot"] += [
                {"update": message["lastUpdateId"], "side": side, "price": Decimal(price), "size": Decimal(size)}
                for side, key in (("bid", "bids"), ("ask", "asks"))
                for price, size in message[key]
            ]
            continue
        data = message["data"]
        symbol = {"symbol": data["s"]}
        if message["stream"].endswith("@bookTicker"):
            ts = data["T"] * 10**6 if "T" in data else None
            prices = {
                "bid": Decimal(data["b"]),
                "bid_size": Decimal(data["B"]),
                "ask": Decimal(data["a"]),
                "ask_size": Decimal(data["A"]),
            }
            wanted["quote"].append(symbol | {"ts": ts, "update": data["u"]} | prices | {"received": received})
        elif data["e"] in ("trade", "aggTrade"):
            what = {
                "ts": data["T"] * 10**6,
                "id": data["t"] if "t" in data else data["a"],
                "price": Decimal(data["p"]),
                "size": Decimal(data["q"]),
                "side": "sell" if data["m"] else "buy",
            }
            wanted["trade"].append(symbol | what)
        elif data["e"] == "depthUpdate":
            about = {
                "ts": data.get("T", data["E"]) * 10**6,
                "first": data["U"],
                "update": data["u"],
                "before": data.get("pu"),
            }
            wanted["depth"] += [
                symbol | about | {"side": side, "price": Decimal(price), "size": Decimal(size)}
                for side, key in (("bid", "b"), ("ask", "a"))
                for price, size in data[key]
            ]
        else:
            k = data["k"]
            what = {"ts": k["t"] * 10**6, "every": k["i"]}
            what |= {
                name: Decimal(k[key])
                for name, key in zip(["open", "high", "low", "close", "volume"], "ohlcv", strict=True)
            }
            wanted["candle"].append(symbol | what | {"trades": k["n"], "closed": k["x"]})
    return wanted


@pytest.mark.parametrize(
    ("name", "trades", "amount"),
    [
        ("usdm/btcusdt_20240808", 21_313, "2429.366"),
        ("spot/btcusdt_20240808", 9_757, None),
        ("spot/btcusdt_20240809", 10_147, None),
    ],
)
def test_every_record_of_a_binance_capture_is_what_json_says(
    data_dir: Path, name: str, trades: int, amount: str | None
) -> None:
    path = data_dir / HFT / f"{name}.gz"
    wanted = binance(list(hft(path)))
    feed = JsonFeed(BINANCE)
    feed.feed_lines(gzip.decompress(path.read_bytes()), stamps="ns")
    assert feed.rows["trade"] == trades == feed.messages["trade"]
    assert feed.unmatched == 0
    if amount is not None:
        assert sum(row["size"] for row in wanted["trade"]) == Decimal(amount)
    compare(feed, wanted)


def test_both_days_of_binance_spot_have_the_published_trades(data_dir: Path) -> None:
    feed = JsonFeed(BINANCE)
    for day in ("08", "09"):
        feed.feed_lines(gzip.decompress((data_dir / HFT / f"spot/btcusdt_202408{day}.gz").read_bytes()), stamps="ns")
    assert feed.messages["depth"] == 6_495
    assert feed.rows["trade"] == 19_904
    assert sum(row["size"] for row in rows_of(feed, "trade")) == Decimal("437.91552")


# --- Coinbase, Kraken, Bitmex ---


def coinbase(captured: list[tuple[int, bytes]]) -> dict[str, list[dict[str, Any]]]:
    wanted: dict[str, list[dict[str, Any]]] = {"quote": [], "trade": [], "depth": [], "snapshot": []}
    sides = {"buy": "bid", "sell": "ask"}
    for _, text in captured:
        m = exact(text)
        if m["type"] == "ticker":
            row = {"symbol": m["product_id"], "ts": iso(m["time"]), "bid": Decimal(m["best_bid"])}
            row |= {"ask": Decimal(m["best_ask"]), "last": Decimal(m["price"]), "volume": Decimal(m["volume_24h"])}
            wanted["quote"].append(row | {"sequence": m["sequence"]})
        elif m["type"] in ("match", "last_match"):
            row = {"symbol": m["product_id"], "ts": iso(m["time"]), "price": Decimal(m["price"])}
            row |= {"size": Decimal(m["size"]), "side": m["side"], "id": m["trade_id"], "maker": m["maker_order_id"]}
            wanted["trade"].append(row)
        elif m["type"] == "l2update":
            wanted["depth"] += [
                {"symbol": m["product_id"], "ts": iso(m["time"]), "side": sides[side]}
                | {"price": Decimal(price), "size": Decimal(size)}
                for side, price, size in m["changes"]
            ]
        elif m["type"] == "snapshot":
            wanted["snapshot"] += [
                {"symbol": m["product_id"], "side": side, "price": Decimal(price), "size": Decimal(size)}
                for side, key in (("bid", "bids"), ("ask", "asks"))
                for price, size in m[key]
            ]
    return wanted


def kraken(captured: list[tuple[int, bytes]]) -> dict[str, list[dict[str, Any]]]:
    wanted: dict[str, list[dict[str, Any]]] = {"quote": [], "trade": [], "depth": []}
    seconds: Callable[[str], int] = lambda text: int(Decimal(text) * 10**9)  # noqa: E731 - one line is clearer
    for received, text in captured:
        m = exact(text)
        if not isinstance(m, list):
            continue
        symbol = {"symbol": m[-1]}
        if m[-2] == "ticker":
            (bid, _, bid_size), (ask, _, ask_size) = m[1]["b"], m[1]["a"]
            row = {"ts": received, "bid": Decimal(bid), "bid_size": Decimal(bid_size), "ask": Decimal(ask)}
            wanted["quote"].append(symbol | row | {"ask_size": Decimal(ask_size), "last": Decimal(m[1]["c"][0])})
        elif m[-2] == "trade":
            wanted["trade"] += [
                symbol
                | {"ts": seconds(row[2]), "price": Decimal(row[0]), "size": Decimal(row[1])}
                | {"side": {"b": "buy", "s": "sell"}[row[3]]}
                for row in m[1]
            ]
        else:
            wanted["depth"] += [
                symbol | {"ts": seconds(row[2]), "side": side, "price": Decimal(row[0]), "size": Decimal(row[1])}
                for at, key, side in (
                    (1, "as", "ask"),
                    (1, "bs", "bid"),
                    (1, "a", "ask"),
                    (1, "b", "bid"),
                    (2, "a", "ask"),
                    (2, "b", "bid"),
                )
                if at < len(m) - 2
                for row in m[at].get(key, [])
            ]
    return wanted


def bitmex(captured: list[tuple[int, bytes]]) -> dict[str, list[dict[str, Any]]]:
    wanted: dict[str, list[dict[str, Any]]] = {"quote": [], "trade": [], "depth": []}
    optional: Callable[[Any], Decimal | None] = lambda value: None if value is None else Decimal(value)  # noqa: E731
    for _, text in captured:
        m = exact(text)
        for row in m.get("data", []):
            symbol = {"symbol": row["symbol"]}
            if m["table"] == "quote":
                prices = {
                    "bid": row["bidPrice"],
                    "bid_size": row["bidSize"],
                    "ask": row["askPrice"],
                    "ask_size": row["askSize"],
                }
                wanted["quote"].append(
                    symbol | {"ts": iso(row["timestamp"])} | {name: Decimal(value) for name, value in prices.items()}
                )
            elif m["table"] == "trade":
                notional = Decimal(row["homeNotional"]).quantize(Decimal("1e-9"))
                what = {"ts": iso(row["timestamp"]), "price": Decimal(row["price"]), "size": Decimal(row["size"])}
                wanted["trade"].append(symbol | what | {"side": row["side"].lower(), "notional": notional})
            else:
                what = {"action": m["action"], "id": row["id"], "side": {"Buy": "bid", "Sell": "ask"}[row["side"]]}
                prices = {"price": optional(row.get("price")), "size": optional(row.get("size"))}
                wanted["depth"].append(symbol | what | prices)
    return wanted


Model: TypeAlias = "Callable[[list[tuple[int, bytes]]], dict[str, list[dict[str, Any]]]]"
Capture: TypeAlias = tuple[str, list[str], dict[str, Any], Model, dict[str, int]]
CAPTURES: list[Capture] = [
    ("COINBASE", ["COINBASE.ws.28.0"], COINBASE, coinbase, {"l2": 9_729, "ticker": 107, "trades": 107}),
    ("KRAKEN", [f"KRAKEN.ws.{n}.0" for n in (48, 49, 50)], KRAKEN, kraken, {"l2": 4_279, "ticker": 18, "trades": 10}),
    ("BITMEX", ["BITMEX.ws.1.0"], BITMEX, bitmex, {"l2": 1_979, "ticker": 436, "trades": 27}),
    # The published counts are those of a client that leaves a depth message out: there are 177.
    ("BINANCE", ["BINANCE.ws.1.0"], BINANCE, binance, {"ticker": 84, "trades": 2, "candles": 2}),
]


@pytest.mark.parametrize("case", CAPTURES, ids=[each[0] for each in CAPTURES])
def test_every_record_of_a_capture_is_what_json_says_and_the_counts_are_the_published_ones(
    data_dir: Path, case: Capture
) -> None:
    exchange, files, spec, model, counts = case
    captured = [each for name in files for each in cryptofeed(data_dir / CRYPTOFEED / name)]
    feed = JsonFeed(spec)
    for received, message in captured:
        feed.feed(message, received=received)
    published = json.loads((data_dir / "reference" / "expected.json").read_text())["cryptofeed_callback_counts"]
    assert {name: published[exchange][name] for name in counts} == counts
    depth = feed.messages["depth"] + feed.messages.get("snapshot", 0)
    seen = {"l2": depth, "ticker": feed.rows["quote"], "trades": feed.rows["trade"], "candles": feed.rows.get("candle")}
    assert {name: seen[name] for name in counts} == counts
    compare(feed, model(captured))
    # The same capture with its stamps, as one text: what the client sent is counted, not read.
    lines = JsonFeed(spec)
    for name in files:
        lines.feed_lines((data_dir / CRYPTOFEED / name).read_bytes(), stamps="s")
    assert lines.rows == feed.rows
    assert set(lines.skips) == {"broken"}
    # And record by record.
    each = JsonFeed(spec, record=tuple)
    first = {kind: next(iter(rows), None) for kind, rows in model(captured).items()}
    got: dict[str, tuple[Any, ...]] = {}
    by_kind = JsonFeed(spec)
    for received, message in captured[:200]:
        for record, plain in zip(by_kind.read(message, received), each.read(message, received), strict=True):
            assert tuple(record) == plain
            got.setdefault(record.kind, plain)
    for kind, plain in got.items():
        assert plain == tuple((first[kind] or {}).values())


# --- Polygon's own mocks ---


def test_pages_of_the_vendors_own_client_are_read_to_the_last_row(data_dir: Path) -> None:
    folder = data_dir / POLYGON
    cases = {
        "bars": [
            "v2/aggs/ticker/AAPL/range/1/day/2005-04-01/2005-04-04.json",
            "v2/aggs/ticker/AAPL/prev.json",
            "v2/aggs/grouped/locale/us/market/stocks/2005-04-04&adjusted=true.json",
        ],
        "trades": ["v3/trades/AAPL&limit=2.json", "v2/last/trade/AAPL.json"],
        "quotes": ["v3/quotes/AAPL.json", "v2/last/nbbo/AAPL.json"],
        "chain": ["v3/snapshot/options/AAPL.json", "v3/snapshot/options/AAPL/O;AAPL230616C00150000.json"],
    }
    short = {"open": "o", "high": "h", "low": "l", "close": "c"}
    for kind, names in cases.items():
        pages = PolygonPages(kind)
        rows: list[dict[str, Any]] = []
        for name in names:
            text = (folder / name).read_text()
            document = exact(text)
            page = pages.feed(text, symbol="AAPL")
            assert page.ok == (document.get("status") == "OK")
            assert page.next_url == document.get("next_url")
            found = document["results"] if isinstance(document["results"], list) else [document["results"]]
            assert page.rows == len(found), name
            rows += found
        table = pa.table(pages.take_arrow())
        assert (pages.skipped, pages.last_skip) == (0, None)
        if kind == "bars":
            for name, key in short.items():
                assert table[name].to_pylist() == [Decimal(row[key]) for row in rows]
            assert table["volume"].to_pylist() == [float(row["v"]) for row in rows]
            assert table["symbol"].to_pylist() == ["AAPL", "AAPL", "AAPL", "GIK"]
        elif kind == "chain":
            assert table["strike"].to_pylist() == [Decimal(row["details"]["strike_price"]) for row in rows]
            assert table["gamma"].to_pylist() == [float(row["greeks"]["gamma"]) for row in rows]
            assert table["implied_volatility"].to_pylist() == [float(row["implied_volatility"]) for row in rows]
        else:
            price, key, short_key = ("price", "price", "p") if kind == "trades" else ("bid", "bid_price", "p")
            assert table[price].to_pylist() == [Decimal(row.get(key, row.get(short_key))) for row in rows]
            stamps = [row.get("sip_timestamp", row.get("t")) for row in rows]
            assert table["ts"].cast(pa.int64()).to_pylist() == stamps


def test_a_cursor_leads_from_page_to_page(data_dir: Path) -> None:
    folder = data_dir / POLYGON / "v3" / "quotes"
    pages = PolygonPages("quotes")
    first = pages.feed((folder / "AAPL.json").read_bytes(), symbol="AAPL")
    assert first.next_path is not None
    assert first.next_path.startswith("/v3/quotes/AAPL?cursor=")
    [second] = [path for path in folder.iterdir() if "cursor" in path.name]
    assert first.next_path.rpartition("=")[2][:40] in second.name
    last = pages.feed(second.read_bytes(), symbol="AAPL")
    assert (last.next_url, last.next_path) == (None, None)
    assert len(pages) == first.rows + last.rows == 20


def test_the_examples_of_the_vendors_specification_become_records(data_dir: Path) -> None:
    path = data_dir / "polygon-io__client-python/.massive/websocket.json.gz"
    document = json.loads(gzip.decompress(path.read_bytes()))
    examples: list[dict[str, Any]] = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("example"), dict):
                examples.append(part["example"])
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(document)
    known = {"T", "Q", "A", "AM", "C", "XT", "XQ", "XL2", "XA", "XAS", "V", "CA", "CAS"}
    feed = PolygonFeed()
    for example in examples:
        # The examples of currency bars have no end; the feed does without.
        records = feed.read(json.dumps([example]))
        wanted = len(example["b"]) + len(example["a"]) if example["ev"] == "XL2" else example["ev"] in known
        assert len(records) == wanted, (example, feed.last_skip)
    assert feed.unmatched == sum(example["ev"] not in known for example in examples) > 0
    assert feed.skipped == 0
