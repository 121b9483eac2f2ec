"""The quote book against an independent model on `json.loads`, and each rule by itself."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from exuvia.errors import DecodeError
from exuvia.quotes import QuoteBook
from hypothesis import given, settings
from hypothesis import strategies as st

TIME = "2014-05-07T00:00:07.135000Z"
TS = 1399420807135000000


def element(uic: object = 21, time: object = TIME, **quote: object) -> dict[str, object]:
    return {"Uic": uic, "LastUpdated": time, "Quote": quote}


def payload(*elements: object) -> bytes:
    return json.dumps(elements).encode()


@dataclass(frozen=True, slots=True)
class Record:
    uic: int
    ts: int
    bid: float
    ask: float
    market_state: str


# --- the model: what the book must do, written down a second time on json.loads ---


class Model:
    """A dictionary for each instrument, merged recursively."""

    def __init__(self, allow_negative: bool) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.last: dict[int, Record] = {}
        self.skipped = 0
        self.allow_negative = allow_negative

    def apply(self, text: bytes) -> list[Record]:
        document = json.loads(text)
        if isinstance(document, dict):
            document = document.get("Data", [document])
        if not isinstance(document, list):
            raise ValueError("no collection")
        made = [self.one(each) for each in document]
        self.skipped += sum(quote is None for quote in made)
        return [quote for quote in made if isinstance(quote, Record)]

    def one(self, each: Any) -> Record | bool | None:
        uic = each.get("Uic") if isinstance(each, dict) else None
        if type(uic) is not int or not -(2**63) <= uic < 2**63:
            return None
        if each.get("__meta_deleted") is True:
            self.rows.pop(uic, None)
            self.last.pop(uic, None)
            return True
        row = merged(self.rows.get(uic, {}), each)
        quote = row["Quote"] if isinstance(row.get("Quote"), dict) else {}
        bid, ask = number(quote.get("Bid")), number(quote.get("Ask"))
        for price in (bid, ask):
            if price is not None and not (math.isfinite(price) and (price > 0 or self.allow_negative)):
                return None
        if bid is not None and ask is not None and bid > ask:
            return None
        ts = None
        if "LastUpdated" in row:
            ts = nanoseconds(row["LastUpdated"])
            if ts is None:
                return None
        self.rows[uic] = row
        if bid is None or ask is None or ts is None:
            return None
        state = quote.get("MarketState")
        self.last[uic] = Record(uic, ts, bid, ask, state if isinstance(state, str) else "Unknown")
        return self.last[uic]


def merged(old: object, delta: dict[str, Any]) -> dict[str, Any]:
    row = dict(old) if isinstance(old, dict) else {}
    for key, value in delta.items():
        row[key] = merged(row.get(key), value) if isinstance(value, dict) else value
    return row


def number(value: object) -> float | None:
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return math.inf
    return None


def nanoseconds(text: object) -> int | None:
    found = (
        re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,9})?Z", text)
        if isinstance(text, str)
        else None
    )
    if found is None:
        return None
    try:
        whole = datetime(*map(int, found.groups()[:6]), tzinfo=UTC)
    except ValueError:
        return None
    return int(whole.timestamp()) * 10**9 + int((found[7] or ".0")[1:].ljust(9, "0"))


PRICES = st.one_of(
    st.decimals("0.00001", "2", places=5).map(str),
    st.integers(-3, 3).map(str),
    st.floats().map(json.dumps),
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["null", "true", '"1.5"', "{}", '{"a":1}', "[1.5]", "NaN", "-Infinity", "1e400", "-0", "-0.0"]),
)
TIMES = st.one_of(
    st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1)).map(lambda t: f'"{t.isoformat()}Z"'),
    st.from_regex(r'"2026-02-03T14:05:06(\.[0-9]{1,11})?Z"', fullmatch=True),
    st.sampled_from(['"2026-02-30T00:00:00Z"', '"soon"', "null", "17", '"2026-02-03T14:05:06"', "{}"]),
)
ANY = st.recursive(
    st.one_of(PRICES, TIMES, st.text(max_size=5).map(json.dumps)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]"),
        st.lists(st.tuples(st.sampled_from(["Bid", "Ask", "Uic", "x"]), inner), max_size=3).map(
            lambda fields: written(fields)  # noqa: PLW0108 - defined below
        ),
    ),
    max_leaves=6,
)
STATES = st.one_of(st.sampled_from(["Open", "Closed", 'q"\\/\n', "é😀"]).map(json.dumps), ANY)
SPACE = st.sampled_from(["", "", "", " ", "\n\t"])


def written(fields: list[tuple[str, str]], space: str = "") -> str:
    return "{" + ",".join(f'{space}"{key}"{space}:{value}' for key, value in fields) + space + "}"


def some_of(**values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An object with a few of these fields, in any order, some of them twice."""
    field = st.one_of([st.tuples(st.just(key), value) for key, value in values.items()])
    return st.builds(written, st.lists(field, max_size=6), SPACE)


