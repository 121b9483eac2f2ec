"""Gamma exposure against NumPy and loops, published methods, and what is said where something is missing."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from exuvia import options
from exuvia.errors import OptionError, SchemaError
from exuvia.options import Profile, Regime
from hypothesis import given
from hypothesis import strategies as st

CHAIN: dict[str, Any] = {
    "right": np.array(["C", "C", "P", "P"]),
    "strike": np.array([100.0, 105.0, 100.0, 95.0]),
    "open_interest": np.array([1000, 2000, 1500, 2500]),
    "gamma": np.array([0.06, 0.04, 0.06, 0.035]),
    "expiry": np.array(["2026-03-20", "2026-02-20", "2026-03-20", "2026-02-20"], "M8[D]"),
}
BY_VOLATILITY: dict[str, Any] = {
    "right": np.array(["C", "C", "P", "P"]),
    "strike": np.array([105, 110, 95, 90]),
    "open_interest": np.array([2000, 1000, 2500, 1500]),
    "iv": np.array([0.18, 0.17, 0.22, 0.25]),
    "years": np.full(4, 30 / 365),
}

contracts = st.lists(
    st.tuples(
        st.sampled_from([1.0, -1.0]),
        st.integers(80, 120).map(float),
        st.floats(0, 1e5),
        st.floats(0, 0.2),
        st.integers(0, 4),
    ),
    max_size=400,
)


def rows_of(found: Any) -> list[dict[str, Any]]:
    columns = {name: found[name].to_pylist() for name in found.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def compensated(values: list[float]) -> float:
    """Kahan's sum."""
    total = lost = 0.0
    for value in values:
        step = value - lost
        following = total + step
        total, lost = following, (following - total) - step
    return total


@given(contracts, st.sampled_from(["shares", "per_unit", "per_percent", "per_100_percent"]), st.floats(1, 5000))
def test_exposures_equal_numpy_and_a_compensated_loop_bit_for_bit(
    rows: list[tuple[float, ...]], scale: str, spot: float
) -> None:
    frame = pd.DataFrame(rows, columns=["right", "strike", "open_interest", "gamma", "expiry"], dtype=float)
    made = options.gex({name: frame[name].to_numpy() for name in frame}, spot, scale=scale, multiplier=50)
    used = frame[(frame.open_interest > 0) & (frame.gamma > 0)]
    size = used.gamma * used.open_interest * 50
    size = {
        "shares": size,
        "per_unit": size * spot,
        "per_percent": size * spot * spot * 0.01,
        "per_100_percent": size * spot * spot,
    }[scale]
    call, put = np.sum(size[used.right > 0].to_numpy()), np.sum(size[used.right < 0].to_numpy())
    assert (made["call"], made["put"], made["net"], made["used"]) == (call, put, call - put, len(used))
    for table, key in ((made.strikes, "strike"), (made.expiries, "expiry")):
        groups = {row[key]: [] for row in rows_of(table)}
        for group, value in zip(used[key], used.right * size, strict=True):
            groups[group].append(value)
        assert list(groups) == sorted(groups)
        assert [row["net"] for row in rows_of(table)] == [compensated(values) for values in groups.values()]


def test_the_reference_chain_and_its_levels() -> None:
    made = options.gex(CHAIN, 100.0, flip="adjacent", regime="sign")
    assert round(made["net"], 6) == -375_000
    assert made["flip"] == pytest.approx(100 + 5 * 300 / 1100)
    assert (made["flip_found"], made["regime"], made["pin"]) == ("crossing", "negative", 95.0)
    assert (made["call_wall"], made["put_wall"], made["max_pain"]) == (105.0, 100.0, 100.0)
    assert made["convexity"] == pytest.approx(375_000 / ((made["flip"] - 100) / 100))
    assert made["local"] == pytest.approx(300_000)
    assert [str(row["expiry"])[:10] for row in rows_of(made.expiries)] == ["2026-02-20", "2026-03-20"]


def test_the_flip_by_a_profile_is_the_published_one() -> None:
    made = options.gex(BY_VOLATILITY, 100.0, flip="profile")
    assert made["net"] == pytest.approx(-235_636.50, abs=0.01)
    assert made["flip"] == pytest.approx(100.5406, abs=5e-5)
    # The profile is zero there: the chain at that spot has no exposure left to speak of.
    assert abs(options.gex(BY_VOLATILITY, made["flip"])["net"]) < 1e-3 * abs(made["net"])
    near = options.gex(BY_VOLATILITY, 100.0, flip="profile", profile=Profile(most_distance=0.001))
    assert (near["flip"], near["flip_found"], near["convexity"]) == (None, "too_far", None)
    calls = {name: column[:2] for name, column in BY_VOLATILITY.items()}
    assert options.gex(calls, 100.0, flip="profile")["flip_found"] == "no_crossing"


def test_signs_are_what_they_say() -> None:
    naive = options.gex(CHAIN, 100.0)
    other = options.gex(CHAIN, 100.0, sign="puts_minus_calls")
    whole = options.gex(CHAIN, 100.0, sign="absolute")
    assert other["net"] == -naive["net"]
    assert whole["net"] == naive["call"] + naive["put"]
    sided = options.gex(CHAIN | {"side": np.array([1.0, -1.0, 0.5, np.nan])}, 100.0, sign="side")
    assert sided["net"] == pytest.approx(600_000 - 800_000 + 450_000)
    assert sided["skipped_missing"] == 1


