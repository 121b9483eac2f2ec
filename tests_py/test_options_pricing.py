"""Prices, volatilities and greeks against 50 digits, finite differences and one another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from exuvia import bars, options
from exuvia.errors import OptionError
from hypothesis import given
from hypothesis import strategies as st

mp = pytest.importorskip("mpmath", reason="mpmath is not installed: no digits to compare with")
mp.mp.dps = 50

ALL = [
    *("price", "delta", "gamma", "vega", "theta", "rho", "epsilon", "lambda", "vanna", "charm", "vomma", "veta"),
    *("speed", "zomma", "color", "ultima", "dual_delta", "dual_gamma"),
]
# How often each greek differentiates by: spot, volatility, years (with the sign of calendar time), rate, yield, strike.
ORDERS = {
    "price": {},
    "delta": {"S": 1},
    "gamma": {"S": 2},
    "vega": {"v": 1},
    "theta": {"T": 1},
    "rho": {"r": 1},
    "epsilon": {"q": 1},
    "vanna": {"S": 1, "v": 1},
    "charm": {"S": 1, "T": 1},
    "vomma": {"v": 2},
    "veta": {"v": 1, "T": 1},
    "speed": {"S": 3},
    "zomma": {"S": 2, "v": 1},
    "color": {"S": 2, "T": 1},
    "ultima": {"v": 3},
    "dual_delta": {"K": 1},
    "dual_gamma": {"K": 2},
}
NAMES = ("S", "K", "T", "v", "r", "q")


def value(sign: int, S: Any, K: Any, T: Any, v: Any, r: Any, q: Any) -> Any:  # noqa: N803, PLR0917
    """Black-Scholes-Merton in as many digits as mpmath has."""
    root = v * mp.sqrt(T)
    d1 = (mp.log(S / K) + (r - q + v * v / 2) * T) / root
    below = lambda d: mp.erfc(-d / mp.sqrt(2)) / 2  # noqa: E731
    return sign * (S * mp.exp(-q * T) * below(sign * d1) - K * mp.exp(-r * T) * below(sign * (d1 - root)))


def by_differences(sign: int, point: dict[str, float], orders: dict[str, int]) -> object:
    """A mixed derivative by central differences; 50 digits leave more than 20 of it."""
    terms = [(mp.mpf(1), {name: mp.mpf(number) for name, number in point.items()})]
    for name, order in orders.items():
        h = mp.mpf("1e-9") * max(mp.mpf(point[name]), mp.mpf("0.01"))
        weights = {1: [(-1, -1), (1, 1)], 2: [(-1, 1), (0, -2), (1, 1)], 3: [(-2, -1), (-1, 2), (1, -2), (2, 1)]}[order]
        scale = {1: 2 * h, 2: h**2, 3: 2 * h**3}[order]
        terms = [
            (factor * weight / scale, place | {name: place[name] + shift * h})
            for factor, place in terms
            for shift, weight in weights
        ]
    total = mp.fsum(factor * value(sign, **place) for factor, place in terms)
    return -total if orders.get("T") else total


POINTS = [
    (1, {"S": 100.0, "K": 95.0, "T": 0.5, "v": 0.25, "r": 0.04, "q": 0.015}),
    (-1, {"S": 100.0, "K": 95.0, "T": 0.5, "v": 0.25, "r": 0.04, "q": 0.015}),
    (1, {"S": 4500.0, "K": 5200.0, "T": 7 / 365, "v": 0.35, "r": 0.053, "q": 0.0153}),
    (-1, {"S": 4500.0, "K": 5200.0, "T": 7 / 365, "v": 0.35, "r": 0.053, "q": 0.0153}),
    (1, {"S": 1.08, "K": 1.08, "T": 2.0, "v": 0.07, "r": -0.01, "q": 0.03}),
    (-1, {"S": 20.0, "K": 45.0, "T": 3.0, "v": 1.6, "r": 0.0, "q": 0.0}),
]


@pytest.mark.parametrize(("sign", "point"), POINTS)
def test_greeks_equal_finite_differences_in_50_digits(sign: int, point: dict[str, float]) -> None:
    made = options.greeks(
        point["v"], point["S"], point["K"], point["T"], sign, rate=point["r"], dividend=point["q"], which="all"
    )
    assert list(made) == ALL
    for name, orders in ORDERS.items():
        wanted = float(by_differences(sign, point, orders))
        # Of second and third derivatives of 1e-9 steps a part in 1e17 is left; ours lose digits where terms cancel.
        assert made[name] == pytest.approx(wanted, rel=1e-9, abs=1e-13 * point["S"]), (name, sign, point)
    assert made["lambda"] == pytest.approx(made["delta"] * point["S"] / made["price"], rel=1e-14)


@pytest.mark.parametrize("sign", [1, -1])
def test_black_76_is_the_model_of_a_forward(sign: int) -> None:
    forward, strike, years, volatility, rate = 70.5, 68.0, 0.75, 0.32, 0.045
    made = options.greeks(volatility, forward, strike, years, sign, rate=rate, model="black76", which="all")

    def priced(f: object, t: object, r: object) -> object:
        return mp.exp(-r * t) * value(sign, f, mp.mpf(strike), t, mp.mpf(volatility), mp.mpf(0), mp.mpf(0))

    at = mp.mpf(forward), mp.mpf(years), mp.mpf(rate)
    h = mp.mpf("1e-10")
    for name, place, direction in (("delta", 0, 1), ("theta", 1, -1), ("rho", 2, 1)):
        up, down = ([number + side * h * (index == place) for index, number in enumerate(at)] for side in (1, -1))
        wanted = direction * (priced(*up) - priced(*down)) / (2 * h)
        assert made[name] == pytest.approx(float(wanted), rel=1e-12)
    assert made["price"] == pytest.approx(float(priced(*at)), rel=1e-14)
    assert math.isnan(made["epsilon"])
    implied = options.implied_volatility(made["price"], forward, strike, years, sign, rate=rate, model="black76")
    assert implied == pytest.approx(volatility, rel=1e-13)


def test_desk_units_are_points_and_days() -> None:
    natural = options.greeks(0.2, 100, 105, 0.3, "P", rate=0.03, which="all")
    desk = options.greeks(0.2, 100, 105, 0.3, "P", rate=0.03, which="all", units="desk", days=252)
    divisors = {"vega": 100, "rho": 100, "epsilon": 100, "vanna": 100, "zomma": 100, "vomma": 1e4, "ultima": 1e6}
    divisors |= {"theta": 252, "charm": 252, "color": 252, "veta": 25_200}
    for name in ALL:
        assert desk[name] == pytest.approx(natural[name] / divisors.get(name, 1), rel=1e-14), name


def test_prices_have_nearly_all_their_digits_deep_in_the_tails() -> None:
    worst = 0.0
    for strike in (20.0, 50.0, 90.0, 99.0, 100.0, 100.5, 120.0, 200.0, 1_000.0):
        for years in (1 / 365, 0.1, 1.0, 5.0):
            for volatility in (0.03, 0.1, 0.5, 2.0):
                sign = 1 if strike > 100 else -1
                wanted = value(sign, *(mp.mpf(x) for x in (100.0, strike, years, volatility, 0.0, 0.0)))
                if wanted < mp.mpf("1e-290"):
                    continue
                made = options.price(volatility, 100.0, strike, years, sign)
                # The logarithm of a price has its digits; the price loses those that its size has more.
                worst = max(worst, abs(float(made / wanted - 1)) / (1 + abs(float(mp.log(wanted)))))
    assert worst < 1e-15


def grid() -> dict[str, np.ndarray]:
    """Contracts from deep in to deep out of the money, an hour to ten years, volatilities from 1 % to 500 %."""
    strikes = 100 * np.exp(np.linspace(-4, 4, 81))
    years = np.array([1 / 8760, 1 / 365, 7 / 365, 30 / 365, 0.5, 2.0, 10.0])
    volatility = np.geomspace(0.01, 5.0, 40)
    strike, t, v, sign = (a.ravel() for a in np.meshgrid(strikes, years, volatility, [1.0, -1.0], indexing="ij"))
    return {"spot": np.full(len(strike), 100.0), "strike": strike, "years": t, "volatility": v, "right": sign}


@pytest.mark.parametrize("rate", [0.0, 0.05])
def test_a_price_gives_its_volatility_back_wherever_it_says_it(rate: float) -> None:
    rows = grid()
    made = bars.columns(options.greeks(rows | {"rate": np.full(len(rows["spot"]), rate)}, which=["price", "vega"]))
    price, vega = made["price"], made["vega"]
    terms = {name: rows[name] for name in ("spot", "strike", "years", "right")}
    found = bars.columns(options.implied_volatility({"price": price, **terms}, rate=rate))
    bound = np.where(rows["right"] > 0, 100.0, rows["strike"] * np.exp(-rate * rows["years"]))
    # A price is off by a rounding of the larger leg; that moves the volatility by as much over vega.
    with np.errstate(divide="ignore", over="ignore"):
        felt = 4e-16 * np.maximum(100.0, rows["strike"]) / vega
    said = (felt < 1e-3 * rows["volatility"]) & (price < bound * (1 - 1e-12))
    error = np.abs(found["iv"] - rows["volatility"])
    assert said.sum() > 14_000
    assert (found["status"][said] == 0).all()
    assert (error[said] <= 8 * felt[said] + 2e-14 * rows["volatility"][said]).all()
    # Where it says nothing the row says so, or the volatility that it gives prices back what came in.
    again = bars.columns(options.price({"volatility": found["iv"], **terms}, rate=rate))["price"]
    rest = np.isfinite(found["iv"])
    assert np.allclose(again[rest], price[rest], rtol=1e-13, atol=1e-13 * 5_500)


def test_out_of_the_money_the_digits_of_tiny_prices_count() -> None:
    rows = grid()
    rows["right"] = np.where(rows["strike"] >= 100, 1.0, -1.0)
    price = bars.columns(options.price(rows))["price"]
    terms = {name: rows[name] for name in ("spot", "strike", "years", "right")}
    found = bars.columns(options.implied_volatility({"price": price, **terms}))
    usable = (price > 1e-290) & (price < np.minimum(100.0, rows["strike"]) * 0.999)
    error = np.abs(found["iv"] / rows["volatility"] - 1)
    assert usable.sum() > 12_000
    assert error[usable].max() < 3e-13
    assert np.median(error[usable]) < 3e-16


@given(
    st.floats(0.01, 1e5),
    st.floats(-1.5, 1.5),
    st.floats(0.001, 10),
    st.floats(0.01, 3),
    st.floats(-0.05, 0.2),
    st.floats(-0.05, 0.2),
)
def test_a_call_less_its_put_is_the_forward(  # noqa: PLR0917 - one for each argument of the strategy
    spot: float, moneyness: float, years: float, volatility: float, rate: float, dividend: float
) -> None:
    strike = spot * math.exp(moneyness)
    call, put = (options.price(volatility, spot, strike, years, s, rate=rate, dividend=dividend) for s in "CP")
    legs = spot * math.exp(-dividend * years), strike * math.exp(-rate * years)
    assert call - put == pytest.approx(legs[0] - legs[1], abs=4e-15 * max(legs))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((1.0, 100, 90, 1.0, "C"), "below_intrinsic"),
        ((100.0, 100, 90, 1.0, "C"), "above_bound"),
        ((90.0, 100, 90, 1.0, "P"), "above_bound"),
        ((-1.0, 100, 90, 1.0, "P"), "bad_price"),
        ((5.0, 100, 90, 0.0, "P"), "bad_time"),
        ((5.0, 100, 90, -1.0, "P"), "bad_time"),
        ((5.0, 0, 90, 1.0, "P"), "bad_spot"),
        ((5.0, 100, -90, 1.0, "P"), "bad_strike"),
        ((math.nan, 100, 90, 1.0, "P"), "missing"),
        ((5.0, math.inf, 90, 1.0, "P"), "not_finite"),
        ((5.0, 100, 90, 1.0, 0), "bad_right"),
    ],
)
def test_a_single_contract_without_a_volatility_is_an_error_that_says_why(
    arguments: tuple[object, ...], word: str
) -> None:
    with pytest.raises(OptionError, match=f"^{word}: "):
        options.implied_volatility(*arguments)


def test_at_the_intrinsic_value_the_volatility_is_zero() -> None:
    assert options.implied_volatility(10.0, 100, 90, 1.0, "C") == 0.0
    assert options.price(0.0, 100, 90, 1.0, "C") == 10.0
    assert options.price(0.3, 100, 90, 0.0, "C") == 10.0
