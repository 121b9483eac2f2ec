"""Bars: from ticks, one at a time or as columns, and from shorter bars.

Columns go in as NumPy arrays or as any table with the Arrow PyCapsule interface (pyarrow, polars, pandas,
DuckDB, arro3), without a copy; an `arro3.core.Table` comes out. Stamps are UTC nanoseconds, a bar's stamp
is the start of its interval, and an interval without ticks has no bar, unless you say otherwise: `closed`,
`label`, `origin` and `offset` are those of pandas' `resample`. All ways to make a bar agree in every bit.

>>> import numpy as np
>>> from exuvia import bars
>>> ts = np.array([0, 20, 61], dtype=np.int64) * 1_000_000_000
>>> minutes = bars.bars_from_ticks(ts, np.array([1.5, 1.25, 2.0]), every="1m")
>>> bars.columns(minutes)["low"]
array([1.25, 2.  ])

Rows of many symbols may be interleaved; the bars come in order of symbol and time:

>>> symbol = np.array([7, 3, 7], dtype=np.uint32)
>>> mixed = bars.bars_from_ticks(ts, np.array([1.5, 1.25, 2.0]), every="1m", by=symbol, label="right")
>>> bars.columns(mixed)["symbol"].tolist(), bars.columns(mixed)["close"].tolist()
([3, 7, 7], [1.25, 1.5, 2.0])

A builder takes one tick at a time and hands out the bar that it closed; `push_columns` takes a batch, and
`to_bytes`, `from_bytes` or a pickle save its state and resume it:

>>> builder = bars.QuoteBarBuilder("1m")
>>> builder.push(21, 0, 1.0, 1.1)
>>> resumed = bars.QuoteBarBuilder.from_bytes(builder.to_bytes())
>>> closed = resumed.push(21, 60_000_000_000, 1.2, 1.3)
>>> closed.bid_close, closed.ask_close, closed.ticks
(1.0, 1.1, 1)
"""

from __future__ import annotations

from exuvia._exuvia import (
    Bar,
    QuoteBar,
    QuoteBarBuilder,
    TradeBarBuilder,
    aggregate,
    bars_from_ticks,
    columns,
    quote_bars_from_ticks,
    resample,
)

__all__ = [
    "Bar",
    "QuoteBar",
    "QuoteBarBuilder",
    "TradeBarBuilder",
    "aggregate",
    "bars_from_ticks",
    "columns",
    "quote_bars_from_ticks",
    "resample",
]
