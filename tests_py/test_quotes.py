"""The quote book against an independent model on `json.loads`, and each rule by itself."""

from __future__ import annotations

import json
import math
import pickle
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.errors import DecodeError
from exuvia.quotes import Quote, QuoteBook
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

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
        whole = datetime(*map(int, found.groups()[:6]), tzinfo=UTC)  # type: ignore[misc]
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


def test_a_delta_changes_only_what_it_names():
    book = QuoteBook()
    assert book.apply(payload(element(Bid=1.39286, Ask=1.39298, MarketState="Open"))) == [
        Quote(21, TS, 1.39286, 1.39298, "Open")
    ]
    assert book.apply(payload({"Uic": 21, "Quote": {"Ask": 1.393}})) == [Quote(21, TS, 1.39286, 1.393, "Open")]
    assert book.get(21) == Quote(21, TS, 1.39286, 1.393, "Open")
    assert book.get(22) is None


@pytest.mark.parametrize(
    "wrap",
    [
        lambda e: json.dumps([e]),
        lambda e: json.dumps({"Data": [e], "MaxRows": 1000}),
        lambda e: json.dumps({"__count": 1, "Data": [e]}),
        json.dumps,
    ],
)
def test_an_array_a_data_array_and_one_object_are_payloads(wrap: Callable[[object], str]):
    assert QuoteBook().apply(wrap(element(Bid=1, Ask=2)).encode()) == [Quote(21, TS, 1.0, 2.0, "Unknown")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "byte 0: expected a value, found the end"),
        (b'[{"Uic":21', "byte 10: expected ',' or '}' in an object, found the end"),
        (b'[{"Uic":21}]x', "byte 12: expected the end of the text, found 'x'"),
        (b'[{"Uic":021}]', "byte 9: expected no digit after a leading zero"),
        (b"[{'Uic':21}]", "byte 2: expected a key in double quotes"),
        (b'[{"Uic":21,}]', "byte 11"),
        (b'["\xff"]', "byte 2: expected UTF-8, found byte 0xff"),
        (b"17", "no quotes at byte 0: expected an array"),
        (b'{"Data":{}}', "no quotes at byte 8"),
        (b"[" * 200 + b"]" * 200, "byte 128: expected at most 128 nested"),
    ],
)
def test_a_broken_payload_names_the_byte_and_merges_nothing(text, words):
    book = QuoteBook()
    book.apply(payload(element(Bid=1, Ask=2)))
    with pytest.raises(DecodeError, match=words):
        book.apply(text)
    good = payload(element(Bid=1.5), element(22, Bid=1, Ask=2))
    with pytest.raises(DecodeError):
        book.apply(good[:-1])
    assert (len(book), book.skipped) == (1, 0)
    assert book.get(21) == Quote(21, TS, 1.0, 2.0, "Unknown")


@pytest.mark.parametrize(
    "bad",
    [
        {"Quote": {"Bid": 1.3}},
        element("21", Bid=1.3),
        element(True, Bid=1.3),
        element(21.0, Bid=1.3),
        element(Bid=2.5),
        element(Ask=0.5),
        element(Bid=math.nan),
        element(Ask=math.inf),
        element(Bid=0),
        element(Bid=-1.0),
        element(time="2014-05-07T00:00:07.1234567891Z", Bid=1.3),
        element(time="2014-05-07 00:00:07Z", Bid=1.3),
        element(time="2014-05-07T00:00:07+01:00", Bid=1.3),
        element(time=None, Bid=1.3),
        17,
        [element(Bid=1.3)],
    ],
)
def test_an_element_that_cannot_be_used_is_counted_and_not_merged(bad):
    book = QuoteBook()
    book.apply(payload(element(Bid=1, Ask=2)))
    after = payload(bad, {"Uic": 21, "Quote": {}})
    assert book.apply(after) == [Quote(21, TS, 1.0, 2.0, "Unknown")]
    assert book.skipped == 1


@pytest.mark.parametrize("value", [None, True, "1.5", [1.5], {}])
def test_a_bid_that_is_no_number_takes_the_old_one_away(value):
    book = QuoteBook()
    book.apply(payload(element(Bid=1, Ask=2)))
    assert book.apply(payload(element(Bid=value), element(Ask=3))) == []
    assert book.skipped == 2
    assert book.get(21) == Quote(21, TS, 1.0, 2.0, "Unknown")
    assert book.apply(payload(element(Bid=2))) == [Quote(21, TS, 2.0, 3.0, "Unknown")]


@pytest.mark.parametrize("value", [None, 5, [], "x"])
def test_a_quote_that_is_no_object_takes_all_its_fields_away(value):
    book = QuoteBook()
    book.apply(payload(element(Bid=1, Ask=2, MarketState="Open")))
    assert book.apply(payload({"Uic": 21, "Quote": value}, element(Ask=3))) == []
    assert book.apply(payload(element(Bid=1))) == [Quote(21, TS, 1.0, 3.0, "Unknown")]
    assert book.skipped == 2


def test_a_negative_price_is_taken_where_the_instrument_permits_it():
    assert QuoteBook(allow_negative=True).apply(payload(element(Bid=-37.63, Ask=-37.5))) == [
        Quote(21, TS, -37.63, -37.5, "Unknown")
    ]


