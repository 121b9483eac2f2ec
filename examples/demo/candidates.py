"""The thin shims of the demo: exuvia behind the legacy bot's own names and signatures.

Each function or class replaces the one of `legacy_bot` with the same name. They only translate: legacy's
classes are handed to exuvia as `record=`, so what comes back is of the very types that legacy returns, and
errors are raised as legacy's, so that every `except` and `isinstance` goes on working.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia import bars, errors, lake, orders, quotes, scan
from legacy_bot import archive as legacy_archive
from legacy_bot import bars as legacy_bars
from legacy_bot import model, strategies
from legacy_bot import quotes as legacy_quotes
from legacy_bot import state as legacy_state
from legacy_bot import stream as legacy_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legacy_bot.config import Scenario

# Pure units: they run in shadow, then they flip one by one.


def decode_frame(frame: bytes) -> list[model.Message]:
    """`legacy_bot.stream.decode_frame`: a binary frame to its messages."""
    try:
        return quotes.decode_frame(frame, model.Message)
    except errors.DecodeError as error:
        raise legacy_stream.FrameError(str(error)) from None


class QuoteBook(quotes.QuoteBook):
    """`legacy_bot.quotes.QuoteBook`: prices merged from a snapshot and deltas."""

    def __new__(cls) -> QuoteBook:
        """Takes no arguments, as legacy's."""
        return super().__new__(cls, record=model.Quote)

    def apply(self, payload: bytes) -> list[model.Quote]:
        """Merges a payload."""
        try:
            return super().apply(payload)
        except errors.DecodeError as error:
            raise legacy_quotes.QuoteError(str(error)) from None


class TickBars(bars.QuoteBarBuilder):
    """`legacy_bot.bars.TickBars`: quotes to bars, one at a time."""

    def __new__(cls, every_s: int) -> TickBars:
        """Takes the length in seconds, as legacy's."""
        return super().__new__(cls, every_s * 1_000_000_000, record=model.Bar)

    def on_quote(self, quote: model.Quote) -> model.Bar | None:
        """Takes a quote."""
        try:
            return self.push_quote(quote)
        except errors.BarError as error:
            raise legacy_bars.BarError(str(error)) from None


def aggregate(series: Sequence[model.Bar], every_s: int) -> list[model.Bar]:
    """`legacy_bot.bars.aggregate`: bars to longer bars."""
    try:
        return bars.aggregate(series, every_s * 1_000_000_000, record=model.Bar)
    except errors.BarError as error:
        raise legacy_bars.BarError(str(error)) from None


def encode_bars(series: Sequence[model.Bar]) -> bytes:
    """`legacy_bot.archive.encode_bars`: bars to the bytes of a Parquet file."""
    try:
        return lake.encode_bars(series)
    except (errors.SchemaError, errors.ValueRangeError, TypeError, OverflowError) as error:
        raise legacy_archive.ArchiveError(str(error)) from None


def decide(
    views: dict[str, model.ScenarioView],
    quotes: dict[int, model.Quote],
    closes: dict[int, list[float]],
    scenarios: Sequence[Scenario],
    now: int,
) -> list[model.Intent]:
    """`legacy_bot.scan.decide`: the decision of one scan, its two strategies in Rust."""
    return scan.decide(views, quotes, closes, [_native(s) for s in scenarios], now, record=model.Intent)


@lru_cache(maxsize=64)
def _native(scenario: Scenario) -> scan.Scenario:
    fields = {name: getattr(scenario, name) for name in scenario.__slots__}
    strategy = fields.pop("strategy")
    if type(strategy) is strategies.SmaCross:
        strategy = scan.SmaCross(strategy.fast, strategy.slow)
    elif type(strategy) is strategies.ZScoreReversion:
        strategy = scan.ZScoreReversion(strategy.window, strategy.entry, strategy.exit)
    return scan.Scenario(**fields, strategy=strategy)


# Units with effects: they are compared by a second whole run.


def save_state(path: Path | str, document: dict[str, Any]) -> None:
    """`legacy_bot.state.save_state`: the state file, byte for byte, whole or not at all."""
    try:
        scan.save_state(path, document)
    except errors.StateError as error:
        raise legacy_state.StateError(str(error)) from None


def write_eod(folder: Path | str, day: str, name: str, series: Sequence[model.Bar]) -> Path:
    """`legacy_bot.archive.write_eod`: the Parquet file of a day, whole or not at all."""
    return Path(lake.write_bars(folder, day, name, series))


def order_manager(broker: Any, limits: Any, prefix: str = "LB") -> orders.OrderManager:
    """`legacy_bot.order_manager.OrderManager` over the bot's own client."""
    return orders.OrderManager(broker, limits, prefix, record=model.Order, fill_record=model.Fill)
