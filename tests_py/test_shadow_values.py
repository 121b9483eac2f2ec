"""What passes between the program and the shadow: the very result, contexts, changed arguments, exceptions."""

from __future__ import annotations

import contextvars
import decimal
import hashlib
import pickle
from typing import Any

import pytest
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]


def test_the_result_is_the_very_object_and_so_is_the_exception(shadowed: Shadowed) -> None:
    shadowed.write(
        "held = {'a': [1]}\nerror = KeyError('x')\n"
        "def price(n):\n    if n < 0:\n        raise error\n    return held\n",
        "def price(n):\n    return {'a': [2]}\n",
    )
    shadowed.install("price")
    assert shadowed.legacy.price(1) is shadowed.legacy.held
    with pytest.raises(KeyError) as caught:
        shadowed.legacy.price(-1)
    assert caught.value is shadowed.legacy.error
    assert caught.value.__context__ is None
    assert shadowed.counts("price")["differed"] == 2


def test_the_candidate_has_legacys_decimal_context(shadowed: Shadowed) -> None:
    text = "import decimal\ndef third(n):\n    return decimal.Decimal(n) / decimal.Decimal(3)\n"
    shadowed.write(text, text)
    shadowed.install("third")

    def program() -> None:
        shadowed.legacy.third(1)
        decimal.getcontext().prec = 6
        shadowed.legacy.third(1)
        strict = decimal.Context(prec=9, rounding=decimal.ROUND_UP, traps=[decimal.Inexact])
        with decimal.localcontext(strict), pytest.raises(decimal.Inexact):
            shadowed.legacy.third(1)
        shadowed.legacy.third(2)

    contextvars.Context().run(program)
    counts = shadowed.counts("third")
    assert (counts["compared"], counts["differed"], counts["reasons"]) == (4, 0, {})


def test_a_program_that_never_set_a_decimal_context_has_none_afterwards(shadowed: Shadowed) -> None:
    shadowed.write("def price(n):\n    return n\n", "def price(n):\n    return n\n")
    shadowed.install("price")

    def program() -> int:
        before = len(contextvars.copy_context())
        shadowed.legacy.price(1)
        return len(contextvars.copy_context()) - before

    assert contextvars.Context().run(program) == 0
    assert shadowed.counts("price")["compared"] == 1


class Unwilling:
    """Cannot be pickled, and says why."""

    def __reduce__(self) -> Any:
        raise pickle.PicklingError(f"{self!r} has a connection")


def test_what_cannot_be_pickled_is_counted_with_its_reason_and_never_raised(shadowed: Shadowed) -> None:
    text = "def price(n, make=None):\n    if n == 3:\n        raise ValueError(make)\n    return make() if n else n\n"
    shadowed.write(text, text)
    shadowed.install("price", more='pickling = "run"')
    local = lambda: 1  # noqa: E731 - a lambda is what is tested
    assert shadowed.legacy.price(0, Unwilling()) == 0
    assert shadowed.legacy.price(0, local) == 0
    assert shadowed.legacy.price(0, open) == 0
    with pytest.raises(ValueError, match="lambda"):
        shadowed.legacy.price(3, local)
    counts = shadowed.counts("price")
    assert counts["compared"] == 1
    assert counts["skipped"] == 3
    assert any("PicklingError" in reason and "has a connection" in reason for reason in counts["reasons"])
    assert any("<lambda>" in reason and "0x" not in reason for reason in counts["reasons"]), counts["reasons"]


def test_a_result_that_cannot_be_pickled_is_counted_and_arguments_are_kept_as_they_were(shadowed: Shadowed) -> None:
    text = "import threading\ndef price(v):\n    v.append(1)\n    return threading.Lock()\n"
    shadowed.write(text, text)
    shadowed.install("price")
    rows: list[int] = []
    for _ in range(3):
        shadowed.legacy.price(rows)
    assert rows == [1, 1, 1]
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["skipped"]) == (0, 3)
    assert list(counts["reasons"].values()) == [3]


def test_arguments_that_a_side_changes_are_outputs(shadowed: Shadowed) -> None:
    shadowed.write(
        "def change(v, n):\n    v.append(n)\n    return len(v)\n",
        "def change(v, n):\n    v.append(n + (n == 2))\n    return len(v)\n",
    )
    shadowed.install("change")
    rows: list[int] = []
    for n in range(4):
        shadowed.legacy.change(rows, n)
    counts = shadowed.counts("change")
    assert (counts["compared"], counts["differed"]) == (4, 1)
    assert [place for place, _, _ in counts["places"]] == ["$args[*][*]"]


def test_a_candidate_that_changes_what_legacy_left_alone_is_seen(shadowed: Shadowed) -> None:
    shadowed.write("def read(v):\n    return v[0]\n", "def read(v):\n    v.sort()\n    return 3\n")
    shadowed.install("read")
    rows = [3, 1]
    shadowed.legacy.read(rows)
    assert rows == [3, 1]
    assert shadowed.counts("read")["differed"] == 1


def test_exceptions_are_compared_by_class_and_arguments_whatever_their_constructor(shadowed: Shadowed) -> None:
    text = (
        "class Refused(ValueError):\n    def __init__(self, code, why):\n        super().__init__(f'{code}: {why}')\n"
        "        self.code = code\n"
        "def price(n):\n    raise Refused(n, 'no')\n"
    )
    shadowed.write(
        text,
        "import LEGACY\nRefused = LEGACY.Refused\ndef price(n):\n    if n == 2:\n        raise KeyError(n)\n"
        "    raise Refused(n, 'no')\n",
    )
    shadowed.install("price")
    for n in range(4):
        with pytest.raises(shadowed.legacy.Refused):
            shadowed.legacy.price(n)
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["differed"], counts["skipped"], counts["errors"]) == (4, 1, 0, 0)


def test_large_arguments_arrive_whole(shadowed: Shadowed) -> None:
    text = "import hashlib\ndef digest(data):\n    return hashlib.sha256(data).hexdigest(), data[-3:]\n"
    shadowed.write(text, text)
    shadowed.install("digest", more='when_full = "wait"\nqueue = 8')
    for n in range(30):
        data = bytes([n]) * 3_000_000
        assert shadowed.legacy.digest(data)[0] == hashlib.sha256(data).hexdigest()
    counts = shadowed.counts("digest")
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (30, 0, 0)


def test_where_the_rules_ignore_everything_nothing_was_compared(shadowed: Shadowed) -> None:
    shadowed.write("def price(n):\n    return 1.0\n", "def price(n):\n    return 999.0\n")
    shadowed.install("price", more='compare = { "$.**" = "ignore(me, noise)" }')
    assert [shadowed.legacy.price(n) for n in range(3)] == [1.0] * 3
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["skipped"]) == (0, 3), counts
    assert "the rules ignore all of it" in next(iter(counts["reasons"]))
