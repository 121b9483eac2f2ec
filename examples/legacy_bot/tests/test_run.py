"""A whole run, over a venue made of lists: one saw-tooth market, two scenarios, every file."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from legacy_bot.config import Config, load_config
from legacy_bot.model import Message, Order, format_ns, parse_ns
from legacy_bot.order_manager import Limits, PlaceResult
from legacy_bot.runner import Runner
from legacy_bot.state import load_state
from legacy_bot.strategies import SmaCross

from . import read_bars

if TYPE_CHECKING:
    from legacy_bot.client import VenueClient
    from legacy_bot.stream import Stream

SECOND = 1_000_000_000
START = parse_ns("2014-05-07T22:00:00Z")
END = START + 4 * 3600 * SECOND


class Venue:
    """Client and stream in one: a tick every 10 s, orders filled at the next tick, limit orders never."""

    wait_s = 0.0

    def __init__(self) -> None:
        self.now = START
        self.tick = START + SECOND
        self.message_id = 0
        self.queue: list[Message] = []
        self.orders: dict[str, Order] = {}
        self.order_id = 0
        self.sequence = 0
        self.subscribed: list[str] = []

    def clock(self) -> tuple[int, int]:
        return START + SECOND, 4 * 360

    def subscribe_prices(self, reference_id: str, uics: list[int]) -> dict[str, Any]:
        assert uics == [21]
        self.subscribed.append(reference_id)
        return {"Data": [{"Uic": 21, "AssetType": "FxSpot", "Quote": {"MarketState": "Open"}}]}

    def subscribe_activities(self, reference_id: str) -> dict[str, Any]:
        self.subscribed.append(reference_id)
        return {"Data": []}

    def place_order(self, order: Order) -> PlaceResult:
        self.order_id += 1
        self.orders[str(self.order_id)] = order
        return PlaceResult(order_id=str(self.order_id))

    def cancel_order(self, order_id: str) -> bool:
        self._activity(order_id, self.orders.pop(order_id), "Cancelled", self.now)
        return True

    def advance(self, to: int) -> tuple[int, bool]:
        while self.tick < min(to, END):
            minute = (self.tick - START) // (60 * SECOND)
            bid = 139_000 + abs(minute % 40 - 20) * 5
            quote = {"Bid": bid / 1e5, "Ask": (bid + 10) / 1e5}
            self._send("prices", [{"Uic": 21, "LastUpdated": format_ns(self.tick), "Quote": quote}])
            for order_id, order in list(self.orders.items()):
                if order.order_type == "Market":
                    price = quote["Ask" if order.side == "Buy" else "Bid"]
                    fill = {"FillAmount": order.amount, "ExecutionPrice": price}
                    self._activity(order_id, self.orders.pop(order_id), "FinalFill", self.tick, **fill)
            self.tick += 10 * SECOND
        self.now = to
        self._send("_disconnect", [{}])
        self._send("prices", "broken")
        self._send("_heartbeat", [{"ReferenceId": "_heartbeat"}])
        return self.message_id, self.tick >= END

    def read_until(self, message_id: int) -> Iterator[Message]:
        while self.queue:
            message = self.queue.pop(0)
            yield message
            if message.message_id == message_id:
                return

    def _activity(self, order_id: str, order: Order, status: str, time: int, **more: Any) -> None:
        self.sequence += 1
        head = {"SequenceId": str(self.sequence), "ActivityTime": format_ns(time), "OrderId": order_id}
        self._send("activities", [{**head, "ExternalReference": order.client_id, "Status": status, **more}])

    def _send(self, reference_id: str, document: Any) -> None:
        self.message_id += 1
        self.queue.append(Message(self.message_id, reference_id, 0, json.dumps(document).encode()))


@pytest.fixture
def config() -> Config:
    shipped = load_config(Path(__file__).resolve().parent.parent / "scenarios")
    market = replace(shipped.scenarios[2], name="market", amount=1000, strategy=SmaCross(3, 8), cooldown_s=0)
    resting = replace(market, name="resting", order_type="limit", order_ttl_s=300)
    limits = Limits(max_amount=1000, max_position=1000, duplicate_window_s=90)
    return replace(shipped, limits=limits, scenarios=(market, resting), start_equity="100.00")


def run(config: Config, out: Path, until: int | None = None) -> dict[str, Any]:
    venue = Venue()
    progress: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        progress.append((done, total))

    runner = Runner(config, cast("VenueClient", venue), cast("Stream", venue), out, note)
    summary = runner.run(until)
    assert runner._closes == {21: [(bar.bid_close + bar.ask_close) / 2 for bar in runner._bars[:-1]]}
    assert venue.subscribed == ["prices", "activities"]
    assert progress
    return summary


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_trades_and_its_files_agree_with_each_other(config: Config, tmp_path: Path) -> None:
    summary = run(config, tmp_path)
    trades, orders = lines(tmp_path / "trades.jsonl"), lines(tmp_path / "orders.jsonl")
    equity, state = lines(tmp_path / "equity.jsonl"), load_state(tmp_path / "state.json")

    assert summary == json.loads((tmp_path / "summary.json").read_text())
    assert (summary["ticks"], summary["bars"], summary["scans"]) == (4 * 360, 240, 239)
    assert (summary["skipped"], summary["bad_payloads"], summary["control"]) == (1, 241, 241)
    assert summary["closed_trades"] == {"market": len(trades), "resting": 0}
    assert len(trades) >= 8
    assert summary["cancels"] == sum(order["status"] == "cancelled" for order in orders) > 3
    assert all(order["scenario"] == "resting" for order in orders if order["status"] == "cancelled")
    assert [order["client_id"][-6:] for order in orders] == [f"{n + 1:06d}" for n in range(len(orders))]

    total = 100 + sum(float(trade["pnl"]) for trade in trades)
    assert float(state["scenarios"]["market"]["realised"]) == pytest.approx(total - 100)
    assert state["counter"] == len(orders)
    assert equity[-1] == {"equity": "100.00", "position": 0, "scenario": "resting", "ts": state["ts"]}
    assert len(equity) == 2 * (47 + 1)
    assert state["orders"] == {"active": [], "pending": []}


def test_bars_are_written_for_each_utc_day_and_add_up(config: Config, tmp_path: Path) -> None:
    run(config, tmp_path)
    for day in ("2014-05-07", "2014-05-08"):
        folder = tmp_path / "bars" / f"date={day}"
        minutes, fives = read_bars(folder / "bars_1m.parquet"), read_bars(folder / "bars_5m.parquet")
        assert (len(minutes), len(fives)) == (120, 24)
        assert [bar.ticks for bar in minutes] == [6] * 120
        assert max(bar.bid_high for bar in minutes) == max(bar.bid_high for bar in fives)
        assert format_ns(minutes[0].ts).startswith(day)


def test_two_runs_leave_the_same_bytes(config: Config, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(config, tmp_path / name)
    for path in sorted((tmp_path / "a").rglob("*.*")):
        if path.is_file() and path.name != "summary.json":
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_a_run_can_stop_early(config: Config, tmp_path: Path) -> None:
    summary = run(config, tmp_path, until=START + 3600 * SECOND)
    assert summary["ticks"] == 360
    assert load_state(tmp_path / "state.json")["ts"] == START + 3601 * SECOND
    assert summary["scans"] == 59
