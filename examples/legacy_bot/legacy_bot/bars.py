"""Bars: quotes to bars as they come, and bars to longer bars afterwards."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from .model import NS_PER_SECOND, Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .model import Quote

_AGGREGATES = {
    "bid_open": "first", "bid_high": "max", "bid_low": "min", "bid_close": "last",
    "ask_open": "first", "ask_high": "max", "ask_low": "min", "ask_close": "last",
    "ticks": "sum",
}  # fmt: skip


class BarError(ValueError):
    """Bars cannot be built from this input."""


class _OpenBar:
    """The bar of one instrument that is still being built."""

    def __init__(self, ts: int, bid: float, ask: float) -> None:
        self.ts = ts
        self.bid_open = self.bid_high = self.bid_low = self.bid_close = bid
        self.ask_open = self.ask_high = self.ask_low = self.ask_close = ask
        self.ticks = 1

    def add(self, bid: float, ask: float) -> None:
        self.bid_high = max(self.bid_high, bid)
        self.bid_low = min(self.bid_low, bid)
        self.bid_close = bid
        self.ask_high = max(self.ask_high, ask)
        self.ask_low = min(self.ask_low, ask)
        self.ask_close = ask
        self.ticks += 1

    def close(self, uic: int) -> Bar:
        return Bar(
            uic, self.ts,
            self.bid_open, self.bid_high, self.bid_low, self.bid_close,
            self.ask_open, self.ask_high, self.ask_low, self.ask_close,
            self.ticks,
        )  # fmt: skip


class TickBars:
    """Builds bars of `every_s` seconds from quotes; intervals without a quote make no bar.

    A quote of an earlier interval than the open bar's goes into the open bar and is counted in `late`.
    """

    def __init__(self, every_s: int) -> None:
        self.late = 0
        self._step = _step(every_s)
        self._open: dict[int, _OpenBar] = {}

    def on_quote(self, quote: Quote) -> Bar | None:
        """Take one quote and return the bar that it closed, if it did.

        Raises:
            BarError: if bid or ask is NaN.
        """
        if math.isnan(quote.bid) or math.isnan(quote.ask):
            raise BarError(f"NaN in the quote of Uic {quote.uic} at {quote.ts}: {quote.bid}, {quote.ask}")
        start = quote.ts // self._step * self._step
        bar = self._open.get(quote.uic)
        if bar is not None and start <= bar.ts:
            if start < bar.ts:
                self.late += 1
            bar.add(quote.bid, quote.ask)
            return None
        self._open[quote.uic] = _OpenBar(start, quote.bid, quote.ask)
        return bar.close(quote.uic) if bar is not None else None

    def flush(self) -> list[Bar]:
        """Close all open bars and return them in the order of their Uic."""
        closed = [self._open[uic].close(uic) for uic in sorted(self._open)]
        self._open.clear()
        return closed


def aggregate(bars: Sequence[Bar], every_s: int) -> list[Bar]:
    """Return the bars of `every_s` seconds that `bars` add up to, in the order of Uic and time.

    Raises:
        BarError: if `every_s` is not positive, or the bars of an instrument are not in the order of time.
    """
    step = _step(every_s)
    if not bars:
        return []
    frame = pd.DataFrame([asdict(bar) for bar in bars])
    disordered = frame.groupby("uic")["ts"].diff() < 0
    if disordered.any():
        row = int(disordered.to_numpy().argmax())
        raise BarError(f"bar {row} (Uic {bars[row].uic}, {bars[row].ts}) is earlier than the one before it")
    frame["ts"] = frame["ts"] // step * step
    grouped = frame.groupby(["uic", "ts"], sort=True).agg(_AGGREGATES)
    return [Bar(*row) for row in grouped.reset_index().itertuples(index=False, name=None)]


def _step(every_s: int) -> int:
    if every_s <= 0:
        raise BarError(f"bars of {every_s} s: the interval must be positive")
    return every_s * NS_PER_SECOND
