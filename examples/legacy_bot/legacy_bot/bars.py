"""Bars: quotes to bars as they come, and bars to longer bars afterwards."""

import math
from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from .model import NS_PER_SECOND, Bar, Quote

_OHLC = {"open": "first", "high": "max", "low": "min", "close": "last"}
_AGGREGATES = {f"{side}_{price}": how for side in ("bid", "ask") for price, how in _OHLC.items()} | {"ticks": "sum"}


class BarError(ValueError):
    """Bars cannot be built from this input."""


class TickBars:
    """Builds bars of `every_s` seconds; a quote of an earlier interval goes into the open bar, counted in `late`."""

    def __init__(self, every_s: int) -> None:
        self.late = 0
        self._step = _step(every_s)
        self._open: dict[int, tuple[int, list[float], list[float]]] = {}  # Uic: start, bids, asks

    def on_quote(self, quote: Quote) -> Bar | None:
        """Take one quote and return the bar that it closed, if it did; BarError if bid or ask is NaN."""
        if math.isnan(quote.bid) or math.isnan(quote.ask):
            raise BarError(f"NaN in the quote of Uic {quote.uic} at {quote.ts}: {quote.bid}, {quote.ask}")
        start = quote.ts // self._step * self._step
        bar = self._open.get(quote.uic)
        if bar is None or start > bar[0]:
            self._open[quote.uic] = (start, [quote.bid], [quote.ask])
            return _bar(quote.uic, *bar) if bar is not None else None
        self.late += start < bar[0]
        bar[1].append(quote.bid)
        bar[2].append(quote.ask)
        return None

    def flush(self) -> list[Bar]:
        """Close all open bars and return them in the order of their Uic."""
        closed = [_bar(uic, *self._open[uic]) for uic in sorted(self._open)]
        self._open.clear()
        return closed


def aggregate(bars: Sequence[Bar], every_s: int) -> list[Bar]:
    """Return the bars that `bars` add up to, by Uic and time; BarError if those of an instrument are out of order."""
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


def _bar(uic: int, start: int, bids: list[float], asks: list[float]) -> Bar:
    bid, ask = ((side[0], max(side), min(side), side[-1]) for side in (bids, asks))
    return Bar(uic, start, *bid, *ask, len(bids))


def _step(every_s: int) -> int:
    if every_s <= 0:
        raise BarError(f"bars of {every_s} s: the interval must be positive")
    return every_s * NS_PER_SECOND
