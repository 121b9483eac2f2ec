"""Brokers: ways from an order to a venue. `PaperBroker` needs none: it fills on the quotes that it is given.

An order fills whole at the first quote after its decision time: a market order at once, a limit order when
the quote has reached its limit; buys at the ask, sells at the bid. Positions net by instrument, cash moves
by what was realised, and an order that the cash could not carry at `leverage` is refused. A client id that
was used before sends nothing; a quote older than the newest one of its instrument is counted in `late` and
ignored; an order of an instrument without quotes waits for the first one. A crossed quote is refused; so is one at or
below zero unless `negative_prices=True` says that the instruments may trade there, as spreads and some futures do.

>>> from exuvia.brokers import PaperBroker, PaperOrder
>>> from types import SimpleNamespace as Quote
>>> broker = PaperBroker("100000", leverage=30)
>>> broker.place_order(PaperOrder("LB-trend-000001", 21, "Buy", 10_000, decided=5))
PlaceResult(order_id="P-000001", error=None, unknown=False)
>>> broker.on_quote(Quote(uic=21, ts=5, bid="1.39286", ask="1.39298"))  # not after the decision
[]
>>> [fill] = broker.on_quote(Quote(uic=21, ts=6, bid="1.39284", ask="1.39297"))
>>> fill.client_id, fill.price
('LB-trend-000001', Decimal('1.39297'))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exuvia._exuvia import PaperBroker, PaperFill, PlaceResult

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["PaperBroker", "PaperFill", "PaperOrder", "PlaceResult"]


@dataclass(frozen=True, slots=True)
class PaperOrder:
    """An order for `PaperBroker.place_order`; any object with these attributes does as well.

    Args:
        client_id: Your own id, handed back with each fill.
        uic: Which instrument.
        side: `Buy` or `Sell`.
        amount: How much, positive.
        order_type: `Market` or `Limit`.
        limit_price: The limit, for limit orders.
        decided: Decision time, UTC nanoseconds: quotes up to and including it do not fill the order.

    Example:
        >>> PaperOrder("a", 21, "Sell", 1_000, "Limit", "1.4", decided=7).order_type
        'Limit'
    """

    client_id: str
    uic: int
    side: str
    amount: int | str | Decimal
    order_type: str = "Market"
    limit_price: int | str | float | Decimal | None = None
    decided: int = 0
