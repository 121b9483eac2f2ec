import threading

import pytest
from legacy_bot.model import Message
from legacy_bot.stream import FrameError, Stream, StreamError, decode_frame
from websockets.sync.server import ServerConnection, serve

QUOTE = bytes.fromhex("0100000000000000 0000 02 7131 00 0d000000 7b2251756f7465223a7b7d7d20")
HEARTBEAT = bytes.fromhex("0200000000000000 0000 0a 5f686561727462656174 00 02000000 5b5d")


def test_a_frame_of_two_messages_gives_both_in_order() -> None:
    assert decode_frame(QUOTE + HEARTBEAT) == [
        Message(1, "q1", 0, b'{"Quote":{}} '),
        Message(2, "_heartbeat", 0, b"[]"),
    ]


def test_an_empty_frame_has_no_messages() -> None:
    assert decode_frame(b"") == []


@pytest.mark.parametrize("size", range(1, len(HEARTBEAT)))
def test_a_frame_cut_anywhere_is_an_error_that_names_the_offset(size: int) -> None:
    with pytest.raises(FrameError, match=f"offset {len(QUOTE)}"):
        decode_frame(QUOTE + HEARTBEAT[:size])


def test_bytes_after_the_last_message_are_an_error() -> None:
    with pytest.raises(FrameError, match=f"offset {len(QUOTE)}"):
        decode_frame(QUOTE + b"\x00")


def test_a_reference_id_that_is_not_ascii_is_an_error() -> None:
    with pytest.raises(FrameError, match="not ASCII"):
        decode_frame(QUOTE.replace(b"q1", b"\xe91"))


def test_the_stream_reads_up_to_a_message_and_goes_on_from_there() -> None:
    third = HEARTBEAT.replace(b"\x02", b"\x03", 1)

    def venue(connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.request.headers["Authorization"] == "BEARER token"
        assert connection.request.path == "/ws?contextId=ctx"
        connection.send(QUOTE)
        connection.send(HEARTBEAT + third)

    with serve(venue, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        with Stream(url, "token", "ctx", timeout_s=5) as stream:
            assert [message.message_id for message in stream.read_until(2)] == [1, 2]
            assert [message.message_id for message in stream.read_until(3)] == [3]
            assert stream.wait_s > 0
            with pytest.raises(StreamError, match="4 is missing"):
                list(stream.read_until(4))
        server.shutdown()
