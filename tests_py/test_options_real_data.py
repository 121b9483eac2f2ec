"""Published greeks, real chains and the VIX: volatilities, exposures and ranks come out as they stand there."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from exuvia import bars, options

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = "reference/expected.json"


@pytest.fixture
def expected(data_dir: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data_dir / EXPECTED).read_text(encoding="utf-8"))
    return found


@pytest.fixture
def vollib(data_dir: Path) -> dict[str, np.ndarray]:
    table = json.loads((data_dir / "vollib__py_vollib" / "tests" / "test_data.json").read_text(encoding="utf-8"))
    return dict(zip(table["columns"], np.array(table["data"]).T, strict=True))


def text_of(path: Path) -> str:
    zipped = path.with_name(path.name + ".gz")
    return path.read_text(encoding="utf-8") if path.exists() else gzip.decompress(zipped.read_bytes()).decode()


def universe(path: Path) -> tuple[float, dict[str, np.ndarray]]:
    """The close of the underlying and the columns of a chain."""
    head, underlying, *rows = csv.reader(io.StringIO(text_of(path)))
    names = [name.lstrip("#") for name in head]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    text = ("expiry", "right")
    numbers = {n: np.array([float(v or "nan") for v in values]) for n, values in columns.items() if n not in text}
    return float(underlying[names.index("close")]), numbers | {name: np.array(columns[name]) for name in text}


def test_greeks_of_the_py_vollib_table_to_1e9(vollib: dict[str, np.ndarray]) -> None:
    for sign, price, names in (
        (1, "bs_call", {"CD": "delta", "CG": "gamma", "CT": "theta", "CV": "vega", "CR": "rho"}),
        (-1, "bs_put", {"PD": "delta", "PG": "gamma", "PT": "theta", "PV": "vega", "PR": "rho"}),
    ):
        terms = [vollib[name] for name in ("v", "S", "K", "t")]
        made = bars.columns(options.greeks(*terms, sign, rate=vollib["R"], which="all"))
        assert (made["status"] == 0).all()
        for column, name in {price: "price", **names}.items():
            # The table was rounded to 9 decimals, or 10 digits.
            assert np.allclose(made[name], vollib[column], rtol=1e-9, atol=1e-9), column
    calls = bars.columns(options.price(*terms, 1, rate=vollib["R"]))["price"]
    assert np.allclose(calls, vollib["call_vals"], rtol=1e-9, atol=1e-9)
    assert len(calls) == 101


def test_volatilities_of_the_py_vollib_table_to_1e9(vollib: dict[str, np.ndarray]) -> None:
    terms = [vollib[name] for name in ("S", "K", "t")]
    rate, sure = vollib["R"], 0
    for sign, column in ((1, "bs_call"), (-1, "bs_put")):
        exact = bars.columns(options.greeks(vollib["v"], *terms, sign, rate=rate, which=["price", "vega"]))
        found = bars.columns(options.implied_volatility(exact["price"], *terms, sign, rate=rate))
        # Out of the money always; in the money where the time value has digits left.
        out = sign * (terms[0] - terms[1] * np.exp(-rate * terms[2])) < 0
        speaks = out | (exact["vega"] > 1e-2)
        assert np.abs(found["iv"] - vollib["v"])[speaks & (exact["price"] > 0)].max() < 1e-9
        # The table's own prices are rounded, which moves a volatility by that over vega.
        given = vollib[column]
        made = bars.columns(options.implied_volatility(given, *terms, sign, rate=rate))["iv"]
        rounding = 0.6e-9 * np.maximum(1.0, np.abs(given)) / np.maximum(exact["vega"], 1e-300)
        read = rounding < 1e-3
        assert (np.abs(made - vollib["v"])[read] <= 1e-9 + 1.01 * rounding[read]).all()
        sure += int(read.sum())
    assert sure > 120


@pytest.mark.parametrize("name", ["goog/20151224", "goog/20151231", "nwsa/20130628"])
def test_exposure_of_real_chains_is_the_recomputed_one_bit_for_bit(
    data_dir: Path, expected: dict[str, Any], name: str
) -> None:
    key = f"option/usa/universes/{name}.csv"
    wanted = expected["gex_recomputed"][key]
    spot, chain = universe(data_dir / "QuantConnect__Lean" / "Data" / key)
    made = options.gex(chain, spot)
    assert (spot, made["contracts"], made["used"]) == (wanted["S"], wanted["contracts"], wanted["used"])
    for column, field in {
        "call": "call",
        "put": "put",
        "net": "net",
        "greatest_strike": "max_strike",
        "greatest_net": "max_val",
        "least_strike": "min_strike",
        "least_net": "min_val",
        "call_open_interest": "oi_call",
        "put_open_interest": "oi_put",
    }.items():
        assert made[column] == wanted[field], column
    counted = sum(made[f"skipped_{why}"] for why in ("missing", "no_open_interest", "no_gamma", "no_iv", "filtered"))
    assert made["used"] + counted == made["contracts"]
    assert sum(made.expiries["net"].to_pylist()) == pytest.approx(made["net"], rel=1e-12)
    assert made.expiries["expiry"].to_pylist() == sorted(set(chain["expiry"]))


def test_many_symbols_at_once_equal_each_alone(data_dir: Path) -> None:
    root = data_dir / "QuantConnect__Lean" / "Data" / "option" / "usa" / "universes"
    chains = {name: universe(root / f"{name}.csv") for name in ("goog/20151224", "goog/20151231", "nwsa/20130628")}
    frames = [pd.DataFrame(chain).assign(symbol=name) for name, (_, chain) in chains.items()]
    # A row of each in turn, so that no symbol lies in one piece.
    mixed = pd.concat(frames).iloc[np.argsort(np.concatenate([np.arange(len(f)) for f in frames]), kind="stable")]
    spots = {name: spot for name, (spot, _) in chains.items()}
    together = [options.gex(mixed, spots, flip="cumulative", threads=threads) for threads in (1, 3)]
    assert together[0].total == together[1].total
    names = together[0].total["symbol"].to_pylist()
    for name, (spot, chain) in chains.items():
        alone = options.gex(chain, spot, flip="cumulative")
        at = names.index(name)
        for column in alone.total.column_names:
            assert together[0].total[column].to_pylist()[at] == alone[column], (name, column)


def test_the_rank_of_the_vix_is_the_recomputed_one(data_dir: Path, expected: dict[str, Any]) -> None:
    wanted = expected["iv_rank_vix_recomputed"]
    rows = list(csv.DictReader(io.StringIO(text_of(data_dir / "datasets__finance-vix" / "data" / "vix-daily.csv"))))
    days = np.array([row["DATE"] for row in rows], "M8[D]")
    close = np.array([float(row["CLOSE"]) for row in rows])
    made = bars.columns(options.iv_rank(close, ts=days))
    at = int(np.flatnonzero(days == np.datetime64(wanted["asof"]))[0])
    assert close[at] == wanted["close"]
    assert (made["low"][at], made["high"][at], made["count"][at]) == (wanted["min252"], wanted["max252"], 252)
    assert made["rank"][at] == wanted["iv_rank_pct"]
    assert made["percentile"][at] == wanted["iv_percentile_strictly_below_pct"]
    # Every day since 1990 against pandas.
    series = pd.Series(close)
    low, high = (getattr(series.rolling(252, min_periods=10), how)() for how in ("min", "max"))
    assert np.array_equal(made["rank"], (100.0 * (series - low) / (high - low)).to_numpy(), equal_nan=True)


# How far a broker's volatility may be from ours, as the owners of these files test it: the broker's model is not known.
MARGINS = {"SPX230811C04300000": 0.2, "SPX230811P04300000": 0.015, "SPX230811P04700000": 0.075}


def test_volatilities_and_greeks_of_the_broker_are_met_within_its_own_margins(data_dir: Path) -> None:
    files = sorted((data_dir / "QuantConnect__Lean" / "Tests" / "TestData" / "greeks").glob("SPX*.csv"))
    assert len(files) == 12
    for path in files:
        name = path.stem
        expiry = np.datetime64(f"20{name[3:5]}-{name[5:7]}-{name[7:9]}T20:00", "ns")
        frame = pd.read_csv(path, index_col=0, date_format="%Y%m%d %H:%M:%S.%f")
        stamps = pd.to_datetime(frame.index).to_numpy("M8[ns]")
        years = (expiry - stamps) / np.timedelta64(365, "D")
        terms = [frame[c].to_numpy() for c in ("model_price", "model_undPrice")]
        strike = float(name[10:]) / 1000
        iv = bars.columns(options.implied_volatility(*terms, strike, years, name[9], rate=0.053, dividend=0.0153))["iv"]
        margin = MARGINS.get(name, 0.01)
        assert np.nanmax(np.abs(iv - frame["model_impliedVol"])) < margin, name
        given = frame["model_impliedVol"].to_numpy()
        made = bars.columns(
            options.greeks(given, terms[1], strike, years, name[9], rate=0.053, dividend=0.0153, units="desk")
        )
        for greek, rel, absolute in (("delta", 0.05, 0.02), ("gamma", 0.12, 1e-4), ("vega", 0.1, 0.1)):
            assert np.allclose(made[greek], frame[f"model_{greek}"], rtol=rel, atol=absolute), (name, greek)


def test_calls_of_a_third_party_are_met_from_their_own_volatility(data_dir: Path) -> None:
    folder = data_dir / "QuantConnect__Lean" / "Tests" / "TestData" / "greeksindicator" / "american"
    text = (folder / "third_party_1_greeks.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.reader(io.StringIO(text)) if row[0] == "SPY"]
    assert len(rows) == 16
    table = np.array([[float(cell) for cell in row[4:]] for row in rows])
    strike = np.array([float(row[2]) for row in rows])
    iv, delta, gamma, spot, years, rate = (table[:, at] for at in (3, 5, 7, 12, 13, 14))
    # Without a dividend an American call is worth what a European one is. Their vega is of another time to expiry.
    made = bars.columns(options.greeks(iv, spot, strike, years, "C", rate=rate))
    assert np.allclose(made["delta"], delta, rtol=0.05, atol=0.01)
    assert np.allclose(made["gamma"], gamma, rtol=0.12, atol=1e-3)
