"""A canary serves a sticky share of the keys below its caps; samples are drawn by a stream of its own."""

from __future__ import annotations

import random
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from exuvia._exuvia import ControlPage, Switch
from exuvia.errors import MigrateError
from exuvia.migrate.dispatch import page
from exuvia.migrate.dispatch.canary import place

if TYPE_CHECKING:
    from pathlib import Path

SALT = bytes(range(16))
UNIT = "legacy_bot.orders:send"


def send(order: Any, account: str = "A-0", *, tag: str = "t", **more: Any) -> str:
    return "legacy"


def by_candidate(order: Any, account: str = "A-0", *, tag: str = "t", **more: Any) -> str:
    return "candidate"


def made(path: str = "$args.account", share: float = 1.0, **caps: Any) -> Switch:
    switch = Switch(send, by_candidate, send)
    switch.set_canary(place(path, send), share, SALT, **caps)
    switch.set_day(20_000)
    switch.set_mode("canary")
    return switch


def mapped(folder: Path, *switches: Switch, unit: str = UNIT) -> page.Page:
    control = page.Page(folder)
    with control.locked():
        control.write({control.take([page.digest(unit)])[page.digest(unit)]: ("canary", 0)})
    for switch in switches:
        assert switch.attach(ControlPage(control.mapped), unit)
        switch.set_mode("canary")
    return control


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_key_stays_on_its_side_whichever_way_it_is_passed_and_in_every_switch(share: float) -> None:
    one, other = made(share=share), made(share=share)
    accounts = [f"ACC-{number}" for number in range(2_000)]
    sides = {account: one.callable(None, account) for account in accounts}
    assert abs(list(sides.values()).count("candidate") / 2_000 - share) < 0.05
    for account, side in sides.items():
        assert one.callable(None, account=account) == other.callable(order=1, account=account) == side
    grown = made(share=min(1.0, share * 2))
    assert all(grown.callable(None, account) == "candidate" for account in accounts if sides[account] == "candidate")
    counts = one.counts()
    assert counts["canary_calls"] == counts["candidate_calls"]
    assert counts["legacy_calls"] + counts["candidate_calls"] == 4_000


@pytest.mark.parametrize(
    ("path", "args", "kwargs"),
    [
        ("$args[0]", ("K",), {}),
        ("$args.order", (), {"order": "K"}),
        ("$args.order.id", ({"id": 7},), {}),
        ("$args[0][1]", ([0, b"K"],), {}),
        ("$args.order.real", (3,), {}),
        ("$args.tag", (1,), {"tag": "K"}),
        ("$args.tag", (1,), {}),
        ("$args.account", (1,), {}),
        ("$args.unknown", (1,), {"unknown": "K"}),
    ],
)
def test_a_key_is_found_by_position_name_default_attribute_and_index(path: str, args: Any, kwargs: Any) -> None:
    assert made(path).callable(*args, **kwargs) == "candidate"


@pytest.mark.parametrize("order", [None, 1.5, object(), {"id": 1}, 2**80, "\ud800"])
def test_a_call_whose_key_cannot_be_read_is_legacys_and_is_counted(order: Any) -> None:
    switch = made("$args[0]")
    assert switch.callable(order) == "legacy"
    assert switch.counts()["unkeyed"] == 1
    assert made("$args.order.name").callable(order) == "legacy"


def test_a_path_that_names_no_argument_is_refused() -> None:
    def plain(a: int) -> int:
        return a

    for path in ("$args.b", "$args[3]", "$args"):
        with pytest.raises(MigrateError, match="argument"):
            place(path, plain)


def test_caps_hold_over_all_processes_that_share_a_page_and_end_at_midnight(tmp_path: Path) -> None:
    caps = {"calls": 10, "calls_a_key": 3}
    one, other = made(**caps), made(**caps)
    mapped(tmp_path, one, other)
    served = [switch.callable(None, account) for account in ("A", "B", "C", "D", "E") for switch in (one, other) * 3]
    assert served.count("candidate") == 10
    assert served[:6].count("candidate") == 3
    assert one.counts()["capped"] + other.counts()["capped"] == 20
    one.set_day(20_001)
    assert one.callable(None, "A") == "candidate"


