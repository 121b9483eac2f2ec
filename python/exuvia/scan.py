"""The scan: what to do at an instant, decided from positions, quotes and closes; and the state file.

`decide` is pure. It reads your own objects by attribute, so nothing has to be converted:

>>> from exuvia.quotes import Quote
>>> from exuvia.scan import Scenario, ScenarioView, SmaCross, decide
>>> trend = Scenario(
...     name="trend", uic=21, amount=100_000, strategy=SmaCross(2, 3), order_type="limit", limit_offset=0.00002,
...     tick=0.00001, max_spread=0.0003, stop=0.001, take=0.002, max_hold_s=3600, cooldown_s=60, order_ttl_s=120,
...     max_quote_age_s=30,
... )
>>> now = 1_399_420_807_135_000_000
>>> quote = Quote(21, now, 1.39286, 1.39298, "Open")
>>> [intent] = decide({"trend": ScenarioView()}, {21: quote}, {21: [1.0, 1.1, 1.2]}, [trend], now)
>>> intent.action, intent.side, intent.limit_price, intent.reason
('place', 'Buy', 1.39284, 'entry')

A `Scanner` reads the scenarios once and keeps the closes in Rust:

>>> from exuvia.scan import Scanner
>>> scanner = Scanner([trend])
>>> for close in (1.0, 1.1, 1.2):
...     scanner.push_close(21, close)
>>> scanner.decide({"trend": ScenarioView()}, {21: quote}, now) == [intent]
True

A strategy is any object with `target(closes, position)`; `SmaCross` and `ZScoreReversion` run in Rust.

>>> SmaCross(2, 3).target([3.0, 2.0, 1.0], 0)
-1

State files are written atomically, in the one text that `json.dumps(state, sort_keys=True, indent=2)` gives:

>>> from exuvia.scan import dumps_state
>>> print(dumps_state({"version": 1, "counter": 7}).decode(), end="")
{
  "counter": 7,
  "version": 1
}
"""

from __future__ import annotations

from exuvia._exuvia import (
    Intent,
    Scanner,
    Scenario,
    ScenarioView,
    SmaCross,
    ZScoreReversion,
    decide,
    dumps_state,
    load_state,
    save_state,
)

__all__ = [
    "Intent",
    "Scanner",
    "Scenario",
    "ScenarioView",
    "SmaCross",
    "ZScoreReversion",
    "decide",
    "dumps_state",
    "load_state",
    "save_state",
]
