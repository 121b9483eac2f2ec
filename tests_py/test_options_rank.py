"""IV rank and percentile: every variant against pandas or a loop, many symbols, and the command."""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from exuvia import bars, lake, options
from exuvia.errors import OptionError
from exuvia.migrate.cli.main import main
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather

VALUES = st.lists(st.one_of(st.just(math.nan), st.integers(1, 30).map(lambda n: n / 4)), max_size=60)


def rolled(
    iv: list[float], *, window: int, least: int, include: bool, inclusive: bool
) -> tuple[list[float], list[float]]:
    ranks, percentiles = [], []
    for row, now in enumerate(iv):
        end = row + include
        sample = [value for value in iv[max(0, end - window) : end] if not math.isnan(value)]
        if math.isnan(now) or len(sample) < least:
            ranks.append(math.nan)
            percentiles.append(math.nan)
            continue
        low, high = min(sample), max(sample)
        ranks.append(100 * (now - low) / (high - low) if high > low else math.nan)
        below = sum(value <= now if inclusive else value < now for value in sample)
        percentiles.append(100 * below / len(sample))
    return ranks, percentiles


@given(VALUES, st.integers(1, 20), st.integers(1, 6), st.booleans(), st.booleans())
def test_every_variant_equals_a_loop(iv: list[float], window: int, least: int, include: bool, inclusive: bool) -> None:
    made = bars.columns(
        options.iv_rank(np.array(iv, float), window=window, least=least, include_today=include, inclusive=inclusive)
    )
    ranks, percentiles = rolled(iv, window=window, least=least, include=include, inclusive=inclusive)
    assert np.array_equal(made["rank"], ranks, equal_nan=True)
    assert np.array_equal(made["percentile"], percentiles, equal_nan=True)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 50)), max_size=80), st.booleans())
def test_symbols_that_are_mixed_equal_each_alone(rows: list[tuple[str, int]], last: bool) -> None:
    frame = pd.DataFrame(rows, columns=["symbol", "iv"])
    frame["ts"] = pd.date_range("2026-01-01", periods=len(frame), tz="UTC")
    made = pl.DataFrame(
        options.iv_rank(pa.Table.from_pandas(frame, preserve_index=False), window=9, least=2, last=last)
    )
    assert made["symbol"].to_list() == (list(dict.fromkeys(frame["symbol"])) if last else frame["symbol"].to_list())
    for symbol, part in frame.groupby("symbol"):
        alone = bars.columns(options.iv_rank(part["iv"].to_numpy(float), window=9, least=2, last=last))
        mine = made.filter(pl.col("symbol") == symbol)
        for name in ("rank", "percentile", "low", "high", "count"):
            assert np.array_equal(mine[name].to_numpy(), alone[name], equal_nan=True), name


def test_windows_of_calendar_days_are_those_of_pandas() -> None:
    rng = np.random.default_rng(4)
    days = np.cumsum(rng.integers(1, 5, 400)).astype("M8[D]")
    iv = rng.integers(10, 60, 400) / 100
    series = pd.Series(iv, index=pd.DatetimeIndex(days.astype("M8[ns]")))
    for include, closed in ((True, "right"), (False, "left")):
        made = bars.columns(options.iv_rank(iv, ts=days, days=30, include_today=include, least=2, scale=1))
        span = series.rolling("30D", min_periods=1, closed=closed)
        if include:
            low, high = span.min().to_numpy(), span.max().to_numpy()
            assert np.array_equal(made["low"], low)
            assert np.array_equal(made["high"], high)
            assert np.array_equal(made["count"], span.count().to_numpy())
        else:
            # pandas takes a day on the left edge in; ours is later than it.
            later = [(days > day - np.timedelta64(30, "D")) & (days < day) for day in days]
            assert made["count"].tolist() == [int(rows.sum()) for rows in later]


def test_a_stream_of_batches_is_read_once() -> None:
    table = pa.table({"iv": [0.2, 0.3, 0.25], "symbol": ["A", "A", "A"]})
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=2))
    assert options.iv_rank(reader, least=1) == options.iv_rank(table, least=1)


