"""Orders: pre-trade checks, the order manager over your broker, and the ledger of exact decimals.

The broker is any object with `place_order(order)` and `cancel_order(order_id)`:

>>> from decimal import Decimal
>>> from types import SimpleNamespace
>>> from exuvia.orders import Ledger, Limits, OrderManager
>>> from exuvia.scan import Intent
>>> class Broker:
...     def place_order(self, order):
...         return SimpleNamespace(order_id="7001", error=None, unknown=False)
...     def cancel_order(self, order_id):
...         return True
>>> manager = OrderManager(Broker(), Limits(max_amount=100_000, max_position=200_000, duplicate_window_s=60))
>>> order = manager.submit(Intent("place", "trend", 21, "Buy", 100_000, "Market", None, 0, "entry"))
>>> order.client_id, order.status, list(manager.active)
('LB-trend-000001', 'working', ['LB-trend-000001'])

A refusal says which check, which value and which limit; the broker is not called:

>>> manager.submit(Intent("place", "trend", 21, "Buy", 200_000, "Market", None, 0, "entry")).note
'size: 200000 > 100000'

What the venue says of an order comes in as activities; a fill goes on to the ledger:

>>> fill = manager.on_activity({
...     "ExternalReference": "LB-trend-000001", "SequenceId": "1", "OrderId": "7001", "Status": "FinalFill",
...     "FillAmount": 100_000, "ExecutionPrice": Decimal("1.39298"), "ActivityTime": "2014-05-07T00:00:08.200000Z",
... })
>>> fill.amount, fill.price, manager.find("LB-trend-000001").status
(100000, Decimal('1.39298'), 'filled')
>>> ledger = Ledger("100000.00")
>>> ledger.on_fill(fill, "entry")
>>> ledger.account("trend").cost
Decimal('139298.00000')

An order whose answer is lost is unknown, not rejected: it stays in `pending` until an activity tells.
"""

from __future__ import annotations

from exuvia._exuvia import Account, ClosedTrade, Fill, Ledger, Limits, Order, OrderManager

__all__ = ["Account", "ClosedTrade", "Fill", "Ledger", "Limits", "Order", "OrderManager"]
