import json
from typing import Any

import pytest
from legacy_bot.model import Quote
from legacy_bot.quotes import QuoteBook, QuoteError

TIME = "2014-05-07T00:00:07.135000Z"
NS = 1_399_420_807_135_000_000


def payload(*elements: Any) -> bytes:
    return json.dumps(elements).encode()


def infoprice(bid: Any = 1.39286, ask: Any = 1.39298, **more: Any) -> dict[str, Any]:
    return {
        "Uic": 21,
        "LastUpdated": TIME,
        "Quote": {"Bid": bid, "Ask": ask, "MarketState": "Open"},
        **more,
    }


@pytest.fixture
def book() -> QuoteBook:
    book = QuoteBook()
    assert book.apply(payload(infoprice())) == [Quote(21, NS, 1.39286, 1.39298, "Open")]
    return book


def test_a_delta_keeps_what_it_does_not_name(book: QuoteBook) -> None:
    delta = {"Uic": 21, "LastUpdated": "2014-05-07T00:00:08.000000Z", "Quote": {"Bid": 1.39287}}
    quote = Quote(21, 1_399_420_808_000_000_000, 1.39287, 1.39298, "Open")
    assert book.apply(payload(delta)) == [quote]
    assert book.get(21) == quote


def test_an_array_a_data_object_and_a_single_object_are_the_same() -> None:
    for document in ([infoprice()], {"Data": [infoprice()]}, infoprice()):
        assert len(QuoteBook().apply(json.dumps(document).encode())) == 1


def test_a_locked_quote_is_a_quote(book: QuoteBook) -> None:
    assert [quote.ask for quote in book.apply(payload(infoprice(1.5, 1.5)))] == [1.5]


def test_each_element_of_a_payload_gives_its_quote_in_order(book: QuoteBook) -> None:
    other = infoprice(109.1, 109.2, Uic=42)
    assert [quote.uic for quote in book.apply(payload(other, infoprice(), other))] == [42, 21, 42]


def test_an_element_without_prices_is_counted_and_waits_for_its_other_half() -> None:
    book = QuoteBook()
    assert book.apply(payload({"Uic": 21, "LastUpdated": TIME, "Quote": {"Bid": 1.39}})) == []
    assert (book.skipped, book.get(21)) == (1, None)
    assert book.apply(payload({"Uic": 21, "Quote": {"Ask": 1.40}})) == [Quote(21, NS, 1.39, 1.40, "Unknown")]


@pytest.mark.parametrize(
    "element",
    [
        infoprice(bid=1.5),
        infoprice(bid=0),
        infoprice(bid=-1.0),
        infoprice(ask=float("nan")),
        infoprice(ask=float("inf")),
        infoprice(ask=10**400),
        {"Uic": 21, "Quote": {"Bid": 1.5}},
        {"Uic": 21, "LastUpdated": "yesterday", "Quote": {"Bid": 1.0}},
        {"Uic": 21, "LastUpdated": 7, "Quote": {"Bid": 1.0}},
        {"Uic": "21", "Quote": {"Bid": 1.0}},
        {"Uic": True, "Quote": {"Bid": 1.0}},
        {"Quote": {"Bid": 1.0}},
        "text",
        None,
    ],
)
def test_an_element_that_cannot_be_used_is_counted_and_changes_nothing(book: QuoteBook, element: Any) -> None:
    before = book.get(21)
    assert book.apply(payload(element)) == []
    assert (book.skipped, book.get(21)) == (1, before)
    assert book.apply(payload({"Uic": 21, "LastUpdated": TIME})) == [before]


def test_arrays_are_replaced_whole_and_deleted_rows_are_gone(book: QuoteBook) -> None:
    assert book.apply(payload({"Uic": 21, "__meta_deleted": True})) == []
    assert book.get(21) is None
    assert book.apply(payload({"Uic": 21, "LastUpdated": TIME, "Quote": {"Bid": 1.39}})) == []
    assert book.skipped == 1


@pytest.mark.parametrize("broken", [b"", b"[{", b"3", b'"text"', b'{"Data": 3}', b"[" * 100_000, b"\xff"])
def test_a_payload_that_is_no_collection_is_an_error_and_merges_nothing(book: QuoteBook, broken: bytes) -> None:
    before = book.get(21)
    with pytest.raises(QuoteError, match="price payload"):
        book.apply(broken)
    assert book.get(21) == before
