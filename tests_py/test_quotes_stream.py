"""Frames straight into columns."""

from __future__ import annotations

import json

import pytest
from exuvia.errors import DecodeError
from exuvia.quotes import Control, Message, QuoteBook, QuoteStream, decode_frame, encode_frame

TIME = "2014-05-07T00:00:{:02d}.000000Z"


def delta(second: int, **quote: object) -> bytes:
    return json.dumps([{"Uic": 21, "LastUpdated": TIME.format(second), "Quote": quote}]).encode()


def frames() -> list[bytes]:
    return [
        encode_frame([Message(1, "prices", 0, delta(0, Bid=1.0, Ask=2.0, MarketState="Open"))]),
        encode_frame([Message(n, "prices", 0, delta(n, Bid=1 + n / 8)) for n in range(2, 5)]),
    ]


def test_columns_hold_what_the_book_gives_out():
    stream, book = QuoteStream(["prices"]), QuoteBook()
    assert stream.feed_many(frames()) == 4
    assert len(stream) == 4
    quotes = [q for frame in frames() for m in decode_frame(frame) for q in book.apply(m.payload)]
    columns = stream.take_numpy()
    for name in ("ts", "uic", "bid", "ask"):
        assert columns[name].tolist() == [getattr(quote, name) for quote in quotes]
        assert columns[name].flags.c_contiguous
    assert (len(stream), stream.take_numpy()["ts"].size, stream.last_message_id) == (0, 0, 4)


@pytest.mark.parametrize("library", ["pyarrow", "polars", "pandas"])
def test_a_table_goes_to_every_library(library):
    module = pytest.importorskip(library)
    stream = QuoteStream()
    for frame in frames():
        stream.feed(frame)
    table = stream.take_arrow()
    if library == "pyarrow":
        taken = module.table(table)
        states, asks, times = (
            taken["market_state"].to_pylist(),
            taken["ask"].to_pylist(),
            str(taken.schema.field("ts").type),
        )
        assert times == "timestamp[ns, tz=UTC]"
    elif library == "polars":
        taken = module.DataFrame(table)
        states, asks = taken["market_state"].to_list(), taken["ask"].to_list()
    else:
        taken = module.DataFrame.from_arrow(table) if hasattr(module.DataFrame, "from_arrow") else None
        if taken is None:
            pytest.skip("this pandas has no from_arrow")
        states, asks = taken["market_state"].tolist(), taken["ask"].tolist()
    assert (states, asks) == (["Open"] * 4, [2.0] * 4)


def test_the_state_of_the_book_outlives_a_take():
    stream = QuoteStream()
    assert stream.snapshot(b'{"Data":' + delta(0, Bid=1, Ask=2) + b"}") == 1
    stream.take_numpy()
    stream.feed(encode_frame([Message(9, "prices", 0, delta(1, Ask=3))]))
    assert stream.take_numpy()["bid"].tolist() == [1.0]


def test_a_broken_message_does_not_stop_the_others():
    stream = QuoteStream(["Prices"])
    frame = encode_frame(
        [
            Message(1, "prices", 0, delta(0, Bid=1, Ask=2)),
            Message(2, "prices", 0, b'[{"Uic":21,'),
            Message(3, "prices", 1, b"\x08\x96\x01"),
            Message(4, "orders", 0, b"[]"),
            Message(5, "_heartbeat", 0, b"oops"),
            Message(6, "prices", 0, delta(1, Bid=0)),
            Message(7, "prices", 0, delta(2, Bid=1.5)),
        ]
    )
    assert stream.feed(frame) == 2
    assert (stream.broken, stream.foreign, stream.skipped, stream.last_message_id) == (3, 1, 1, 7)
    assert stream.last_error is not None
    assert "control message 5 _heartbeat: JSON breaks at byte 0" in stream.last_error


def test_a_broken_frame_is_an_error_that_names_it_and_loses_nothing():
    stream = QuoteStream()
    good, more = frames()
    with pytest.raises(DecodeError, match="frame 1 of 3: frame of 90 bytes breaks off at byte"):
        stream.feed_many([good, more[:90], more])
    assert stream.take_numpy()["bid"].tolist() == [1.0]
    with pytest.raises(DecodeError):
        stream.feed(more[:-1])
    assert (len(stream), stream.broken) == (0, 0)


def test_control_messages_are_kept_apart():
    stream = QuoteStream()
    reset = b'[{"ReferenceId":"_resetsubscriptions","TargetReferenceIds":["prices"]}]'
    stream.feed(
        encode_frame([Message(8, "_resetsubscriptions", 0, reset), Message(0, "_connectionheartbeat", 0, b"[]")])
    )
    assert stream.take_controls() == [
        Control("resetsubscriptions", ("prices",)),
        Control("connectionheartbeat"),
    ]
    assert stream.take_controls() == []
    assert stream.last_message_id == 8


def test_every_control_of_the_venue_is_named_and_one_that_is_not_known_keeps_its_name() -> None:
    sent = ["_heartbeat", "_resetsubscriptions", "_disconnect", "_reconnect", "_connectionheartbeat", "_probe", "_rain"]
    stream = QuoteStream()
    stream.feed(encode_frame([Message(at, name, 0, b"[]") for at, name in enumerate(sent, 1)]))
    kinds = [control.kind for control in stream.take_controls()]
    assert kinds == [*(name[1:] for name in sent[:-1]), "_rain"]
    assert stream.take_controls() == []


def test_what_a_book_and_a_stream_hold_is_said_in_one_line() -> None:
    stream, book = QuoteStream(["prices"]), QuoteBook()
    assert repr(stream) == "<QuoteStream of 0 quotes, 0 skipped, 0 broken>"
    assert repr(book) == "<QuoteBook of 0 instruments, 0 skipped>"
    broken = delta(9, Bid="x")
    stream.feed_many([*frames(), encode_frame([Message(9, "prices", 0, broken), Message(10, "prices", 0, b"[")])])
    book.apply(delta(0, Bid=1.0, Ask=2.0))
    book.apply(broken)
    assert repr(stream) == "<QuoteStream of 4 quotes, 1 skipped, 1 broken>"
    assert repr(book) == "<QuoteBook of 1 instruments, 1 skipped>"
