"""Faults of text, bytes and of what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.comparator.faults.fault import fault, need

if TYPE_CHECKING:
    import random

__all__: list[str] = []

SIDES = {"Buy": "Sell", "Sell": "Buy", "buy": "sell", "sell": "buy", "BUY": "SELL", "SELL": "BUY"}
SIDES |= {"long": "short", "short": "long", "Long": "Short", "Short": "Long"}
LATIN_A, CYRILLIC_A = "a", chr(0x430)


@fault("sides swapped", str)
def _sides(_: random.Random, value: str) -> str:
    need(value in SIDES)
    return SIDES[value]


@fault("the case of a text", str)
def _case(_: random.Random, value: str) -> str:
    return value.swapcase()


@fault("a blank more", str)
def _blank(_: random.Random, value: str) -> str:
    return value + " "


@fault("empty text", str)
def _empty(_: random.Random, value: str) -> str:
    need(value)
    return ""


@fault("one letter", str)
def _letter(rng: random.Random, value: str) -> str:
    need(value)
    at = rng.randrange(len(value))
    return value[:at] + ("x" if value[at] != "x" else "y") + value[at + 1 :]


@fault("a letter that looks the same", str)
def _look_alike(_: random.Random, value: str) -> str:
    return value.replace(LATIN_A, CYRILLIC_A, 1)


@fault("bytes for text", str)
def _bytes_for_text(_: random.Random, value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


@fault("None for text", str)
def _none_for_text(_: random.Random, __: str) -> None:
    return None


@fault("one byte", bytes)
def _byte(rng: random.Random, value: bytes) -> bytes:
    need(value)
    at = rng.randrange(len(value))
    return value[:at] + bytes([value[at] ^ (1 << rng.randrange(8))]) + value[at + 1 :]


@fault("a byte less", bytes)
def _byte_less(_: random.Random, value: bytes) -> bytes:
    return value[:-1]


@fault("text for bytes", bytes)
def _text_for_bytes(_: random.Random, value: bytes) -> str:
    return value.decode("latin-1")


@fault("zero for None", type(None))
def _zero_for_none(_: random.Random, __: None) -> int:
    return 0


@fault("empty text for None", type(None))
def _empty_for_none(_: random.Random, __: None) -> str:
    return ""
