"""The presets that ship with exuvia: five groups as a real desk gated its cutover, with its numbers.

A group that names one (`preset = "paper_trading"`) starts from it; what the group says itself goes before. The
numbers are the desk's. They are few sessions: `exuvia gate` prints beside them what they leave open, and how
many (replayed) sessions the stricter bound asks for, which is about 60. What a desk writes once a day by nature says so
(`activity = "daily"`); of all else the rows' own times must cover the session.

>>> of("token")["sessions"], of("token")["gate"]["refreshed"]["every"]
(2, '15 min')

Standard library only.
"""

from __future__ import annotations

import copy
from typing import Any

__all__ = ["NAMES", "PRESETS", "of"]


def _sides(file: str) -> dict[str, str]:
    return {"legacy": f"artefacts/legacy/{{day}}/{file}", "candidate": f"artefacts/candidate/{{day}}/{file}"}


PRESETS: dict[str, dict[str, Any]] = {
    # Both keepers write, to different files; the token is renewed every quarter of an hour, none is refused.
    "token": {
        "sessions": 2,
        "gate": {
            "refreshed": {
                "kind": "freshness",
                "candidate": "artefacts/candidate/{day}/token.jsonl",
                "when": "refreshed",
                "every": "15 min",
            },
            "no_401": {
                "kind": "absent",
                "candidate": "artefacts/candidate/{day}/calls.jsonl",
                "text": "401",
                "activity": "daily",
            },
        },
    },
    # Equity and closed trades of each scenario; $9 a day to one side is within $50 and is refused all the same. Five
    # sessions are enough for that only where days are about alike; what the other case takes is printed beside it.
    "paper_trading": {
        "sessions": 5,
        "gate": {
            "equity": {
                "kind": "paired",
                **_sides("equity.jsonl"),
                "key": ["scenario", "ts"],
                "value": "equity",
                "abs": "50.00",
                "bias": "9.00",
                "drift": "9.00",
                "spread": "normal",
            },
            "closed_trades": {
                "kind": "count",
                **_sides("trades.jsonl"),
                "key": ["scenario"],
                "abs": 0,
                "activity": "daily",
            },
        },
    },
    # The sets of symbols are whole, no sample of others: each session is at 95 % or above.
    "quote_collector": {
        "sessions": 3,
        "gate": {
            "heartbeat": {
                "kind": "freshness",
                "candidate": "artefacts/candidate/{day}/heartbeat.jsonl",
                "when": "ts",
                "every": "30 s",
            },
            "calls": {"kind": "rate", **_sides("calls.jsonl"), "when": "ts", "per": "1 min", "within": "5 %"},
            "no_option_symbols": {
                "kind": "overlap",
                **_sides("no_options.jsonl"),
                "value": "symbol",
                "at_least": "95 %",
                "interval": False,
                "activity": "daily",
            },
        },
    },
    # Two sessions each of the end-of-day and of the intraday archive.
    "lake": {
        "sessions": 2,
        "gate": {
            "eod": {
                "kind": "parquet",
                **_sides("eod"),
                "key": ["symbol", "ts"],
                "when": "ts",
                "files": 1,
                "rows": 5,
                "activity": "daily",
            },
            "intraday": {
                "kind": "parquet",
                **_sides("intraday"),
                "key": ["symbol", "ts"],
                "when": "ts",
                "files": 1,
                "rows": 5,
                "activity": "5 min",
            },
            "regimes": {
                "kind": "histogram",
                **_sides("regimes.jsonl"),
                "key": ["symbol"],
                "value": "regime",
                "abs": 1,
                "activity": "daily",
            },
        },
    },
    # Nothing is sent, and what is held is what the broker says: `legacy` is the broker's statement.
    "research": {
        "sessions": 3,
        "gate": {
            "nothing_sent": {
                "kind": "absent",
                "candidate": "artefacts/candidate/{day}/calls.jsonl",
                "text": "POST",
                "activity": "daily",
            },
            "values": {
                "kind": "paired",
                **_sides("values.jsonl"),
                "key": ["symbol"],
                "value": "value",
                "abs": "0",
                "activity": "daily",
            },
            "positions": {
                "kind": "paired",
                **_sides("positions.jsonl"),
                "key": ["symbol"],
                "value": "amount",
                "abs": "0",
                "activity": "daily",
            },
        },
    },
}
"""By name: the `[group]` table that a preset stands for."""

NAMES = tuple(PRESETS)


def of(name: str | None) -> dict[str, Any]:
    """Return a preset as a `[group]` table.

    Args:
        name: One of `NAMES`, or `None` for nothing.
    """
    return copy.deepcopy(PRESETS.get(name or "", {}))
