"""`exuvia lake` and `exuvia parity lake`: what they print, and with which code they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exuvia import lake
from exuvia.errors import LakeOptionError
from exuvia.migrate.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

START = 1_770_076_800 * 10**9
STAMP = pa.timestamp("ns", "UTC")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def go(*words: object) -> tuple[int, str]:
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return go


def trades(*numbers: int, price: float = 1.0) -> pa.Table:
    count = len(numbers)
    columns = {
        "symbol": [f"S{n % 3}" for n in numbers],
        "ts": pa.array([START + n * 10**9 for n in numbers], STAMP),
        "price": [price] * count,
        "size": [1.0] * count,
        "side": ["buy"] * count,
        "id": pa.array([str(n) for n in numbers]),
    }
    return pa.table(columns)


@pytest.fixture
def dataset(tmp_path: Path) -> lake.Dataset:
    made = lake.Dataset.create(tmp_path / "trades", "trades")
    with made.writer() as writer:
        for numbers in (range(10), range(10, 20)):
            writer.append(trades(*numbers))
            writer.seal()
        writer.append(trades(90_000))
        writer.flush("page 3")
    return made


def test_ls_shows_days_and_what_is_open(dataset: lake.Dataset, run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("lake", "ls", dataset.root, "--files")
    assert code == 0
    assert "2026-02-03" in said
    assert "part-0001.parquet: 10 rows" in said
    assert "mark page 3" in said
    code, said = run("lake", "ls", dataset.root, "--json")
    told = json.loads(said)
    assert [(day["day"], day["open_rows"], len(day["files"])) for day in told["days"]] == [
        ("2026-02-03", 0, 2),
        ("2026-02-04", 1, 0),
    ]
    assert told["versions"][0]["changes"] == []


def test_verify_ends_with_one_if_a_byte_is_wrong(dataset: lake.Dataset, run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("lake", "verify", dataset.root)
    assert (code, said.split()[0]) == (0, "PASS"), said
    path = Path(dataset.root, dataset.contents().days[0].files[1].path)
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    code, said = run("lake", "verify", dataset.root, "--json")
    told = json.loads(said)
    assert (code, told["verdict"], len(told["problems"])) == (1, "FAIL", 1)
    assert told["problems"][0]["file"].endswith("part-0001.parquet")


def test_compact_and_seal_say_what_they_did(dataset: lake.Dataset, run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("lake", "compact", dataset.root)
    assert code == 0
    assert said.startswith("2026-02-03: 2 files to 1, ")
    assert run("lake", "compact", dataset.root) == (0, "nothing to do\n")
    code, said = run("lake", "seal", dataset.root, "--json")
    assert [of["day"] for of in json.loads(said)] == ["2026-02-04"]
    assert run("lake", "seal", dataset.root) == (0, "no open rows\n")
    assert dataset.scan().table().num_rows == 21


def test_text_and_json_say_the_same_of_each_deed(dataset: lake.Dataset, run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("lake", "seal", dataset.root, "--before", "2026-02-04")
    assert (code, said) == (0, "no open rows\n"), "the day that runs stays open"
    code, said = run("lake", "seal", dataset.root, "--day", "2026-02-04")
    assert (code, said.split(",")[0]) == (0, "2026-02-04: 1 rows into 1 files")
    code, said = run("lake", "compact", dataset.root, "--day", "2026-02-03", "--json")
    assert [(of["day"], of["before"], len(of["files"])) for of in json.loads(said)] == [("2026-02-03", 2, 1)]
    told = json.loads(run("lake", "verify", dataset.root, "--json")[1])
    assert (told["verdict"], told["problems"], told["rows"]) == ("PASS", [], 21)


def test_ls_says_that_nothing_is_there_and_what_a_schema_became(
    tmp_path: Path, run: Callable[..., tuple[int, str]]
) -> None:
    fresh = lake.Dataset.create(tmp_path / "fresh", "trades")
    assert run("lake", "ls", fresh.root)[1].splitlines()[1:] == ["no rows yet"]
    with fresh.writer() as writer:
        writer.evolve(pa.schema([*pa.schema(fresh.schema), pa.field("venue", pa.string())]))
    said = run("lake", "ls", fresh.root)[1].splitlines()
    assert said[-1].startswith("version 2: ")
    assert "venue" in said[-1]


def test_verify_names_the_file_and_what_is_no_fault(dataset: lake.Dataset, run: Callable[..., tuple[int, str]]) -> None:
    (segment,) = Path(dataset.root, "_exuvia", "open").glob("*.seg")
    segment.write_bytes(segment.read_bytes() + b"torn")
    said = run("lake", "verify", dataset.root)[1].splitlines()
    assert (said[0].split()[0], said[-1].split()[0]) == ("note:", "PASS")
    path = dataset.contents().days[0].files[0].path
    Path(dataset.root, path).unlink()
    code, said = run("lake", "verify", dataset.root)
    assert code == 1
    assert any(line.startswith(f"{path}: ") for line in said.splitlines()), said
    assert said.splitlines()[-1].startswith("FAIL  1 problems; ")


def test_what_is_no_dataset_or_held_ends_with_two(
    dataset: lake.Dataset, run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    code, said = run("lake", "ls", tmp_path)
    assert code == 2
    assert "is not a dataset" in said
    with dataset.writer("the collector"):
        code, said = run("lake", "compact", dataset.root)
    assert code == 2
    assert "has a writer already: the collector" in said


@pytest.fixture
def archives(tmp_path: Path) -> tuple[Path, Path]:
    """Legacy: a file a day, microseconds, rows as they came. Ours: a dataset with parts."""
    legacy = tmp_path / "legacy"
    legacy.mkdir()
    rows = trades(*range(19, -1, -1))
    pq.write_table(rows.set_column(1, "ts", rows["ts"].cast(pa.timestamp("us", "UTC"))), legacy / "20260203.parquet")
    pq.write_table(trades(90_000), legacy / "20260204.parquet")
    ours = lake.Dataset.create(tmp_path / "ours", "trades", path="{yyyymmdd}.parquet")
    with ours.writer() as writer:
        writer.append(trades(*range(20), 90_000))
        writer.seal()
    return legacy, Path(ours.root)


def test_equal_archives_pass_whatever_their_order(
    archives: tuple[Path, Path], run: Callable[..., tuple[int, str]]
) -> None:
    code, said = run("parity", "lake", *archives, "--key", "symbol,ts", "--json")
    told = json.loads(said)
    # What the types are is said; it is a difference, because a reader would notice.
    assert (code, told["verdict"], told["matched"]) == (1, "FAIL", 21)
    assert [text.split(":")[0] for text in told["schema"]] == ["$.schema.ts"]
    assert "$.schema.price: Float64 and Float64 not null" in told["notes"]
    assert all(column["differ"] == 0 for column in told["columns"].values())
    assert run("parity", "lake", archives[1], archives[1], "--key", "symbol,ts")[0] == 0


def both(tmp_path: Path, left: pa.Table, right: pa.Table) -> tuple[str, str]:
    for side, table in (("a", left), ("b", right)):
        lake.write_parquet(tmp_path / side / "date=2026-02-03" / f"{side}.parquet", table)
    return str(tmp_path / "a"), str(tmp_path / "b")


def test_columns_are_compared_by_rule_and_keys_named(tmp_path: Path, run: Callable[..., tuple[int, str]]) -> None:
    sides = both(tmp_path, trades(1, 2, 3), trades(2, 3, 4, price=1.004))
    code, said = run("parity", "lake", *sides, "--key", "id")
    assert code == 1
    assert "column price: 2 of 2 rows differ by exact; the first is 2: 1.0 and 1.004" in said
    assert "1 rows are only on the left, and 0 may be: 1" in said
    rules = ["--column", "price=abs:0.01", "--rows", "1"]
    code, said = run("parity", "lake", *sides, "--key", "id", *rules)
    assert (code, said.split()[0]) == (0, "PASS"), said
    assert run("parity", "lake", *sides, "--key", "id", "--column", "price")[0] == 2
    assert run("parity", "lake", *sides, "--key", "id", "--column", "prize=exact")[0] == 2
    assert run("parity", "lake", *sides, "--key", "uid")[0] == 2


def test_rows_that_moved_between_regimes_are_counted(tmp_path: Path, run: Callable[..., tuple[int, str]]) -> None:
    def regimes(*names: str) -> pa.Table:
        return pa.table({"symbol": [f"S{n}" for n in range(len(names))], "regime": list(names)})

    sides = both(tmp_path, regimes("long", "long", "short", "flat"), regimes("long", "short", "long", "flat"))
    found = lake.parity(*sides, key=["symbol"], regime="regime", moved=1)
    # The counts are the same; two symbols have changed places all the same.
    assert found.regimes == {"flat": (1, 1), "long": (2, 2), "short": (1, 1)}
    assert found.moved == ["S1: long and short", "S2: short and long"]
    assert found.reasons == ["2 rows are in another regime, and 1 may be: S1: long and short, S2: short and long"]
    code, _ = run("parity", "lake", *sides, "--key", "symbol", "--regime", "regime", "--moved", "2")
    assert code == 0
    with pytest.raises(LakeOptionError, match="no file has a column 'gex'"):
        lake.parity(*sides, key=["symbol"], regime="gex")


def test_nothing_to_compare_is_inconclusive(tmp_path: Path, run: Callable[..., tuple[int, str]]) -> None:
    for side in ("a", "b"):
        (tmp_path / side).mkdir()
    code, said = run("parity", "lake", tmp_path / "a", tmp_path / "b", "--key", "id")
    assert (code, said.split()[0]) == (3, "INCONCLUSIVE")
    assert run("parity", "lake", tmp_path / "a", tmp_path / "none", "--key", "id")[0] == 2


def test_files_and_rows_may_differ_by_as_much_as_was_declared(tmp_path: Path) -> None:
    sides = both(tmp_path, trades(*range(10)), trades(*range(10)))
    lake.write_parquet(Path(sides[1], "date=2026-02-03", "late.parquet"), trades(10, 11))
    strict: Any = lake.parity(*sides, key=["id"])
    assert strict.verdict == "FAIL"
    assert strict.reasons[0] == "1 files and 2: more than 0 apart"
    assert lake.parity(*sides, key=["id"], files=1, rows=5).verdict == "PASS"


def test_parity_shows_regimes_rules_and_keys_of_the_right_side(
    tmp_path: Path, run: Callable[..., tuple[int, str]]
) -> None:
    left = pa.table({"symbol": ["A", "B"], "regime": ["long", "short"], "gex": [1.0, 2.0]})
    right = pa.table({"symbol": ["A", "B", "C"], "regime": ["long", "long", "flat"], "gex": [1.0, 2.5, 3.0]})
    sides = both(tmp_path, left, right)
    words = ["--key", "symbol", "--regime", "regime", "--column", "gex=ignore", "--rows", "1", "--moved", "1"]
    code, said = run("parity", "lake", *sides, *words)
    assert code == 0, said
    lines = [line.split() for line in said.splitlines()]
    assert ["regime", "short", "1", "0"] in lines
    assert ["regime", "long", "1", "2"] in lines
    code, said = run("parity", "lake", *sides, "--key", "symbol", "--regime", "regime", "--moved", "1")
    assert code == 1
    assert "1 rows are only on the right, and 0 may be: C" in said
    assert ["gex", "exact", "1", "of", "2", "differ"] in [line.split() for line in said.splitlines()]


def test_files_without_a_day_in_their_names_are_matched_by_name(tmp_path: Path) -> None:
    for side in ("a", "b"):
        lake.write_parquet(tmp_path / side / "spring.parquet", trades(1, 2))
        lake.write_parquet(tmp_path / side / "autumn.parquet", trades(3))
    assert lake.parity(tmp_path / "a", tmp_path / "b", key=["id"]).matched == 3
    (tmp_path / "b" / "autumn.parquet").rename(tmp_path / "b" / "winter.parquet")
    found = lake.parity(tmp_path / "a", tmp_path / "b", key=["id"])
    assert (found.only_left, found.only_right, found.matched) == (["autumn.parquet"], ["winter.parquet"], 2)
