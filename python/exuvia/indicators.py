"""Indicators that live with the bars: moving averages, average true range, rolling extremes.

Each comes twice, for a column and for one value at a time, and both agree in every bit. A column from NumPy gives a
NumPy array with NaN where there is no value yet, one from Arrow an Arrow array with nulls. For everything else take
TA-Lib, polars or NumPy: the columns of a table of bars are theirs without a copy.

>>> import numpy as np
>>> from exuvia import indicators
>>> indicators.sma(np.array([1.0, 2.0, 6.0, 4.0]), 3)
array([nan, nan,  3.,  4.])

>>> fast = indicators.Ema(2)
>>> [fast.push(price) for price in (1.0, 2.0, 3.0)]
[None, 1.5, 2.5]
"""

from __future__ import annotations

from exuvia._exuvia import (
    Atr,
    Ema,
    RollingMax,
    RollingMin,
    Sma,
    atr,
    ema,
    rolling_max,
    rolling_min,
    sma,
)

__all__ = [
    "Atr",
    "Ema",
    "RollingMax",
    "RollingMin",
    "Sma",
    "atr",
    "ema",
    "rolling_max",
    "rolling_min",
    "sma",
]
