"""Option analytics: prices, implied volatility and greeks of whole columns, in one call with the GIL released.

Models are Black-Scholes-Merton (a spot with a continuous yield; yield 0 is Black-Scholes) and Black-76 (a forward). Rates and
yields are continuous, time is in years, volatility a fraction a year. Each argument is a NumPy array, an Arrow array or a single
number for all rows; or pass one table (pyarrow, polars, pandas, DuckDB, arro3, a dict of arrays) that has the columns. An
`arro3.core.Table` comes out, with a status for each row: what cannot be computed is NaN and says why.

>>> import numpy as np
>>> from exuvia import bars, options
>>> strikes = np.array([90.0, 100.0, 110.0, 100.0])
>>> made = options.implied_volatility(np.array([12.7, 6.2, 2.5, 0.0]), 101.0, strikes, 0.25, "C", rate=0.04)
>>> bars.columns(made)["iv"].round(4)
array([0.2339, 0.2579, 0.2671,    nan])
>>> made["status"].to_pylist()
['ok', 'ok', 'ok', 'below_intrinsic']
>>> made.schema.metadata_str
{'below_intrinsic': '1', 'ok': '3'}

Single numbers give a single number, and an error that says what is wrong:

>>> round(options.implied_volatility(10.450583572185565, 100, 100, 1.0, "C", rate=0.05), 12)
0.2
>>> round(options.greeks(0.2, 100, 100, 1.0, "C", rate=0.05)["delta"], 12)
0.636830651176
>>> options.implied_volatility(1.0, 100, 90, 1.0, "C")
Traceback (most recent call last):
    ...
exuvia.errors.OptionError: below_intrinsic: the price is below the discounted intrinsic value, no volatility gives it: ...
"""

from __future__ import annotations

from exuvia._exuvia import greeks, implied_volatility, price

__all__ = ["greeks", "implied_volatility", "price"]
