"""Option analytics on whole columns: implied volatility, greeks, IV rank, gamma exposure, fills.

Models are Black-Scholes-Merton (a spot with a continuous yield; yield 0 is Black-Scholes) and Black-76 (a forward).
Rates and yields are continuous, time is in years, volatility a fraction a year. Each argument is a NumPy array, an
Arrow array or a single number for all rows; or pass one table (pyarrow, polars, pandas, DuckDB, arro3, a dict of
arrays) that has the columns. An `arro3.core.Table` comes out, with a status for each row: what cannot be computed is
NaN and says why.

>>> import numpy as np
>>> from exuvia import bars, options
>>> strikes = np.array([90.0, 100.0, 110.0, 100.0])
>>> made = options.implied_volatility(np.array([12.7, 6.2, 2.5, 0.0]), 101.0, strikes, 0.25, "C", rate=0.04)
>>> bars.columns(made)["iv"].round(4)
array([0.2339, 0.2579, 0.2671,    nan])
>>> made["status"].to_pylist()
['ok', 'ok', 'ok', 'below_intrinsic']
>>> made.schema.metadata_str["below_intrinsic"]
'1'

Single numbers give a single number, and an error that says what is wrong:

>>> round(options.implied_volatility(10.450583572185565, 100, 100, 1.0, "C", rate=0.05), 12)
0.2
>>> round(options.greeks(0.2, 100, 100, 1.0, "C", rate=0.05)["delta"], 12)
0.636830651176

Where authors define a thing differently, as IV rank and gamma exposure, each difference is an argument:

>>> history = np.array([20.0, 22.0, 35.0, 40.0, 30.0])
>>> now = bars.columns(options.iv_rank(history, include_today=False, least=4, last=True))
>>> now["rank"].tolist(), now["percentile"].tolist()
([50.0], [50.0])
>>> chain = {
...     "right": np.array(["C", "C", "P", "P"]),
...     "strike": np.array([100.0, 105.0, 100.0, 95.0]),
...     "open_interest": np.array([1000, 2000, 1500, 2500]),
...     "gamma": np.array([0.06, 0.04, 0.06, 0.035]),
... }
>>> made = options.gex(chain, 100.0, flip="adjacent", regime="sign")
>>> round(made["net"]), round(made["flip"], 2), made["call_wall"], made["regime"]
(-375000, 101.36, 105.0, 'negative')
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import (
    atm_iv,
    calibrate_fill_ratio,
    fill_price,
    fill_probability,
    fill_ratio,
    gex_tables,
    greeks,
    implied_volatility,
    iv_rank,
    price,
    quantity_fill_ratio,
)
from exuvia.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arro3.core import Table

__all__ = [
    "REGIMES",
    "GammaExposure",
    "Profile",
    "Regime",
    "atm_iv",
    "calibrate_fill_ratio",
    "fill_price",
    "fill_probability",
    "fill_ratio",
    "gex",
    "greeks",
    "implied_volatility",
    "iv_rank",
    "price",
    "quantity_fill_ratio",
]


@dataclass(frozen=True)
class Profile:
    """How the level of zero gamma is found by pricing the chain anew on a grid of spots; fractions are of the spot.

    Args:
        widths: Half-widths of the grid; the next one is tried where the sign does not change within one.
        step: Step of the grid.
        margin: A zero in this share of the half-width at either edge does not count.
        floor: On both sides of a zero the profile must reach this share of the 90th percentile of its magnitudes.
        floor_band: The band around the spot that this percentile is taken of.
        most_distance: A zero further away does not count.
        weight: What a contract of d days counts: "full", "linear" min(1, d/weight_days), "root" of that, or
            "exponential" 1 - exp(-d/weight_days).
        weight_days: The days of `weight`.
    """

    widths: tuple[float, ...] = (0.20, 0.35, 0.50)
    step: float = 0.0025
    margin: float = 0.10
    floor: float = 0.02
    floor_band: float = 0.15
    most_distance: float = 0.08
    weight: str = "full"
    weight_days: float = 5.0


@dataclass(frozen=True)
class Regime:
    """How an exposure is named: the first rule that holds; thresholds fit one scale and one index.

    >>> Regime((("<", -2e9, "short"), (">", 2e9, "long")), "neutral").rules[0]
    ('<', -2000000000.0, 'short')

    Args:
        rules: Comparison (">", ">=", "<", "<="), threshold and label, in the order in which they are tried.
        otherwise: The label where no rule holds.
        on: "net", "net_over_spot_squared" or "flip_distance", which is (spot - flip)/spot.
        divisor: What the value is divided by first: 1e9, or an average daily volume (with scale="shares").
        scale: The scale that the thresholds are meant for; None for any. Another one is refused.
    """

    rules: tuple[tuple[str, float, str], ...]
    otherwise: str
    on: str = "net"
    divisor: float = 1.0
    scale: str | None = None


REGIMES: dict[str, Regime] = {
    "sign": Regime(((">", 0.0, "positive"), ("<", 0.0, "negative")), "neutral"),
    "five_bands": Regime(
        (
            (">", 2e9, "strong positive"),
            (">", 0.5e9, "positive"),
            (">", -0.5e9, "neutral"),
            (">", -2e9, "negative"),
        ),
        "strong negative",
        scale="per_percent",
    ),
    "three_bands_100_percent": Regime(
        ((">", 0.5e9, "positive"), ("<", -0.5e9, "negative")), "neutral", scale="per_100_percent"
    ),
    "four_bands": Regime(
        ((">", 2e9, "strong positive"), (">", 0.0, "positive"), (">", -2e9, "negative")),
        "strong negative",
        scale="per_percent",
    ),
    "pinning": Regime(
        (
            (">=", 3e9, "pinning"),
            (">=", 1e9, "moderate positive"),
            ("<=", -3e9, "amplifying"),
            ("<=", -1e9, "moderate negative"),
        ),
        "neutral",
        scale="per_percent",
    ),
    "near_flip": Regime(((">", 0.006, "above flip"), ("<", -0.006, "below flip")), "near flip", on="flip_distance"),
}
"""Schemes that are in use, by name; net exposures are in dollars."""


@dataclass(frozen=True)
class GammaExposure:
    """The exposure of one chain or of many, and what it was made with.

    `exposure["net"]` is a value of the only row of `total`; of several symbols take the table.

    Args:
        total: A row for each symbol: spot, call, put, net, open interest, flip and flip_found ("crossing", "fallback",
            "no_crossing", "too_far", "no_rows"), call_wall, put_wall, pin (greatest |net|), max_pain, greatest and
            least strike with their net, local (sum of |net| near the spot), convexity (|net| over the distance to
            the flip), regime, and how many contracts were used or skipped, by reason.
        strikes: A row for each strike, ascending: call, put, net, open interest; calls and puts with their sign.
        expiries: The same for each expiry, with its max_pain.
        parameters: All arguments; the tables' metadata hold them as JSON, "exuvia.gex".
    """

    total: Table
    strikes: Table
    expiries: Table
    parameters: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """The value of a column of `total`, if it has one row.

        Raises:
            OptionError: There is no such column, or there are several symbols.
        """
        if name not in self.total.column_names:
            raise OptionError(f"{name!r} is no column of the total: it has {', '.join(self.total.column_names)}")
        values: Any = self.total[name].to_pylist()
        if len(values) != 1:
            raise OptionError(f"the total has {len(values)} rows, one for each symbol: take exposure.total[{name!r}]")
        return values[0]


def gex(
    chain: Any,
    spot: float | Mapping[str, float] | Any | None = None,
    *,
    scale: str = "per_percent",
    sign: str = "calls_minus_puts",
    multiplier: float = 100.0,
    most_years: float = math.inf,
    strike_band: float = math.inf,
    need_iv: bool = False,
    flip: str | None = None,
    profile: Profile | None = None,
    wall_by: str = "gamma_open_interest",
    wall_sides: bool = True,
    wall_distance: float = 0.0,
    local_band: float = 0.01,
    second_order: bool = False,
    regime: str | Regime | None = None,
    threads: int | None = None,
) -> GammaExposure:
    """Gamma exposure by strike, by expiry and in total, for one chain or for many symbols at once.

    Totals add pairwise as NumPy does, bit for bit; strikes and expiries with Kahan's compensation, in order.

    Args:
        chain: A table or dict with columns right, strike, open_interest and gamma (without gamma, or where it is
            missing: iv and years, and perhaps rate and dividend). Perhaps symbol, expiry, spot, multiplier, and side
                for sign="side".
        spot: Price of the underlying, or a dict from symbol to price; without it the column spot.
        scale: "shares" γ·OI·M, "per_unit" γ·OI·M·S, "per_percent" γ·OI·M·S²·0.01, or "per_100_percent" γ·OI·M·S²,
            which some texts call per 1 %.
        sign: "calls_minus_puts" (an assumption about what dealers hold), "puts_minus_calls", "absolute", or "side":
            the column says what dealers hold of each row, from -1 to 1.
        multiplier: Shares of a contract, where the chain has no such column.
        most_years: Contracts that expire later are left out; 94/365 is in use.
        strike_band: Strikes further away, as a fraction of the spot, are left out.
        need_iv: Whether contracts without iv are left out although they have a gamma.
        flip: "adjacent": the first pair of neighbouring strikes whose nets differ in sign (else the strike nearest
            to the spot, flip_found "fallback"); "adjacent_up": from - to + only (else the lowest strike if the total
            is positive, the highest if not); "cumulative": where the sum from the lowest strike up changes its sign;
            "profile": see Profile; None for none.
        profile: For flip="profile".
        wall_by: "gamma_open_interest" or "open_interest".
        wall_sides: Whether the call wall lies at or above the spot, the put wall at or below it.
        wall_distance: How far away a wall is at least, as a fraction of the spot.
        local_band: The band of `local`, as a fraction of the spot.
        second_order: Whether vanna (money by a percentage point of volatility) and charm (by a day) are summed too;
            needs iv and years.
        regime: A name of REGIMES, or a Regime; None for none.
        threads: How many threads, all cores if None; symbols are shared among them.

    Raises:
        OptionError: An unknown variant, a symbol without a spot, columns of different lengths, a regime of another
            scale.
        SchemaError: A column is missing or has no numbers.
    """
    if isinstance(regime, str):
        if regime not in REGIMES:
            raise OptionError(f"regime={regime!r} is unknown: use {', '.join(REGIMES)}, or a Regime of your own")
        regime = REGIMES[regime]
    if regime is not None and regime.scale not in (None, scale):
        raise OptionError(f"the regime's thresholds are for scale={regime.scale!r}, not {scale!r}: change one")
    if regime is not None and regime.on == "flip_distance" and flip is None:
        raise OptionError("the regime looks at the distance to the flip: pass flip=")
    settings = {
        "scale": scale,
        "sign": sign,
        "most_years": most_years,
        "strike_band": strike_band,
        "need_iv": need_iv,
        "flip": flip,
        "profile": asdict(profile or Profile()),
        "wall_by": wall_by,
        "wall_sides": wall_sides,
        "wall_distance": wall_distance,
        "local_band": local_band,
        "second_order": second_order,
        "regime": asdict(regime) if regime else None,
    }
    parameters = settings | {"multiplier": multiplier}
    tables = gex_tables(chain, spot, multiplier, settings, json.dumps(parameters, ensure_ascii=False), threads)
    return GammaExposure(*tables, parameters)