def test_extremes_may_come_from_daily_highs_and_lows() -> None:
    iv, high, low = np.array([20.0, 30, 25]), np.array([26.0, 40, 27]), np.array([18.0, 10, 24])
    made = bars.columns(options.iv_rank({"iv": iv, "high": high, "low": low}, least=1, last=True))
    assert (made["rank"][0], made["low"][0], made["high"][0]) == (50.0, 10.0, 40.0)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({}, math.nan),
        ({"flat": 0.5}, 50.0),
        ({"flat": 0.0, "scale": 1}, 0.0),
        ({"floor": 0.001}, 0.0),
    ],
)
def test_a_window_without_a_range_is_what_was_asked_for(arguments: dict[str, float], wanted: float) -> None:
    made = bars.columns(options.iv_rank(np.full(5, 0.2), least=1, last=True, **arguments))
    assert np.array_equal(made["rank"], [wanted], equal_nan=True)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: options.iv_rank(0.2), "iv is a single number"),
        (lambda: options.iv_rank(np.ones(3), window=0), "window=0"),
        (lambda: options.iv_rank(np.ones(3), days=30), "needs the column 'ts'"),
        (lambda: options.iv_rank(np.ones(3), ts=np.array([1, 3, 2])), "row 2 is not later"),
        (lambda: options.iv_rank(np.ones(3), np.array(["A", "B"])), "'symbol' has 2 rows"),
        (lambda: options.iv_rank(np.ones(3), flat=0.5, floor=0.1), "pass one"),
        (lambda: options.iv_rank(np.ones(3), scale=-1), "scale=-1"),
        (lambda: options.iv_rank(np.ones(3), high=np.ones(2)), "'high' has 2 rows"),
    ],
)
def test_what_was_asked_wrongly_is_refused_with_what_to_do(call: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        call()


CHAIN = {
    "symbol": np.array(["A", "A", "A", "A", "B", "B"]),
    "strike": np.array([100.0, 100.0, 102.0, 100.5, 50.0, 55.0]),
    "years": np.array([0.05, 0.05, 0.05, 0.15, 0.1, 0.1]),
    "iv": np.array([0.20, 0.22, 0.30, 0.26, 0.5, np.nan]),
}


def test_the_volatility_at_the_money_is_what_the_definition_says() -> None:
    spots = {"A": 100.2, "B": 54.0}
    nearest = pl.DataFrame(options.atm_iv(CHAIN, spots))
    assert nearest["symbol"].to_list() == ["A", "B"]
    assert nearest["iv"].to_list() == pytest.approx([0.21, 0.5])
    assert nearest["contracts"].to_list() == [4, 1]
    assert nearest["chain_rank"].to_list() == [pytest.approx(0.1), None]
    band = pl.DataFrame(options.atm_iv(CHAIN, spots, strikes="band", band=0.02))
    assert band["iv"].to_list() == [pytest.approx(0.24), None]
    constant = pl.DataFrame(options.atm_iv(CHAIN, spots, days=36.5))
    assert constant["iv"].to_list() == pytest.approx([math.sqrt((0.21**2 * 0.05 + 0.26**2 * 0.15) / 2 / 0.1), 0.5])
    late = [
        pl.DataFrame(options.atm_iv(CHAIN, spots, days=90, outside=outside))["iv"].to_list()
        for outside in (False, True)
    ]
    assert late == [[None, None], pytest.approx([0.26, 0.5])]
    for arguments, said in (
        ({"strikes": "delta"}, "strikes="),
        ({"days": 0}, "days=0"),
        ({"spot": 0.0}, "spot of A is 0"),
    ):
        with pytest.raises(OptionError, match=said):
            options.atm_iv(CHAIN, **{"spot": 1.0, **arguments})


def exuvia(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "exuvia", "iv-rank", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def history() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    days = pd.date_range("2025-01-01", periods=300).date
    frames = [pd.DataFrame({"symbol": s, "date": days, "iv": rng.integers(10, 70, 300) / 100}) for s in ("AA", "BB")]
    return pd.concat(frames).sample(frac=1, random_state=1)


def test_the_command_says_of_any_file_what_the_function_says(history: pd.DataFrame, tmp_path: Path) -> None:
    ordered = history.sort_values("date", kind="stable")
    columns = {name: ordered[name].to_numpy() for name in ("symbol", "iv")}
    wanted = pl.DataFrame(options.iv_rank(columns, window=100, include_today=False, clamp=True, last=True))
    table = pa.Table.from_pandas(history, preserve_index=False)
    history.to_csv(tmp_path / "a.csv", index=False)
    history.to_csv(tmp_path / "b.csv.gz", index=False)
    lake.write_parquet(tmp_path / "c.parquet", table)
    feather.write_feather(table, str(tmp_path / "d.arrow"))
    for name in ("a.csv", "b.csv.gz", "c.parquet", "d.arrow"):
        done = exuvia(tmp_path / name, "--window", "100", "--exclude-today", "--clamp", "--json")
        assert done.returncode == 0, done.stderr
        found = {row["symbol"]: row for row in json.loads(done.stdout)}
        for row in wanted.iter_rows(named=True):
            mine = found[row["symbol"]]
            assert {k: mine[k] for k in ("iv", "rank", "percentile", "low", "high", "count")} == {
                k: row[k] for k in ("iv", "rank", "percentile", "low", "high", "count")
            }, name
            assert mine["date"] == "2025-10-27"


def test_the_command_prints_a_table_and_takes_a_file_for_a_symbol(tmp_path: Path) -> None:
    for name, now in (("low", 11.0), ("high", 29.0)):
        rows = "".join(f"2026-01-{day:02},{10 + day}\n" for day in range(1, 21))
        (tmp_path / f"{name}.csv").write_text(f"DATE,CLOSE\n{rows}2026-01-21,{now}\n2026-01-22,\n")
    done = exuvia(tmp_path / "low.csv", tmp_path / "high.csv", "--column", "CLOSE", "--as-of", "2026-01-21")
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["symbol", "date", "iv", "rank", "pctile", "low", "high", "days"]
    assert [line.split()[:4] for line in lines] == [
        ["high", "2026-01-21", "29.0000", "94.74"],
        ["low", "2026-01-21", "11.0000", "0.00"],
    ]
    # The last row is empty: it has no rank, and says so with a dash.
    blank = exuvia(tmp_path / "low.csv", "--column", "CLOSE")
    assert blank.stdout.splitlines()[1].split()[2:5] == ["–", "–", "–"]
    assert json.loads(exuvia(tmp_path / "low.csv", "--column", "CLOSE", "--json").stdout)[0]["rank"] is None


def test_the_command_refuses_with_what_to_do(tmp_path: Path) -> None:
    good = tmp_path / "a.csv"
    good.write_text("date,iv\n2026-01-01,0.2\n")
    torn = tmp_path / "torn.csv"
    torn.write_text("date,iv\n2026-01-01\n")
    words = tmp_path / "words.csv"
    words.write_text("date,iv\n2026-01-01,high\n")
    other = tmp_path / "a.xlsx"
    other.write_text("")
    for arguments, said in (
        ((good, "--column", "vol"), "has no column 'vol' for --column: it has date, iv"),
        ((torn,), "has 1 fields in line 2, its header has 2"),
        ((words,), "has 'high' in row 0, no number"),
        ((other,), "is none of .csv"),
        ((tmp_path / "gone.csv",), "No such file"),
        ((good, "--as-of", "yesterday"), "--as-of has 'yesterday', no date"),
        ((good, "--window", "0"), "window=0"),
    ):
        done = exuvia(*arguments)
        assert (done.returncode, said in done.stderr) == (2, True), (arguments, done.stderr)
        assert "Traceback" not in done.stderr


def test_files_that_are_no_table_are_refused_by_name(tmp_path: Path) -> None:
    whole = gzip.compress(b"date,iv\n2026-01-01,0.2\n" * 50)
    for name, content, said in (
        ("empty.csv", b"", "has no column 'iv' for --column: it has none"),
        ("latin.csv", b"date,iv\n2026-01-01,0.2 \xe9\n", "is no CSV in UTF-8"),
        ("plain.csv.gz", b"date,iv\n", "is no CSV in UTF-8 (Not a gzipped file"),
        ("torn.csv.gz", whole[:-12], "is no CSV in UTF-8 (Compressed file ended"),
        ("harmed.csv.gz", whole[:12] + b"\xff\xff\xff" + whole[15:], "is no CSV in UTF-8"),
        ("huge.csv", b"date,iv\n" + b"9" * 200_000, "is no CSV in UTF-8 (field larger than field limit"),
    ):
        (tmp_path / name).write_bytes(content)
        done = exuvia(tmp_path / name)
        assert (done.returncode, said in done.stderr) == (2, True), (name, done.stderr)
        assert "Traceback" not in done.stderr


def ranked(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = main(["iv-rank", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_files_without_dates_keep_their_order_and_mix_with_none_that_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare, dated = tmp_path / "bare.csv", tmp_path / "dated.csv"
    bare.write_text("iv\n" + "".join(f"{30 - day}\n" for day in range(20)))
    dated.write_text("date,iv\n2026-01-01,0.2\n")
    code, said = ranked(capsys, bare)
    assert (code, said.splitlines()[1].split()[:4]) == (0, ["bare", "–", "11.0000", "0.00"])
    assert json.loads(ranked(capsys, bare, "--json")[1])[0]["date"] is None
    code, said = ranked(capsys, bare, dated)
    assert (code, "some files have dates and others have none" in said) == (2, True)
    code, said = ranked(capsys, bare, "--days", "30")
    assert (code, "--days needs dates" in said) == (2, True)


def test_no_row_before_the_day_asked_for_is_an_empty_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.csv"
    file.write_text("date,iv\n2026-01-01,0.2\n")
    code, said = ranked(capsys, file, "--as-of", "2025-12-31")
    assert (code, len(said.splitlines())) == (0, 1)
    assert ranked(capsys, file, "--as-of", "2025-12-31", "--json") == (0, "[]\n")


def test_stamps_are_days_instants_with_a_zone_or_nanoseconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = [0.2 + day / 100 for day in range(20)]
    first = pd.Timestamp("2026-01-01 23:30", tz="America/New_York")
    zoned = [first + pd.Timedelta(days=day) for day in range(20)]
    for name, stamps, last in (
        ("whole", [stamp.value for stamp in zoned], "2026-01-21"),
        ("zoned", zoned, "2026-01-21"),
        ("naive", [stamp.tz_localize(None) for stamp in zoned], "2026-01-20"),
        ("dates", [stamp.date() for stamp in zoned], "2026-01-20"),
    ):
        path = tmp_path / f"{name}.parquet"
        lake.write_parquet(path, pa.table({"TIMESTAMP": stamps, "iv": values}))
        code, said = ranked(capsys, path)
        assert (code, said.splitlines()[1].split()[:2]) == (0, [name, last]), name
    text = tmp_path / "text.csv"
    text.write_text(
        "".join(["when,iv\n", *(f"{stamp.isoformat()},{iv}\n" for stamp, iv in zip(zoned, values, strict=True))])
    )
    code, said = ranked(capsys, text, "--time", "when", "--high", "iv", "--low", "iv")
    assert (code, said.splitlines()[1].split()[:2]) == (0, ["text", "2026-01-21"])


def test_arrow_files_without_a_reader_are_refused_with_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.feather", None)
    code, said = ranked(capsys, tmp_path / "a.arrow")
    assert (code, "reading Arrow files needs pyarrow: pip install pyarrow" in said) == (2, True)
