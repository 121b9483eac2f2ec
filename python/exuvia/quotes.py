"""Saxo-style price streams: binary frames, control messages, and quotes merged from snapshots and deltas.

A binary WebSocket frame holds messages; the payload of a price message is JSON with only what changed.
`QuoteBook` keeps what is known of each instrument and gives out a quote for each update:

>>> from exuvia.quotes import Message, QuoteBook, decode_frame, encode_frame
>>> full = b'[{"Uic":21,"LastUpdated":"2014-05-07T00:00:07.135Z","Quote":{"Bid":1.39286,"Ask":1.39298}}]'
>>> delta = b'[{"Uic":21,"LastUpdated":"2014-05-07T00:00:08.200Z","Quote":{"Ask":1.39301}}]'
>>> frame = encode_frame([Message(1, "prices", 0, full), Message(2, "prices", 0, delta)])
>>> book = QuoteBook()
>>> for message in decode_frame(frame):
...     for quote in book.apply(message.payload):
...         print(quote.bid, quote.ask, quote.market_state)
1.39286 1.39298 Unknown
1.39286 1.39301 Unknown

Your own record type, say a dataclass that the rest of the system already uses, is built directly:

>>> from typing import NamedTuple
>>> class Tick(NamedTuple):
...     uic: int
...     ts: int
...     bid: float
...     ask: float
...     state: str
>>> QuoteBook(record=Tick).apply(full)
[Tick(uic=21, ts=1399420807135000000, bid=1.39286, ask=1.39298, state='Unknown')]

For a whole day there is no need of objects at all. `QuoteStream` reads frames into columns:

>>> from exuvia.quotes import QuoteStream
>>> stream = QuoteStream(["prices"])
>>> stream.feed_many([frame])
2
>>> stream.take_numpy()["ask"].tolist()
[1.39298, 1.39301]
"""

from __future__ import annotations

from exuvia._exuvia import (
    Control,
    Message,
    Quote,
    QuoteBook,
    QuoteStream,
    decode_frame,
    encode_frame,
    read_control,
)

__all__ = [
    "Control",
    "Message",
    "Quote",
    "QuoteBook",
    "QuoteStream",
    "decode_frame",
    "encode_frame",
    "read_control",
]