def test_amounts_of_every_kind_of_number_are_capped_and_never_passed(tmp_path: Path) -> None:
    key, at = place("$args.account", send), place("$args.order", send)
    switch = Switch(send, by_candidate, send)
    switch.set_canary(key, 1.0, SALT, amount=1_000_000, amount_at=at)
    control = mapped(tmp_path, switch)
    for amount in (20, -20.0, Decimal("20.00"), 19.99, 20.01):
        assert switch.callable(amount, "A") == "candidate"
    assert switch.callable(0.0001, "A") == "legacy"
    assert switch.callable(0, "A") == "candidate"
    assert ControlPage(control.mapped).used(UNIT, 0) == (0, 1_000_000)
    for amount in ("a lot", float("nan"), float("inf"), None):
        assert switch.callable(amount, "A") == "legacy"
    assert switch.counts()["unkeyed"] == 4
    with pytest.raises(MigrateError, match="amount_at"):
        switch.set_canary(key, 1.0, SALT, amount=1)


def test_a_cap_without_memory_that_is_shared_means_legacy() -> None:
    switch = made(calls=100)
    assert switch.callable(None, "A") == "legacy"
    assert switch.counts()["capped"] == 1


def test_eight_threads_never_pass_a_cap(tmp_path: Path) -> None:
    switch = made(calls=5_000, calls_a_key=700)
    mapped(tmp_path, switch)

    def call() -> None:
        for number in range(2_000):
            switch.callable(None, f"A{number % 10}")

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = switch.counts()
    assert counts["canary_calls"] == 5_000
    assert counts["legacy_calls"] + counts["candidate_calls"] == 16_000


def test_in_a_canary_the_reverse_observer_sees_what_the_candidate_serves() -> None:
    def reverse(*_args: Any, **_kwargs: Any) -> str:
        return "observed"

    switch = Switch(send, by_candidate, send, reverse)
    switch.set_canary(place("$args.account", send), 0.5, SALT)
    switch.set_mode("canary")
    answers = [switch.callable(None, f"A{number}") for number in range(400)]
    assert set(answers) == {"legacy", "observed"}
    switch.set_sampling(0.0)
    assert {switch.callable(None, f"A{number}") for number in range(400)} == {"legacy", "candidate"}


def test_samples_are_a_share_and_the_programs_random_stream_is_untouched() -> None:
    switch = Switch(send, by_candidate, lambda *_: "observed")
    switch.set_mode("shadow")
    random.seed(11)
    expected = random.Random(11).random()
    for share in (1.0, 0.0, 0.1):
        switch.set_sampling(share, 42)
        before = switch.counts()["unsampled"]
        seen = [switch.callable(1) for _ in range(20_000)].count("observed")
        assert abs(seen / 20_000 - share) < 0.015
        assert switch.counts()["unsampled"] - before == 20_000 - seen
    assert random.random() == expected
    with pytest.raises(MigrateError, match="not in 0"):
        switch.set_sampling(1.5)


class Cancelled(BaseException): ...


class PanicException(BaseException): ...


@pytest.mark.parametrize(
    ("error", "rescued"),
    [
        (ValueError("x"), True),
        (SystemExit(3), True),
        (PanicException("p"), True),
        (KeyboardInterrupt(), False),
        (Cancelled(), False),
    ],
)
def test_legacy_answers_for_a_candidate_that_raises_and_the_callers_own_affairs_pass(
    error: BaseException, rescued: bool
) -> None:
    def raises(*_args: Any) -> None:
        raise error

    switch = Switch(lambda *args: ("legacy", args), raises, len)
    switch.set_fallback(True)
    switch.set_mode("rust")
    if rescued:
        assert switch.callable(1, 2) == ("legacy", (1, 2))
    else:
        with pytest.raises(type(error)):
            switch.callable(1, 2)
    counts = switch.counts()
    assert (counts["fallbacks"], counts["panics"], counts["candidate_calls"]) == (
        int(rescued),
        int(isinstance(error, PanicException)),
        1,
    )
    assert [type(error).__name__ in text for text in switch.troubles()] == [True] * rescued
    assert switch.troubles() == []