QUOTES = some_of(Bid=PRICES, Ask=PRICES, Mid=PRICES, MarketState=STATES, Amount=PRICES, Other=ANY)
UICS = st.one_of(st.sampled_from(["21", "22", "21", "22", "-0", "9223372036854775807"]), ANY)
WHOLE = st.builds(
    lambda uic, bid, spread, state: written(
        [
            ("Uic", uic),
            ("LastUpdated", f'"{TIME}"'),
            (
                "Quote",
                written([("Bid", f"{bid / 1e5}"), ("Ask", f"{(bid + spread) / 1e5}"), ("MarketState", state)]),
            ),
        ]
    ),
    st.sampled_from(["21", "22"]),
    st.integers(1, 200000),
    st.integers(-5, 60),
    STATES,
)
LOOSE = some_of(
    Uic=UICS,
    LastUpdated=TIMES,
    Quote=st.one_of(QUOTES, QUOTES, ANY),
    PriceInfoDetails=st.one_of(some_of(AskSize=PRICES, BidSize=PRICES), ANY),
    AssetType=STATES,
    Other=ANY,
    __meta_deleted=st.sampled_from(["true", "false", "null", "1"]),
)
KEYED = st.builds(lambda uic, rest: '{"Uic":' + uic + "," + rest, st.sampled_from(["21", "22"]), st.builds(
    lambda time, quote: f'"LastUpdated":{time},"Quote":{quote}}}', TIMES, QUOTES))  # fmt: skip
ELEMENTS = st.one_of(WHOLE, WHOLE, KEYED, KEYED, LOOSE, ANY)
ARRAYS = st.builds(
    lambda parts, space: "[" + f"{space},{space}".join(parts) + space + "]",
    st.lists(ELEMENTS, max_size=5),
    SPACE,
)
PAYLOADS = st.one_of(
    ARRAYS,
    ARRAYS,
    ELEMENTS,
    ARRAYS.map(lambda array: f'{{"MaxRows":5,"Data":{array},"__count":1}}'),
    ANY.map(lambda value: f'{{"Uic":21,"Data":{value}}}'),
    st.builds(lambda array, cut: array[: cut % (len(array) + 1)], ARRAYS, st.integers(0, 400)),
    st.builds(lambda array, tail: array + tail, ARRAYS, st.text(max_size=2)),
)


def bits(quotes: list[Any]) -> list[tuple[int, int, str, str, str]]:
    return [(q.uic, q.ts, q.bid.hex(), q.ask.hex(), q.market_state) for q in quotes]


@settings(max_examples=600, deadline=None)
@given(st.lists(PAYLOADS.map(str.encode), max_size=8), st.booleans())
def test_the_book_does_what_a_model_on_json_loads_does(payloads, allow_negative):
    book, model = QuoteBook(allow_negative=allow_negative), Model(allow_negative)
    for text in payloads:
        try:
            expected = model.apply(text)
        except ValueError:
            with pytest.raises(DecodeError):
                book.apply(text)
        else:
            assert bits(book.apply(text)) == bits(expected)
        assert book.skipped == model.skipped
        assert len(book) == len(model.rows)
        for uic in (21, 22, 0):
            assert bits([q for q in [book.get(uic)] if q]) == bits([q for q in [model.last.get(uic)] if q])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_arbitrary_bytes_never_panic(text):
    book = QuoteBook()
    try:
        book.apply(text)
    except DecodeError as error:
        assert "byte" in str(error)
        assert (book.skipped, len(book)) == (0, 0)


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?", fullmatch=True))
def test_a_price_has_the_bits_of_pythons_float(text):
    want = float(json.loads(text))
    made = QuoteBook(allow_negative=True).apply(
        f'[{{"Uic":1,"LastUpdated":"{TIME}","Quote":{{"Bid":{text},"Ask":{text}}}}}]'.encode()
    )
    assert [quote.bid.hex() for quote in made] == [want.hex()]


# --- each rule by itself ---
