"""Candidates with a bug each, to see that the shadow finds it: `make demo PLANT=tick | side | drop`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import candidates

if TYPE_CHECKING:
    from legacy_bot.model import Bar, Intent, Quote


class TickBars(candidates.TickBars):
    """Closes every hundredth bar one tick (0.00001) too high at the bid."""

    closed = 0

    def on_quote(self, quote: Quote) -> Bar | None:
        """A bar that is off by a tick now and then."""
        bar = super().on_quote(quote)
        if bar is None:
            return None
        self.closed += 1
        return replace(bar, bid_close=round(bar.bid_close + 0.00001, 5)) if self.closed % 100 == 0 else bar


class QuoteBook(candidates.QuoteBook):
    """Drops the quotes of every thousandth payload."""

    seen = 0

    def apply(self, payload: bytes) -> list[Quote]:
        """Quotes, but not all of them."""
        self.seen += 1
        quotes = super().apply(payload)
        return [] if self.seen % 1000 == 0 else quotes


def decide(*inputs: Any) -> list[Intent]:
    """Sells what should be bought when it leaves a position."""
    other = {"Buy": "Sell", "Sell": "Buy"}
    intents = candidates.decide(*inputs)
    return [replace(i, side=other[i.side]) if i.reason == "take" else i for i in intents]