def test_a_deleted_row_is_gone():
    book = QuoteBook()
    book.apply(payload(element(Bid=1, Ask=2)))
    assert book.apply(payload({"Uic": 21, "__meta_deleted": True, "Quote": {"Bid": 1.5}})) == []
    assert (len(book), book.get(21), book.skipped) == (0, None, 0)
    assert book.apply(payload(element(Ask=2))) == []


def test_of_a_key_that_comes_twice_the_last_counts():
    quotes = '"Quote":{"Bid":1,"Ask":3},"Quote":{"Bid":1,"Bid":2}'
    text = f'[{{"Uic":5,"Uic":21,"LastUpdated":"{TIME}",{quotes}}}]'
    book = QuoteBook()
    assert book.apply(text.encode()) == []
    assert book.apply(payload(element(Ask=3))) == [Quote(21, TS, 2.0, 3.0, "Unknown")]


def test_nanoseconds_are_exact():
    (quote,) = QuoteBook().apply(payload(element(time="2014-05-07T00:00:07.123456789Z", Bid=1, Ask=2)))
    assert quote.ts == 1399420807123456789


def test_half_of_a_surrogate_pair_as_market_state_is_counted():
    book = QuoteBook()
    text = f'[{{"Uic":21,"LastUpdated":"{TIME}","Quote":{{"Bid":1,"Ask":2,"MarketState":"\\ud800"}}}}]'
    assert book.apply(text.encode()) == []
    assert (book.skipped, len(book)) == (1, 0)


def test_the_users_own_record_is_built_and_states_are_one_string():
    book = QuoteBook(record=Record)
    first = book.apply(payload(element(Bid=1, Ask=2, MarketState="PreMarket")))
    second = book.apply(payload(element(Bid=1.5)))
    assert first == [Record(21, TS, 1.0, 2.0, "PreMarket")]
    assert second == [Record(21, TS, 1.5, 2.0, "PreMarket")] == [book.get(21)]
    assert first[0].market_state is second[0].market_state


def test_a_record_may_come_back_to_the_book():
    seen: list[object] = []

    def record(uic: int, *fields: object) -> int:
        seen.append((book.skipped, len(book), book.apply(payload({"no": 1}))))
        return uic

    book = QuoteBook(record=record)
    assert book.apply(payload(element(Bid=1, Ask=2), element(22, Bid=1, Ask=2))) == [21, 22]
    assert seen == [(0, 2, []), (1, 2, [])]


def test_a_quote_is_a_value():
    one, same, other = (
        Quote(21, TS, 1.5, 2.0, "Open"),
        Quote(21, TS, 1.5, 2.0, "Open"),
        Quote(21, TS, 1.5, 2.5, "Open"),
    )
    assert one == same != other
    assert hash(one) == hash(same)
    assert one != (21, TS, 1.5, 2.0, "Open")
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301
    assert repr(one) == f"Quote(uic=21, ts={TS}, bid=1.5, ask=2.0, market_state='Open')"
    match one:
        case Quote(uic, _, bid, ask, state):
            assert (uic, bid, ask, state) == (21, 1.5, 2.0, "Open")
    with pytest.raises(AttributeError):
        one.bid = 2.0  # type: ignore[misc]


def test_the_book_is_a_table():
    pyarrow = pytest.importorskip("pyarrow")
    full = {
        "Uic": 22,
        "AssetType": "FxSpot",
        "LastUpdated": TIME,
        "PriceSource": "SIM",
        "Quote": {
            "Amount": 1000,
            "Bid": 1.25,
            "Ask": 1.5,
            "Mid": 1.375,
            "DelayedByMinutes": 0,
            "ErrorCode": "None",
        },
        "PriceInfoDetails": {"AskSize": 200, "BidSize": 300, "Volume": 1234567},
        "Greeks": {"Delta": [0.5]},
    }
    book = QuoteBook()
    book.apply(payload(full, element(21, PriceTypeBid="NoAccess", MarketState="Closed")))
    table = pyarrow.table(book.to_arrow())
    rows = table.to_pylist()
    assert [row["uic"] for row in rows] == [21, 22]
    assert str(table.schema.field("ts").type) == "timestamp[ns, tz=UTC]"
    assert rows[0]["bid"] is None
    assert (rows[0]["price_type_bid"], rows[0]["market_state"]) == ("NoAccess", "Closed")
    expected = {"bid": 1.25, "ask": 1.5, "mid": 1.375, "bid_size": 300.0, "ask_size": 200.0, "amount": 1000.0}
    assert {key: rows[1][key] for key in expected} == expected
    assert (rows[1]["asset_type"], rows[1]["volume"], rows[1]["error_code"]) == ("FxSpot", 1234567.0, "None")
    assert book.skipped == 1


def test_threads_share_a_book():
    book = QuoteBook()

    def work(uic: int) -> None:
        for step in range(200):
            assert len(book.apply(payload(element(uic, Bid=1 + step, Ask=1000)))) == 1

    threads = [threading.Thread(target=work, args=(uic,)) for uic in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [quote.bid for uic in range(4) if (quote := book.get(uic))] == [200.0] * 4
