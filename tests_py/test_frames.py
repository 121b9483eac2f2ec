"""Frames: against bytes written by hand from the layout, against broken input, and there and back."""

from __future__ import annotations

import inspect
import pickle
import struct
from dataclasses import dataclass

import pytest
from exuvia.errors import DecodeError
from exuvia.quotes import Control, Message, decode_frame, encode_frame, read_control
from hypothesis import given
from hypothesis import strategies as st

BY_HAND = bytes.fromhex(
    """
    01 00 00 00 00 00 00 00  00 00  02  71 31                          00  0d 00 00 00
    7b 22 51 75 6f 74 65 22 3a 7b 7d 7d 20
    02 00 00 00 00 00 00 00  00 00  0a  5f 68 65 61 72 74 62 65 61 74  00  02 00 00 00
    5b 5d
    """
)
MESSAGES = [Message(1, "q1", 0, b'{"Quote":{}} '), Message(2, "_heartbeat", 0, b"[]")]


@dataclass(frozen=True, slots=True)
class Record:
    message_id: int
    reference_id: str
    payload_format: int
    payload: bytes


def test_hand_made_bytes_are_read():
    assert decode_frame(BY_HAND) == MESSAGES


def test_hand_made_bytes_are_written():
    assert encode_frame(MESSAGES) == BY_HAND


def test_a_bytearray_and_a_memoryview_are_frames_too():
    assert decode_frame(bytearray(BY_HAND)) == decode_frame(memoryview(BY_HAND)) == MESSAGES
    with pytest.raises(TypeError, match="expected bytes, bytearray or memoryview, got str"):
        decode_frame("text")


def test_the_users_own_record_is_built():
    assert decode_frame(BY_HAND, record=Record) == [
        Record(1, "q1", 0, b'{"Quote":{}} '),
        Record(2, "_heartbeat", 0, b"[]"),
    ]
    assert encode_frame(decode_frame(BY_HAND, record=Record)) == BY_HAND


def test_an_error_of_the_users_record_comes_through():
    def record(*fields: object) -> None:
        raise KeyError(len(fields))

    with pytest.raises(KeyError, match="4"):
        decode_frame(BY_HAND, record=record)


def test_reference_ids_that_repeat_are_one_string():
    frame = encode_frame([Message(n, "".join(["pri", "ces"]), 0, b"[]") for n in range(4)])
    names = [message.reference_id for message in decode_frame(frame)] + [
        record.reference_id for record in decode_frame(frame, record=Record)
    ]
    assert len({id(name) for name in names}) == 1


def test_an_empty_frame_holds_nothing():
    assert decode_frame(b"") == []
    assert encode_frame([]) == b""


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (5, "byte 0: expected 11 bytes"),
        (12, "byte 11: expected 2"),
        (20, "byte 18: expected 13"),
        (40, "byte 31"),
    ],
)
def test_a_frame_that_breaks_off_names_the_byte(size, words):
    with pytest.raises(DecodeError, match=words):
        decode_frame(BY_HAND[:size])


def test_a_reference_id_beyond_ascii_is_refused():
    with pytest.raises(DecodeError, match="byte 12: expected an ASCII reference id, found byte 0xe9"):
        decode_frame(BY_HAND[:12] + b"\xe9" + BY_HAND[13:])
    with pytest.raises(DecodeError, match="message 7 cannot be framed: its reference id is not ASCII"):
        encode_frame([Message(7, "é", 0, b"")])


def test_a_message_is_a_value():
    one, same, other = Message(1, "a", 0, b"x"), Message(1, "a", 0, b"x"), Message(2, "a", 0, b"x")
    assert one == same != other
    assert hash(one) == hash(same)
    assert one != (1, "a", 0, b"x")
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one) == "Message(message_id=1, reference_id='a', payload_format=0, payload=b'x')"
    match one:
        case Message(1, name, _, payload):
            assert (name, payload) == ("a", b"x")
    with pytest.raises(AttributeError):
        one.payload = b""
    assert str(inspect.signature(Message)) == "(message_id, reference_id, payload_format, payload)"


def test_control_messages_are_typed():
    beat = b'[{"ReferenceId":"_heartbeat","Heartbeats":[{"OriginatingReferenceId":"p","Reason":"NoNewData"}]}]'
    control = read_control("_heartbeat", beat)
    assert control == Control("heartbeat", heartbeats=[("p", "NoNewData")])
    assert control is not None
    assert control.heartbeats == (("p", "NoNewData"),)
    assert pickle.loads(pickle.dumps(control)) == control
    assert hash(control) == hash(Control("heartbeat", (), (("p", "NoNewData"),)))
    assert repr(control) == "Control(kind='heartbeat', targets=(), heartbeats=(('p', 'NoNewData'),))"
    reset = read_control("_resetsubscriptions", b'[{"TargetReferenceIds":["p","q"]}]')
    assert reset == Control("resetsubscriptions", ("p", "q"))
    assert read_control("_resetsubscriptions", b"[{}]") == Control("resetsubscriptions")
    assert read_control("prices", b"anything") is None
    with pytest.raises(DecodeError, match="byte 2"):
        read_control("_heartbeat", b"[{]")


FIELDS = st.tuples(
    st.integers(0, 2**64 - 1),
    st.text("abcXYZ019_-", max_size=50),
    st.integers(0, 255),
    st.binary(max_size=80),
)


@given(st.lists(FIELDS, max_size=6))
def test_what_was_framed_is_read_back_and_follows_the_layout(fields):
    messages = [Message(*each) for each in fields]
    frame = encode_frame(messages)
    by_hand = b"".join(
        struct.pack("<QHB", number, 0, len(name)) + name.encode() + struct.pack("<BI", form, len(payload)) + payload
        for number, name, form, payload in fields
    )
    assert frame == by_hand
    assert decode_frame(frame) == messages


@given(st.binary(max_size=120))
def test_arbitrary_bytes_are_messages_or_a_decode_error(frame):
    try:
        messages = decode_frame(frame)
    except DecodeError as error:
        assert "byte" in str(error)
    else:
        assert len(encode_frame(messages)) == len(frame)
