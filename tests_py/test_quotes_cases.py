"""The quote book case by case: deltas, broken payloads, records of your own, tables, threads."""

from __future__ import annotations

import json
import math
import pickle
import threading
from typing import TYPE_CHECKING

import pytest
from exuvia.errors import DecodeError, ValueRangeError
from exuvia.quotes import Message, Quote, QuoteBook, QuoteStream
from test_quotes import TIME, TS, Record, element, payload

if TYPE_CHECKING:
    from collections.abc import Callable


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


@pytest.mark.parametrize(
    ("bad", "reason", "said"),
    [
        ({"no": 1}, "no uic", "an element without a whole Uic: nothing says which instrument it is of"),
        (element("21", Bid=1.3), "no uic", 'an element with Uic "21", which is no whole number: nothing says'),
        (element(21.5, Bid=1.3), "no uic", "an element with Uic 21.5, which is no whole number"),
        (element(Bid=float("nan")), "no price", "Uic 21: Bid NaN is no finite number that fits"),
        (element(Ask=float("inf")), "no price", "Uic 21: Ask Infinity is no finite number that fits"),
        (element(Bid=-37.63), "not positive", "Uic 21: Bid -37.63 is not above zero: pass allow_negative if"),
        (element(Bid=0, Ask=0), "not positive", "Uic 21: Bid 0 is not above zero: pass allow_negative if"),
        (element(Bid=2.5), "crossed", "Uic 21: Bid 2.5 is above Ask 2"),
        (element(time="yesterday", Bid=1.3), "field", 'Uic 21: LastUpdated "yesterday" is no instant: UTC as 2014-05'),
        (element(time=17, Bid=1.3), "field", "Uic 21: LastUpdated 17 is no instant"),
        (
            element(time="2014-05-07T00:00:08.1234567891Z"),
            "field",
            'Uic 21: LastUpdated "2014-05-07T00:00:08.1234567891Z" is no instant',
        ),
        (element(time="x" * 90), "field", f'Uic 21: LastUpdated "{"x" * 39}… is no instant'),
        (element(Ask=None), "incomplete", "Uic 21: Ask came as null, which is no number"),
        (
            element(Bid="1.4", Ask=[1]),
            "incomplete",
            'Uic 21: Bid came as "1.4", which is no number; Ask came as [1], which is no number',
        ),
        (
            {"Uic": 21, "Quote": None},
            "incomplete",
            "Uic 21: Bid is not known since Quote came as no object; Ask is not known since Quote",
        ),
        (element(22, time=None, Bid=1), "field", "Uic 22: LastUpdated null is no instant"),
        ({"Uic": 22, "Quote": {"Bid": 1}}, "incomplete", "Uic 22: Ask has not come yet; LastUpdated has not come yet"),
    ],
)
def test_a_skip_is_reported_by_reason_with_the_instrument_and_the_value(bad, reason, said):
    book, stream = QuoteBook(), QuoteStream()
    book.apply(payload(element(Bid=1, Ask=2)))
    assert (set(book.skips.values()), book.last_skip) == ({0}, None)
    book.apply(payload(bad))
    assert {name: count for name, count in book.skips.items() if count} == {reason: 1}
    assert book.last_skip is not None
    assert book.last_skip.startswith(said)
    assert sum(book.skips.values()) == book.skipped == 1
    stream.snapshot(payload(element(Bid=1, Ask=2), bad))
    assert (stream.skips, stream.last_skip) == (book.skips, book.last_skip)


def test_a_number_too_large_for_a_float_is_said_as_it_came():
    book = QuoteBook()
    book.apply(b'[{"Uic":21,"LastUpdated":"2014-05-07T00:00:07Z","Quote":{"Bid": 1e400 ,"Ask":1e401}}]')
    assert book.last_skip == "Uic 21: Bid 1e400 is no finite number that fits"


def test_a_price_that_was_taken_away_stays_explained():
    book = QuoteBook()
    book.apply(payload(element(Bid=1, Ask=2), element(Bid="1.4"), element(Ask=3)))
    assert book.last_skip == "Uic 21: Bid is not known since it came as no number"
    assert book.skips["incomplete"] == 2


OLDER = "2014-05-07T00:00:01Z"


def test_a_quote_older_than_the_one_it_replaces_is_taken_and_counted():
    book, stream = QuoteBook(), QuoteStream()
    text = payload(element(Bid=1, Ask=2), element(time=OLDER, Ask=3))
    assert [quote.ask for quote in book.apply(text)] == [2.0, 3.0]
    assert (book.skipped, book.oddities) == (0, {"older": 1, "state": 0})
    assert book.last_oddity is not None
    assert book.last_oddity.startswith("Uic 21: LastUpdated 2014-05-07T00:00:01")
    stream.snapshot(text)
    assert (stream.oddities, stream.last_oddity, len(stream)) == (book.oddities, book.last_oddity, 2)
    book.apply(payload(element(22, time=OLDER, Bid=1, Ask=2), element(22, time=OLDER, Bid=1.5)))
    assert book.oddities["older"] == 1


def test_a_book_that_refuses_older_quotes_keeps_the_newer_one():
    book, stream = QuoteBook(older="refuse"), QuoteStream(older="refuse")
    text = payload(element(Bid=1, Ask=2), element(time=OLDER, Ask=3), element(Bid=1.5))
    assert [(quote.bid, quote.ask) for quote in book.apply(text)] == [(1.0, 2.0), (1.5, 2.0)]
    assert (book.skips["older"], book.skipped, sum(book.oddities.values())) == (1, 1, 0)
    assert "is before that of the quote that is held" in str(book.last_skip)
    assert (stream.snapshot(text), stream.skips) == (2, book.skips)
    with pytest.raises(ValueRangeError, match='older="revise" is unknown: use "take" or "refuse"'):
        QuoteBook(older="revise")


@pytest.mark.parametrize(("state", "said"), [(5, "5"), (None, "null"), (["Open"], '["Open"]')])
def test_a_market_state_that_is_no_text_is_unknown_and_counted(state, said):
    book = QuoteBook()
    [quote] = book.apply(payload(element(Bid=1, Ask=2, MarketState=state)))
    assert (quote.market_state, book.skipped, book.oddities["state"]) == ("Unknown", 0, 1)
    assert book.last_oddity == f"Uic 21: MarketState {said} is no text: the quote says Unknown"
    book.apply(payload(element(Bid=1.5)))
    assert book.oddities["state"] == 1


def test_numbers_that_do_not_fit_are_named_with_their_value():
    for call, said in [
        (lambda: QuoteBook().get(2**70), r"uic 1180591620717411303424 is out of range"),
        (
            lambda: Message(2**64, "p", 0, b"x"),
            r"message_id 18446744073709551616 is out of range: it must",
        ),
        (lambda: Message(-1, "p", 0, b"x"), r"message_id -1 is out of range"),
        (lambda: Message(1, "p", 256, b"x"), r"payload_format 256 is out of range: it must be 0 to 255"),
    ]:
        with pytest.raises(ValueRangeError, match=said):
            call()


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
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one) == f"Quote(uic=21, ts={TS}, bid=1.5, ask=2.0, market_state='Open')"
    match one:
        case Quote(uic, _, bid, ask, state):
            assert (uic, bid, ask, state) == (21, 1.5, 2.0, "Open")
    with pytest.raises(AttributeError):
        one.bid = 2.0


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
