"""Whatever holds the columns, the answer is the same; whatever is wrong with a row, the row says it."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from exuvia import bars, options
from exuvia.errors import OptionError, SchemaError
from hypothesis import given
from hypothesis import strategies as st

N = 50
ROWS: dict[str, np.ndarray] = {
    "price": np.linspace(8.0, 14.0, N),
    "spot": np.linspace(95.0, 105.0, N),
    "strike": np.full(N, 100.0),
    "years": np.linspace(0.1, 0.9, N),
    "right": np.array(["C", "P"] * (N // 2)),
    "rate": np.full(N, 0.03),
    "dividend": np.full(N, 0.01),
}
SIGNS = np.array([1, -1] * (N // 2))


def found(made: Any) -> tuple[list[float], list[int]]:
    columns = bars.columns(made)
    return columns["iv"].tolist(), columns["status"].tolist()


@pytest.fixture(scope="module")
def wanted() -> tuple[list[float], list[int]]:
    made = found(options.implied_volatility(ROWS))
    assert made[1] == [0] * N
    return made


@pytest.mark.parametrize(
    "make",
    [
        pa.table,
        pd.DataFrame,
        pl.DataFrame,
        lambda rows: pa.Table.from_batches(pa.table(rows).to_batches(max_chunksize=7)),
        lambda rows: pa.table(pa.table(rows)).set_column(4, "right", pa.array(rows["right"]).dictionary_encode()),
        lambda rows: pl.DataFrame(rows).with_columns(pl.col("right").cast(pl.Categorical)),
        lambda rows: duckdb.from_arrow(pa.table(rows)),
        lambda rows: rows | {"right": rows["right"].astype("S1")},
        lambda rows: rows | {"right": rows["right"].astype(object)},
        lambda rows: rows | {"right": np.char.lower(np.where(rows["right"] == "C", "Call", "Put"))},
        lambda rows: rows | {"right": SIGNS},
        lambda rows: rows | {"right": SIGNS.astype(np.int8)},
        lambda rows: rows | {"right": SIGNS > 0},
        lambda rows: rows | {"right": pa.array(SIGNS > 0)},
        lambda rows: rows | {"strike": np.full(N, 100, np.int32), "rate": pa.array([Decimal("0.03")] * N)},
        lambda rows: {name: np.repeat(column, 2)[::2] for name, column in rows.items()},
        lambda rows: {name: pa.array(column) for name, column in rows.items()},
    ],
)
def test_any_holder_of_the_columns_gives_the_same(make: Any, wanted: tuple[list[float], list[int]]) -> None:
    assert found(options.implied_volatility(make(ROWS))) == wanted


def test_columns_by_place_and_single_numbers_give_the_same(wanted: tuple[list[float], list[int]]) -> None:
    by_place = [ROWS[name] for name in ("price", "spot", "strike", "years", "right")]
    assert found(options.implied_volatility(*by_place, rate=0.03, dividend=ROWS["dividend"])) == wanted
    by_place[2] = 100
    assert found(options.implied_volatility(*by_place, rate=np.float64(0.03), dividend=Decimal("0.01"))) == wanted
    one = options.implied_volatility(
        *(column[7].item() for column in by_place[:2]), 100, ROWS["years"][7], "p", rate=0.03, dividend=0.01
    )
    assert isinstance(one, float)
    assert one == wanted[0][7]


def test_threads_change_nothing() -> None:
    many = {name: np.tile(column, 400) for name, column in ROWS.items()}
    one, three, all_of_them = (options.implied_volatility(many, threads=threads) for threads in (1, 3, None))
    assert one == three == all_of_them
    greeks = many | {"volatility": many["price"] / 20}
    assert options.greeks(greeks, which="all", threads=1) == options.greeks(greeks, which="all", threads=5)


def test_each_bad_row_says_why_and_the_others_are_computed() -> None:
    rows = [
        (8.0, 100.0, 100.0, 0.5, 1.0, "ok"),
        (10.0, 100.0, 90.0, 1.0, 1.0, "no_time_value"),
        (np.nan, 100.0, 100.0, 0.5, 1.0, "missing"),
        (8.0, np.inf, 100.0, 0.5, 1.0, "not_finite"),
        (-1e-9, 100.0, 100.0, 0.5, 1.0, "bad_price"),
        (9.99, 100.0, 90.0, 0.5, 1.0, "below_intrinsic"),
        (100.0, 100.0, 100.0, 0.5, 1.0, "above_bound"),
        (8.0, 100.0, 100.0, 0.0, 1.0, "bad_time"),
        (8.0, -100.0, 100.0, 0.5, 1.0, "bad_spot"),
        (8.0, 100.0, 0.0, 0.5, 1.0, "bad_strike"),
        (8.0, 100.0, 100.0, 0.5, 0.0, "bad_right"),
        (90.0, 100.0, 100.0, 0.5, 1.0, "outside_bounds"),
    ]
    *columns, words = zip(*rows, strict=True)
    made = options.implied_volatility(*(np.array(column) for column in columns), bounds=(0.0, 4.0))
    assert made["status"].to_pylist() == list(words)
    iv = bars.columns(made)["iv"]
    assert np.isfinite(iv).tolist() == [word in ("ok", "no_time_value") for word in words]
    assert iv[1] == 0.0
    assert made.schema.metadata_str == dict.fromkeys(words, "1")


ANY = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 5e-324, 1e-300, 1e-17, 1.0, 100.0, 1e17, 1e300, 1.8e308]))
CHAINS = ("right", "strike", "open_interest", "gamma", "iv", "years", "rate", "dividend", "side", "multiplier")


@given(st.lists(st.tuples(*[ANY] * 8), min_size=1, max_size=6))
def test_nothing_that_a_float_can_be_breaks_a_call(rows: list[tuple[float, ...]]) -> None:
    names = ("price", "spot", "strike", "years", "right", "rate", "dividend", "volatility")
    table = dict(zip(names, np.array(rows).T.copy(), strict=True))
    for model in ("bsm", "black76"):
        columns = table | {"forward": table["spot"]}
        iv, status = found(options.implied_volatility(columns, model=model))
        for value, code in zip(iv, status, strict=True):
            assert (0 <= value < np.inf) if code in (0, 1) else np.isnan(value)
        made = bars.columns(options.price(columns, model=model))
        assert (np.isfinite(made["price"]) == (made["status"] == 0)).all()
        made = bars.columns(options.greeks(columns, model=model, which=["delta", "gamma", "vega"]))
        assert (np.isnan(made["delta"]) | (np.abs(made["delta"]) < np.inf)).all()
    options.iv_rank(table["price"], least=1)
    bars.columns(options.fill_ratio(table["price"], table["spot"], table["strike"], table["right"]))
    options.calibrate_fill_ratio(table["price"], resamples=20)
    options.fill_probability(table["price"], table["spot"])


@given(st.lists(st.tuples(*[ANY] * len(CHAINS)), min_size=1, max_size=6), st.floats(5e-324, 1e300))
def test_no_chain_breaks_the_exposure(rows: list[tuple[float, ...]], spot: float) -> None:
    chain = dict(zip(CHAINS, np.array(rows).T.copy(), strict=True))
    for flip in ("adjacent", "adjacent_up", "cumulative", "profile"):
        made = options.gex(chain, spot, flip=flip, sign="side", second_order=True)
        counts = sum(made[f"skipped_{why}"] for why in ("missing", "no_open_interest", "no_gamma", "no_iv", "filtered"))
        assert made["used"] + counts == made["contracts"] == len(rows)
    options.atm_iv(chain, spot, days=30)


def test_nulls_are_missing_wherever_they_stand() -> None:
    for name in ("price", "spot", "strike", "years", "right", "rate", "dividend"):
        column = pa.array([None, *ROWS[name].tolist()[1:]])
        made = options.implied_volatility(pa.table(ROWS | {name: column}))
        assert made["status"].to_pylist() == ["missing", *["ok"] * (N - 1)], name
    objects = ROWS["right"].astype(object)
    objects[0] = None
    assert options.implied_volatility(ROWS | {"right": objects})["status"].to_pylist()[0] == "missing"


def test_unknown_words_for_a_right_are_told_by_row() -> None:
    made = options.implied_volatility(ROWS | {"right": np.array(["Calls", "é", ""] + ["c"] * (N - 3))})
    assert made["status"].to_pylist()[:4] == ["bad_right"] * 3 + ["ok"]


def test_no_rows_are_no_rows() -> None:
    empty = {name: column[:0] for name, column in ROWS.items()}
    for made in (
        options.implied_volatility(empty),
        options.price(empty | {"volatility": np.array([])}),
        options.greeks(pa.table(empty | {"volatility": np.array([])}), which="all"),
    ):
        assert made.num_rows == 0
    assert options.gex(empty | {"open_interest": np.array([]), "gamma": np.array([])}, 100.0)["net"] == 0.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: options.implied_volatility(ROWS | {"strike": np.ones(3)}),
            OptionError,
            "'strike' has 3 rows, but 'price' has 50",
        ),
        (lambda: options.implied_volatility({"price": ROWS["price"]}), SchemaError, "column 'spot' is missing"),
        (lambda: options.implied_volatility([1.0, 2.0]), SchemaError, "list is no table"),
        (lambda: options.implied_volatility([1.0], 1.0, 1.0, 1.0, "C"), SchemaError, "column 'price' is a list"),
        (lambda: options.implied_volatility("8.0", 100, 100, 1.0, "C"), SchemaError, "column 'price' is a str"),
        (
            lambda: options.implied_volatility(8.0, 100, 100, 1.0, "X"),
            OptionError,
            'right \'X\' is unknown: use "C" or "P"',
        ),
        (lambda: options.implied_volatility(8.0, 100, 100, 1.0), SchemaError, "'right' is missing"),
        (lambda: options.implied_volatility(ROWS, model="heston"), OptionError, 'model="heston" is unknown'),
        (lambda: options.implied_volatility(ROWS, model="black76"), SchemaError, "column 'forward' is missing"),
        (lambda: options.implied_volatility(ROWS, bounds=(2.0, 1.0)), OptionError, "are no range"),
        (lambda: options.implied_volatility(ROWS, threads=0), OptionError, "threads=0"),
        (lambda: options.implied_volatility(ROWS | {"price": ROWS["right"]}), SchemaError, "expected numbers"),
        (lambda: options.implied_volatility(ROWS | {"price": np.ones((2, 2))}), SchemaError, "2 dimensions"),
        (lambda: options.greeks(0.2, 100, 100, 1.0, "C", which="delt"), OptionError, 'greek "delt" is unknown'),
        (lambda: options.greeks(0.2, 100, 100, 1.0, "C", units="days"), OptionError, 'units="days" are unknown'),
        (lambda: options.greeks(0.0, 100, 100, 1.0, "C"), OptionError, "^bad_volatility: "),
    ],
)
def test_what_was_asked_wrongly_is_refused_with_what_to_do(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(")):
        call()


def test_other_threads_of_python_run_meanwhile() -> None:
    many = {name: np.tile(column, 20_000) for name, column in ROWS.items()}
    stamps: list[float] = []
    started, ended = threading.Event(), threading.Event()

    def tick() -> None:
        started.set()
        while not ended.is_set():
            stamps.append(time.perf_counter())
            time.sleep(0.001)

    other = threading.Thread(target=tick)
    other.start()
    started.wait()
    begin = time.perf_counter()
    options.implied_volatility(many, threads=1)
    end = time.perf_counter()
    ended.set()
    other.join()
    assert sum(begin < stamp < end for stamp in stamps) > 10
