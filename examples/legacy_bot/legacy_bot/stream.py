"""The streaming connection: binary frames in, messages out.

A frame is one or more messages back to back; all integers are little-endian:
message id (8 bytes), reserved (2), reference id size (1), reference id, format (1), payload size (4), payload
"""

import struct
import time
from collections.abc import Iterator
from typing import Self

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from .model import Message

_HEAD = struct.Struct("<QHB")
_TAIL = struct.Struct("<BI")


class FrameError(ValueError):
    """A binary frame does not hold whole messages."""


class StreamError(ConnectionError):
    """The streaming connection was lost, or silent for too long."""


def decode_frame(frame: bytes) -> list[Message]:
    """Split a binary frame into its messages; FrameError if one is cut short, or a reference id is not ASCII."""
    messages, offset = [], 0
    while offset < len(frame):
        try:
            message_id, _reserved, name_size = _HEAD.unpack_from(frame, offset)
            name_end = offset + _HEAD.size + name_size
            payload_format, size = _TAIL.unpack_from(frame, name_end)
        except struct.error:
            raise FrameError(
                f"frame of {len(frame)} bytes ends inside the header of the message at offset {offset}"
            ) from None
        start = name_end + _TAIL.size
        name, payload = frame[offset + _HEAD.size : name_end], frame[start : start + size]
        if len(payload) < size:
            raise FrameError(f"message at offset {offset} announces {size} bytes, the frame has {len(payload)} left")
        if not name.isascii():
            raise FrameError(f"reference id {name!r} of the message at offset {offset} is not ASCII")
        messages.append(Message(message_id, name.decode("ascii"), payload_format, payload))
        offset = start + size
    return messages


class Stream:
    """A streaming connection, open in a `with` block; `wait_s` adds up the time spent waiting for frames."""

    def __init__(self, url: str, token: str, context_id: str, timeout_s: float = 30.0) -> None:
        self.wait_s = 0.0
        self._timeout_s = timeout_s
        self._pending: list[Message] = []
        # Unbounded queue: the venue may send all frames of a step before it answers the request for it.
        headers, address = {"Authorization": f"BEARER {token}"}, f"{url}?contextId={context_id}"
        self._socket = connect(address, additional_headers=headers, compression=None, max_size=None, max_queue=None)

    def __enter__(self) -> Self:
        self._socket.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def read_until(self, message_id: int) -> Iterator[Message]:
        """Yield messages up to and including `message_id`; StreamError if they end, FrameError if one is broken."""
        while True:
            while self._pending:
                message = self._pending.pop(0)
                yield message
                if message.message_id == message_id:
                    return
            started = time.perf_counter()
            try:
                frame = self._socket.recv(timeout=self._timeout_s)
            except (TimeoutError, WebSocketException) as error:
                raise StreamError(f"no more frames, {message_id} is missing: {error}") from error
            finally:
                self.wait_s += time.perf_counter() - started
            self._pending = decode_frame(frame if isinstance(frame, bytes) else frame.encode())
