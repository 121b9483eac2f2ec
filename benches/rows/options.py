"""Rows of the option analytics: implied volatility and greeks of whole chains."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from exuvia import bars, options

from rows import THREADS, Job, row

if TYPE_CHECKING:
    from collections.abc import Callable

CONTRACTS = 100_000
FEW = 2_000
RATE, DIVIDEND = 0.04, 0.01


def contracts(count: int) -> dict[str, np.ndarray]:
    """Seeded contracts as chains have them: a day to two years, strikes up to four standard deviations away."""
    random = np.random.default_rng(20151224)
    years = np.exp(random.uniform(math.log(1 / 365), math.log(2), count))
    volatility = random.uniform(0.1, 0.9, count)
    spot = random.uniform(20, 800, count)
    strike = spot * np.exp(volatility * np.sqrt(years) * random.uniform(-4, 4, count))
    # Out of the money, where chains trade: there a price holds all digits of its volatility.
    sign = np.where(strike > spot * np.exp((RATE - DIVIDEND) * years), 1.0, -1.0)
    terms = {"volatility": volatility, "spot": spot, "strike": strike, "years": years, "right": sign}
    made = bars.columns(options.price(terms, rate=RATE, dividend=DIVIDEND))
    return terms | {"price": made["price"]}


def peer(name: str) -> Any:
    """A module, or None where it is not installed or does not load here."""
    try:
        return importlib.import_module(name)
    except Exception:
        return None


def same_volatilities(wanted: np.ndarray, tolerance: float) -> Callable[[dict[str, Any]], None]:
    """Every arm finds the volatilities that the prices were made with, to what its method promises."""

    def check(results: dict[str, Any]) -> None:
        for name, made in results.items():
            iv = bars.columns(made)["iv"] if name == "exuvia" else np.asarray(made, float).ravel()
            error = np.abs(iv[: len(wanted)] / wanted[: len(iv)] - 1)
            assert np.nanmax(error) < (1e-12 if name == "exuvia" else tolerance), (name, np.nanmax(error))
            assert np.isfinite(iv).all(), name

    return check


def with_scipy(rows: dict[str, np.ndarray], count: int) -> Callable[[], list[float]]:
    """The usual loop: brentq over Black-Scholes with math.erf, which is faster there than scipy.stats.norm."""
    brentq = importlib.import_module("scipy.optimize").brentq
    lists = [rows[name][:count].tolist() for name in ("price", "spot", "strike", "years", "right")]

    def value(v: float, spot: float, strike: float, years: float, sign: float) -> float:
        root = v * math.sqrt(years)
        d1 = (math.log(spot / strike) + (RATE - DIVIDEND + v * v / 2) * years) / root
        first, second = (0.5 * math.erfc(-sign * d / math.sqrt(2)) for d in (d1, d1 - root))
        return sign * (spot * math.exp(-DIVIDEND * years) * first - strike * math.exp(-RATE * years) * second)

    def run() -> list[float]:
        return [
            brentq(lambda v, p=p, t=t: value(v, *t) - p, 1e-6, 5.0, xtol=1e-14, rtol=1e-14)
            for p, *t in zip(*lists, strict=True)
        ]

    return run


def with_scipy_special(rows: dict[str, np.ndarray], count: int) -> Callable[[], list[float]]:
    """The loop as it is mostly written: brentq over scipy.special.ndtr and NumPy's functions."""
    brentq, ndtr = importlib.import_module("scipy.optimize").brentq, importlib.import_module("scipy.special").ndtr
    lists = [rows[name][:count].tolist() for name in ("price", "spot", "strike", "years", "right")]

    def value(v: float, spot: float, strike: float, years: float, sign: float) -> float:
        root = v * np.sqrt(years)
        d1 = (np.log(spot / strike) + (RATE - DIVIDEND + v * v / 2) * years) / root
        legs = (
            spot * np.exp(-DIVIDEND * years) * ndtr(sign * d1),
            strike * np.exp(-RATE * years) * ndtr(sign * (d1 - root)),
        )
        return float(sign * (legs[0] - legs[1]))

    def run() -> list[float]:
        return [
            brentq(lambda v, p=p, t=t: value(v, *t) - p, 1e-6, 5.0, xtol=1e-14, rtol=1e-14)
            for p, *t in zip(*lists, strict=True)
        ]

    return run


def with_quantlib(rows: dict[str, np.ndarray], count: int) -> Callable[[], list[float]] | None:
    """QuantLib's own solver for Black's formula, contract by contract."""
    ql = peer("QuantLib")
    if ql is None:
        return None
    discount = np.exp(-RATE * rows["years"])
    forward = rows["spot"] * np.exp((RATE - DIVIDEND) * rows["years"])
    kinds = [ql.Option.Call if sign > 0 else ql.Option.Put for sign in rows["right"][:count]]
    columns = [array[:count].tolist() for array in (rows["strike"], forward, rows["price"], discount, rows["years"])]

    def run() -> list[float]:
        return [
            ql.blackFormulaImpliedStdDevLiRS(kind, k, f, p, d, 0.0, 0.2 * math.sqrt(t), 1.0, 1e-14, 200) / math.sqrt(t)
            for kind, k, f, p, d, t in zip(kinds, *columns, strict=True)
        ]

    return run