def test_what_was_chosen_is_recorded_with_the_result() -> None:
    mine = Regime(((">=", -4.0, "calm"),), "wild", on="net", divisor=1e5)
    made = options.gex(CHAIN, 100.0, scale="per_percent", regime=mine, wall_distance=0.005)
    assert made["regime"] == "calm"
    for table in (made.total, made.strikes, made.expiries):
        record = json.loads(table.schema.metadata_str["exuvia.gex"])
        assert (record["scale"], record["sign"], record["wall_distance"]) == ("per_percent", "calls_minus_puts", 0.005)
        assert record["regime"]["rules"] == [[">=", -4.0, "calm"]]
        assert record["most_years"] == math.inf


def test_vanna_and_charm_are_delta_of_tomorrow_and_of_another_volatility_in_money() -> None:
    made = options.gex(BY_VOLATILITY, 100.0, second_order=True)
    terms = {"spot": np.full(4, 100.0), "strike": BY_VOLATILITY["strike"], "right": BY_VOLATILITY["right"]}
    size = np.array([1, 1, -1, -1]) * BY_VOLATILITY["open_interest"] * 100 * 100.0

    def deltas(volatility: float, years: float) -> float:
        iv = BY_VOLATILITY["iv"] + volatility
        greeks = options.greeks(terms | {"volatility": iv, "years": BY_VOLATILITY["years"] + years}, which="delta")
        return float((np.array(greeks["delta"].to_pylist()) * size).sum())

    h = 1e-6
    assert made["vanna"] == pytest.approx(0.01 * (deltas(h, 0) - deltas(-h, 0)) / (2 * h), rel=1e-6)
    assert made["charm"] == pytest.approx(-(deltas(0, h) - deltas(0, -h)) / (2 * h) / 365, rel=1e-6)
    assert options.gex(CHAIN, 100.0)["vanna"] is None


def test_filters_leave_out_and_count() -> None:
    chain = CHAIN | {"years": np.array([0.1, 0.3, 0.1, 0.3]), "iv": np.array([0.2, 0.2, np.nan, 0.2])}
    assert options.gex(chain, 100.0, most_years=0.2)["skipped_filtered"] == 2
    assert options.gex(chain, 100.0, strike_band=0.02)["used"] == 2
    assert options.gex(chain, 100.0, need_iv=True)["skipped_no_iv"] == 1


def test_spots_come_as_a_number_a_dict_or_a_column() -> None:
    mixed = pa.table(CHAIN | {"symbol": ["A", "B", "A", "B"], "spot": [100.0, 50.0, 100.0, 50.0]})
    by_column = options.gex(mixed)
    by_dict = options.gex(mixed, {"A": 100.0, "B": 50.0, "C": 1.0})
    assert by_column.total == by_dict.total
    assert by_column.total["symbol"].to_pylist() == ["A", "B"]
    assert [row["symbol"] for row in rows_of(by_column.strikes)] == ["A", "B", "B"]
    with pytest.raises(OptionError, match="one for each symbol"):
        by_column["net"]
    with pytest.raises(OptionError, match="spot of B is NaN"):
        options.gex(mixed, {"A": 100.0})


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: options.gex(CHAIN, 100.0, scale="dollars"), OptionError, 'scale="dollars" is unknown'),
        (lambda: options.gex(CHAIN, 100.0, sign="dealers"), OptionError, 'sign="dealers" is unknown'),
        (lambda: options.gex(CHAIN, 100.0, flip="magic"), OptionError, 'flip="magic" is unknown'),
        (lambda: options.gex(CHAIN, 100.0, flip="profile"), SchemaError, "column 'iv' is missing"),
        (lambda: options.gex(CHAIN, 100.0, sign="side"), SchemaError, "column 'side' is missing"),
        (lambda: options.gex(CHAIN, 0.0), OptionError, "spot of the chain is 0"),
        (lambda: options.gex(CHAIN), SchemaError, "column 'spot' is missing"),
        (lambda: options.gex(CHAIN, 100.0, regime="mine"), OptionError, "regime='mine' is unknown"),
        (
            lambda: options.gex(CHAIN, 100.0, regime="five_bands", scale="shares"),
            OptionError,
            "thresholds are for scale",
        ),
        (lambda: options.gex(CHAIN, 100.0, regime="near_flip"), OptionError, "pass flip="),
        (lambda: options.gex(CHAIN | {"gamma": np.ones(3)}, 100.0), OptionError, "'gamma' has 3 rows"),
        (lambda: options.gex(CHAIN | {"expiry": np.array(["x"])}, 100.0), OptionError, "'expiry' has 1 rows"),
        (lambda: options.gex(CHAIN, 100.0)["nett"], OptionError, "'nett' is no column"),
        (
            lambda: options.gex(BY_VOLATILITY, 100.0, flip="profile", profile=Profile(step=0.0)),
            OptionError,
            "profile step=0",
        ),
    ],
)
def test_what_was_asked_wrongly_is_refused_with_what_to_do(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()
