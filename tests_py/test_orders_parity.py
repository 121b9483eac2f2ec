"""The order manager and the ledger against the legacy bot's own classes: the same history, the same books."""

from __future__ import annotations

import sys
from dataclasses import astuple
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bot_modules import importable
from exuvia import scan
from exuvia.errors import OrderError
from exuvia.orders import Ledger, OrderManager
from hypothesis import given, settings
from hypothesis import strategies as st
from test_orders_manager import LIMITS, Scripted, activity, cancels, events, submits

if TYPE_CHECKING:
    from collections.abc import Iterator

S = 1_000_000_000


@pytest.fixture(scope="module")
def bot() -> Iterator[Any]:
    """The bot's modules, importable for this module only."""
    with importable():
        from legacy_bot import ledger, model, order_manager, state  # noqa: F401 - loaded for sys.modules

        yield sys.modules["legacy_bot"]


@settings(max_examples=200, deadline=None)
@given(history=st.lists(st.one_of(submits, events, cancels), max_size=25))
def test_any_history_leaves_the_books_of_the_bot(bot: Any, history: list[tuple[Any, ...]]) -> None:
    model, legacy = bot.model, bot.order_manager
    brokers = Scripted(), Scripted()
    ours = OrderManager(brokers[0], LIMITS, record=model.Order, fill_record=model.Fill)
    theirs = legacy.OrderManager(brokers[1], legacy.Limits(*LIMITS.__reduce__()[1]))
    our_ledger, their_ledger = Ledger(record=model.ClosedTrade), bot.ledger.Ledger()
    now = 0
    for kind, *rest in history:
        if kind == "submit":
            scenario, side, amount, reason, later, answer = rest
            now += later * S
            wanted = model.Intent("place", scenario, 21, side, amount, "Market", None, now, reason)
            for broker in brokers:
                broker.answers[:] = [answer]
            assert ours.submit(wanted) == theirs.submit(wanted)
        elif kind == "cancel":
            scenario, taken = rest
            brokers[0].takes_cancels = brokers[1].takes_cancels = taken
            assert ours.cancel(scenario, now) == theirs.cancel(scenario, now)
        else:
            number, scenario, sequence, amount, status, sub_status = rest
            what = activity(f"LB-{scenario}-{number:06d}", sequence, status, SubStatus=sub_status, FillAmount=amount)
            what["ExecutionPrice"] = Decimal("1.39298") + sequence * Decimal("0.00001")
            try:
                fill = ours.on_activity(what)
            except OrderError:  # The bot would book more than was ordered: we stop, and so does this history.
                return
            assert fill == theirs.on_activity(what)
            if fill is not None:
                try:
                    expected = their_ledger.on_fill(fill, "signal")
                except ValueError as error:
                    with pytest.raises(OrderError, match=str(error)):
                        our_ledger.on_fill(fill, "signal")
                else:
                    assert our_ledger.on_fill(fill, "signal") == expected
        for name in ("pending", "active", "terminal"):
            assert list(getattr(ours, name).items()) == list(getattr(theirs, name).items())
        assert (ours.counter, ours.ignored, ours.positions) == (theirs.counter, theirs.ignored, theirs.positions)
        assert brokers[0].sent == brokers[1].sent
        assert brokers[0].cancelled == brokers[1].cancelled
    quote = model.Quote(21, 0, 1.39286, 1.39298, "Open")
    for scenario in ("trend", "fade"):
        assert our_ledger.account(scenario).as_state() == their_ledger.account(scenario).as_state()
        assert str(our_ledger.equity(scenario, quote)) == str(their_ledger.equity(scenario, quote))
    assert [astuple(order) for order in ours.orders()] == [astuple(order) for order in theirs.orders()]


def test_a_state_of_the_bot_is_the_same_file(bot: Any, tmp_path: Path) -> None:
    account = Ledger().account("trend").as_state()
    state = {
        "version": 1,
        "ts": 7,
        "counter": 0,
        "scenarios": {"trend": account},
        "orders": {"pending": [], "active": []},
    }
    bot.state.save_state(tmp_path / "theirs.json", state)
    scan.save_state(tmp_path / "ours.json", state)
    assert (tmp_path / "ours.json").read_bytes() == (tmp_path / "theirs.json").read_bytes()
    assert scan.load_state(tmp_path / "theirs.json") == bot.state.load_state(tmp_path / "ours.json") == state
