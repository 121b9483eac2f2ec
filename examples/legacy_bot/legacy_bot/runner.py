"""The run: advance the venue to the next scan, take in what it sent, decide, trade, and keep the books."""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, TextIO

from . import archive, bars, quotes, scan, state
from .client import VenueClient
from .config import Config, Scenario
from .ledger import Ledger
from .model import NS_PER_SECOND, Bar, Message, ScenarioView, format_ns
from .order_manager import OrderManager
from .stream import Stream

log = logging.getLogger(__name__)

PRICES, ACTIVITIES, HEARTBEAT = "prices", "activities", "_heartbeat"
CLOSES_KEPT = 240
PROGRESS_EVERY_S = 0.2
Progress = Callable[[int, int], None] | None


class Runner:
    """One run of the bot over a venue session; its outputs go to the folder `out`."""

    def __init__(
        self, config: Config, client: VenueClient, stream: Stream, out: Path, progress: Progress = None
    ) -> None:
        self._config, self._scenarios = config, config.scenarios
        self._client, self._stream, self._out = client, stream, out
        self._progress, self._progress_shown = progress, 0.0
        self._uics = sorted({scenario.uic for scenario in config.scenarios})
        self._book = quotes.QuoteBook()
        self._builder = bars.TickBars(60)
        self._bars: list[Bar] = []
        self._closes: dict[int, list[float]] = {uic: [] for uic in self._uics}
        self._manager = OrderManager(client, config.limits)
        self._ledger = Ledger(config.start_equity)
        self._counts: Counter[str] = Counter()
        out.mkdir(parents=True, exist_ok=True)
        self._equity, self._trades = ((out / f"{name}.jsonl").open("w") for name in ("equity", "trades"))

    def run(self, until: int | None = None) -> dict[str, Any]:
        """Trade from the first tick to the last (or to `until`), write all files and return the summary."""
        started = time.perf_counter()
        config, (first, total) = self._config, self._client.clock()
        self._book.apply(json.dumps(self._client.subscribe_prices(PRICES, self._uics)).encode())
        self._client.subscribe_activities(ACTIVITIES)
        every = config.scan_every_s * NS_PER_SECOND
        now = first // every * every + every
        while not self._advance(now) and (until is None or now < until):
            self._scan(now)
            if now % (config.equity_every_s * NS_PER_SECOND) == 0:
                self._write_equity(now)
            if now % (config.state_every_s * NS_PER_SECOND) == 0:
                self._save_state(now)
            if self._progress is not None and time.monotonic() - self._progress_shown >= PROGRESS_EVERY_S:
                self._progress_shown = time.monotonic()
                self._progress(self._counts["ticks"], total)
            now += every
        self._finish(now)
        summary = self._summary(time.perf_counter() - started)
        state.write_atomic(self._out / "summary.json", json.dumps(summary, sort_keys=True, indent=2).encode() + b"\n")
        return summary

    def _advance(self, to: int) -> bool:
        """Move the venue's clock and take in what it sends for the step; return whether it was the last."""
        last_message, done = self._client.advance(to)
        for message in self._stream.read_until(last_message):
            if message.reference_id == PRICES:
                self._on_prices(message)
            elif message.reference_id == ACTIVITIES:
                for activity in json.loads(message.payload, parse_float=Decimal):
                    self._on_activity(activity)
            elif message.reference_id != HEARTBEAT:
                self._counts["control"] += 1
                log.warning("control message %s: %r", message.reference_id, message.payload[:200])
        return done

    def _on_prices(self, message: Message) -> None:
        try:
            updates = self._book.apply(message.payload)
        except quotes.QuoteError as error:
            self._counts["bad_payloads"] += 1
            log.warning("message %d: %s", message.message_id, error)
            return
        for quote in updates:
            self._counts["ticks"] += 1
            if (bar := self._builder.on_quote(quote)) is not None:
                self._bars.append(bar)
                self._closes[bar.uic].append((bar.bid_close + bar.ask_close) / 2)
                del self._closes[bar.uic][:-CLOSES_KEPT]

    def _on_activity(self, activity: dict[str, Any]) -> None:
        fill = self._manager.on_activity(activity)
        if fill is None or (order := self._manager.find(fill.client_id)) is None:
            return
        if (trade := self._ledger.on_fill(fill, order.reason)) is not None:
            _write(self._trades, asdict(trade))

    def _scan(self, now: int) -> None:
        self._counts["scans"] += 1
        views = {scenario.name: self._view(scenario) for scenario in self._scenarios}
        latest = {uic: quote for uic in self._uics if (quote := self._book.get(uic)) is not None}
        for intent in scan.decide(views, latest, self._closes, self._scenarios, now):
            if intent.action == "cancel":
                self._manager.cancel(intent.scenario, now)
            else:
                self._manager.submit(intent)

    def _view(self, scenario: Scenario) -> ScenarioView:
        account, order = self._ledger.account(scenario.name), self._manager.open_order(scenario.name)
        price = float(account.entry_price) if account.entry_price is not None else None
        working = (order.client_id, order.side, order.order_type, order.decided) if order else ()
        return ScenarioView(account.position, price, account.entry_ts, account.last_exit_ts, *working)

    def _finish(self, now: int) -> None:
        """Withdraw what is open, close the bars, and write the day's files."""
        for scenario in self._scenarios:
            self._manager.cancel(scenario.name, now)
        now += NS_PER_SECOND
        self._advance(now)
        self._bars += self._builder.flush()
        for name, series in (("bars_1m", self._bars), ("bars_5m", bars.aggregate(self._bars, 300))):
            for day, rows in groupby(
                sorted(series, key=attrgetter("ts", "uic")), key=lambda bar: format_ns(bar.ts)[:10]
            ):
                archive.write_eod(self._out / "bars", day, name, list(rows))
        self._write_equity(now)
        with self._equity, self._trades, (self._out / "orders.jsonl").open("w") as orders:
            for order in self._manager.orders():
                _write(orders, asdict(order))
        self._save_state(now)

    def _write_equity(self, now: int) -> None:
        for scenario in self._scenarios:
            name, position = scenario.name, self._ledger.account(scenario.name).position
            equity = self._ledger.equity(name, self._book.get(scenario.uic))
            _write(self._equity, {"ts": now, "scenario": name, "equity": equity, "position": position})

    def _save_state(self, now: int) -> None:
        manager = self._manager
        accounts = {scenario.name: self._ledger.account(scenario.name).as_state() for scenario in self._scenarios}
        orders = {"pending": sorted(manager.pending), "active": sorted(manager.active)}
        head = {"version": state.VERSION, "ts": now, "counter": manager.counter}
        state.save_state(self._out / "state.json", {**head, "scenarios": accounts, "orders": orders})

    def _summary(self, elapsed_s: float) -> dict[str, Any]:
        ends = Counter(order.status for order in self._manager.terminal.values())
        wait_s = self._client.wait_s + self._stream.wait_s
        ledger, book = self._ledger, self._book
        counts = {name: self._counts[name] for name in ("ticks", "scans", "bad_payloads", "control")}
        counts |= {"bars": len(self._bars), "rejects": ends["rejected"], "cancels": ends["cancelled"]}
        counts |= {"skipped": book.skipped, "late": self._builder.late, "ignored": self._manager.ignored}
        trades = {s.name: ledger.account(s.name).closed_trades for s in self._scenarios}
        equity = {s.name: str(ledger.equity(s.name, book.get(s.uic))) for s in self._scenarios}
        times = {"wait_s": round(wait_s, 6), "compute_s": round(elapsed_s - wait_s, 6)}
        return {**counts, **times, "closed_trades": trades, "equity": equity}


def _write(file: TextIO, row: dict[str, Any]) -> None:
    """Append one object as a line, keys sorted, Decimals as strings."""
    file.write(json.dumps(row, sort_keys=True, default=str) + "\n")
    file.flush()