def with_vollib(rows: dict[str, np.ndarray], count: int) -> Callable[[], list[float]] | None:
    """py_vollib, contract by contract: a port of Jäckel's own program to Python."""
    module = peer("py_vollib.black_scholes_merton.implied_volatility")
    if module is None:
        return None
    flags = ["c" if sign > 0 else "p" for sign in rows["right"][:count]]
    columns = [rows[name][:count].tolist() for name in ("price", "spot", "strike", "years")]

    def run() -> list[float]:
        return [
            module.implied_volatility(p, s, k, t, RATE, DIVIDEND, flag)
            for p, s, k, t, flag in zip(*columns, flags, strict=True)
        ]

    return run


def with_vectorized(rows: dict[str, np.ndarray]) -> Callable[[], np.ndarray] | None:
    """py_vollib_vectorized: the same with numba, a column at a time."""
    module = peer("py_vollib_vectorized")
    if module is None:
        return None
    flags = np.where(rows["right"] > 0, "c", "p")
    columns = [rows[name] for name in ("price", "spot", "strike", "years")]

    def run() -> np.ndarray:
        made = module.vectorized_implied_volatility(
            *columns, RATE, flags, q=DIVIDEND, model="black_scholes_merton", return_as="numpy"
        )
        return np.asarray(made)

    return run


@row(
    "implied volatility of 100,000 contracts",
    goal="under 50 ms on one core",
    notes=("The columns lie ready; a status for each row is made too.",),
)
def hundred_thousand() -> Job | str:
    rows = contracts(CONTRACTS)
    terms = {name: rows[name] for name in ("price", "spot", "strike", "years", "right")}
    arms: dict[str, Callable[[], Any]] = {
        "exuvia": lambda: options.implied_volatility(terms, rate=RATE, dividend=DIVIDEND, threads=THREADS)
    }
    vectorized = with_vectorized(rows)
    if vectorized is not None:
        arms["py_vollib_vectorized"] = vectorized
    return Job(arms, same_volatilities(rows["volatility"], 1e-6))


@row(
    "implied volatility of 2,000 contracts, where a peer takes one at a time",
    goal="100× as fast as a loop with scipy",
    threaded=False,
)
def two_thousand() -> Job | str:
    if peer("scipy.optimize") is None:
        return "scipy is not installed: pip install scipy"
    rows = contracts(FEW)
    terms = {name: rows[name] for name in ("price", "spot", "strike", "years", "right")}
    arms: dict[str, Callable[[], Any] | None] = {
        "exuvia": lambda: options.implied_volatility(terms, rate=RATE, dividend=DIVIDEND, threads=1),
        "scipy brentq over ndtr in a loop": with_scipy_special(rows, FEW),
        "scipy brentq over math.erfc in a loop": with_scipy(rows, FEW),
        "py_vollib in a loop": with_vollib(rows, FEW),
        "QuantLib Li-RS in a loop": with_quantlib(rows, FEW),
    }
    return Job(
        {name: arm for name, arm in arms.items() if arm is not None}, same_volatilities(rows["volatility"], 1e-6)
    )


@row("five greeks of 100,000 contracts", goal="no slower than NumPy with scipy.special; next 2×")
def greeks() -> Job | str:
    special = peer("scipy.special")
    if special is None:
        return "scipy is not installed: pip install scipy"
    rows = contracts(CONTRACTS)
    terms = {name: rows[name] for name in ("volatility", "spot", "strike", "years", "right")}
    v, s, k, t, sign = (terms[name] for name in ("volatility", "spot", "strike", "years", "right"))

    def with_numpy() -> dict[str, np.ndarray]:
        root, legs = np.sqrt(t), (s * np.exp(-DIVIDEND * t), k * np.exp(-RATE * t))
        d1 = (np.log(s / k) + (RATE - DIVIDEND + v * v / 2) * t) / (v * root)
        d2 = d1 - v * root
        density = np.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
        first, second = special.ndtr(sign * d1), special.ndtr(sign * d2)
        vega = legs[0] * density * root
        theta = -vega * v / (2 * t) - sign * RATE * legs[1] * second + sign * DIVIDEND * legs[0] * first
        return {
            "delta": sign * np.exp(-DIVIDEND * t) * first,
            "gamma": np.exp(-DIVIDEND * t) * density / (s * v * root),
            "vega": vega,
            "theta": theta,
            "rho": sign * t * legs[1] * second,
        }

    def check(results: dict[str, Any]) -> None:
        made = bars.columns(results["exuvia"])
        for name, wanted in results["NumPy and scipy.special"].items():
            assert np.allclose(made[name], wanted, rtol=1e-9, atol=1e-12), name

    return Job(
        {
            "exuvia": lambda: options.greeks(terms, rate=RATE, dividend=DIVIDEND, threads=THREADS),
            "NumPy and scipy.special": with_numpy,
        },
        check,
    )