def test_an_error_that_legacy_raises_too_is_the_callers_and_counted_as_the_same() -> None:
    def fails(*_: Any) -> None:
        raise KeyError("theirs")

    def own(*_: Any) -> None:
        raise KeyError("legacy's")

    switch = Switch(own, fails, len)
    switch.set_fallback(True)
    switch.set_mode("rust")
    with pytest.raises(KeyError, match="legacy's") as caught:
        switch.callable()
    assert caught.value.__context__ is None
    assert (switch.counts()["fallbacks"], switch.counts()["same_errors"]) == (1, 1)


def test_a_switch_marks_the_keys_that_the_candidate_served_and_forgets_them_when_asked() -> None:
    def send(account: str) -> str:
        return account

    switch = Switch(send, send, send)
    assert switch.served_keys() == [0, 0, 0, 0], "without a canary"
    switch.set_canary(place("$args.account", send), 1.0, bytes(range(16)))
    switch.set_mode("canary")
    for _ in range(50):
        switch.callable("A1")
    assert sum(word.bit_count() for word in switch.served_keys()) == 1
    assert switch.served_keys() == [0, 0, 0, 0]
    for number in range(200):
        switch.callable(f"A{number}")
    marks = sum(word.bit_count() for word in switch.served_keys())
    assert 120 < marks <= 200, "two keys may share a mark"
    switch.set_canary(place("$args.account", send), 1e-12, bytes(range(16)))
    switch.callable("A1")
    assert switch.served_keys() == [0, 0, 0, 0], "legacy served"
    switch.set_canary(place("$args.account", send), 1.0, bytes(range(16)))
    switch.set_mode("shadow")
    switch.callable("A1")
    assert switch.served_keys() == [0, 0, 0, 0], "in shadow legacy serves"


def test_a_cap_that_cannot_be_counted_and_a_place_without_a_name_are_refused() -> None:
    switch = Switch(send, by_candidate, send)
    with pytest.raises(MigrateError, match=r"cap 9223372036854775808 is above 4503599627370495, the most"):
        switch.set_canary(place("$args.account", send), 1.0, SALT, calls=2**63)
    with pytest.raises(ValueError, match="a place names an argument by position or by name"):
        switch.set_canary((None, None, [], []), 1.0, SALT)
    assert repr(switch) == "<Switch legacy>"
    switch.set_mode("shadow")
    assert repr(switch) == "<Switch shadow>"


def test_a_call_whose_amount_is_not_where_it_should_be_is_legacys(tmp_path: Path) -> None:
    key, at = place("$args.account", send), place("$args.order.amount", send)
    switch = Switch(send, by_candidate, send)
    switch.set_canary(key, 1.0, SALT, amount=1_000_000, amount_at=at)
    mapped(tmp_path, switch)
    assert switch.callable({"amount": 3}, "A") == "candidate"
    assert switch.callable({"size": 3}, "A") == "legacy"
    assert switch.counts()["unkeyed"] == 1


def test_a_key_that_no_encoding_has_is_legacys() -> None:
    switch = made()
    assert switch.callable(None, "\ud800") == "legacy"
    assert switch.callable(None, b"bytes") == "candidate"
    assert switch.counts()["unkeyed"] == 1


def test_an_error_whose_text_cannot_be_read_is_told_by_its_class() -> None:
    class MuteError(ValueError):
        def __str__(self) -> str:
            raise RuntimeError("not even that")

    for error, said in [(ValueError("\ud800"), "ValueError: "), (MuteError(), "MuteError: ")]:
        switch = Switch(lambda: "legacy", raising(error), len)
        switch.set_fallback(True)
        switch.set_mode("rust")
        assert switch.callable() == "legacy"
        assert switch.troubles() == [said]


def raising(error: BaseException) -> Any:
    def side(*_args: Any) -> None:
        raise error

    return side


def test_what_is_raised_while_both_errors_are_compared_goes_to_the_program() -> None:
    stop = raising(KeyboardInterrupt("stop"))
    switch = Switch(raising(KeyError("own")), raising(KeyError("theirs")), len, None, stop)
    switch.set_fallback(True)
    switch.set_mode("rust")
    with pytest.raises(KeyboardInterrupt, match="stop"):
        switch.callable(1)
    counts = switch.counts()
    assert (counts["fallbacks"], counts["same_errors"]) == (1, 0)
