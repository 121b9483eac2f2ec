"""A dataset whose writer is killed again and again: no committed row is lost or doubled, no reader sees a half state.

`EXUVIA_KILLS` says how many kills, 30 without it and 1,000 in the long run; `EXUVIA_SEED` at which moments.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exuvia import lake

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")

KILLS = int(os.environ.get("EXUVIA_KILLS", "30"))
SEED = int(os.environ.get("EXUVIA_SEED", "20260203"))
SCHEMA = pa.schema(
    [
        pa.field("symbol", pa.string(), False),
        pa.field("ts", pa.timestamp("ns", "UTC"), False),
        pa.field("number", pa.int64(), False),
    ]
)
FRESH = 60
"""After so many kills another dataset is begun, so that looking at all rows stays quick."""

WRITER = """
import random, sys
from arro3.core import Array, DataType, Table
from exuvia import lake
made = lake.open(sys.argv[1])
dice = random.Random(int(sys.argv[2]))
stamp = made.schema.field("ts").type
def rows(first, count):
    numbers = range(first, first + count)
    # Each row a minute after the one before: a day has 1,440, and many a flush spans midnight.
    stamps = Array([1_770_076_800 * 10**9 + n * 60 * 10**9 for n in numbers], DataType.int64())
    names = Array([f"S{n % 13}" for n in numbers], DataType.string())
    numbers = Array(list(numbers), DataType.int64())
    return Table.from_pydict({"symbol": names, "ts": stamps.cast(stamp), "number": numbers})
with made.writer() as writer:
    print("began", writer.mark or 0, flush=True)
    number = int(writer.mark or 0)
    while True:
        for _ in range(dice.randint(1, 3)):
            count = dice.randint(1, 400)
            writer.append(rows(number, count))
            number += count
        writer.flush(mark=str(number))
        print("flushed", number, flush=True)
        deed = dice.random()
        if deed < 0.4:
            writer.seal()
        elif deed < 0.45:
            days = [day.day for day in made.contents().days]
            writer.seal(dice.choice(days))
        elif deed < 0.6:
            writer.compact()
"""


def numbers(dataset: lake.Dataset) -> np.ndarray:
    """The numbers of all rows, sorted."""
    found = pa.table(dataset.scan(["number"]))["number"].to_numpy()
    return np.sort(found)


def assert_whole(found: np.ndarray, committed: int) -> int:
    """Rows 0, 1, 2 … each once, and at least the committed ones; returns how many."""
    assert len(found) >= committed, f"{committed - len(found)} committed rows are lost"
    assert np.array_equal(found, np.arange(len(found))), "a row is missing or there twice"
    return len(found)


class Reader(threading.Thread):
    """Scans without pause and looks whether what it sees was ever true."""

    def __init__(self, dataset: lake.Dataset) -> None:
        super().__init__()
        self.dataset = dataset
        self.ended = threading.Event()
        self.scans = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        last = 0
        try:
            while not self.ended.is_set():
                seen = assert_whole(numbers(self.dataset), last)
                # Rows come in whole flushes and never go.
                last = seen
                self.scans += 1
        except BaseException as error:
            self.error = error

    def end(self) -> int:
        self.ended.set()
        self.join(60)
        if self.error is not None:
            raise self.error
        return self.scans


def one_life(dataset: lake.Dataset, seed: int, dice: random.Random) -> tuple[int, int]:
    """Starts a writer, kills it after a while, and returns the first and the last number that it spoke of."""
    command = [sys.executable, "-c", WRITER, dataset.root, str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        said = []
        if dice.random() < 0.7:
            said.append(writer.stdout.readline())
            time.sleep(dice.uniform(0, 0.2))
        else:
            # While it starts, and finishes what the one before it had begun.
            time.sleep(dice.uniform(0.05, 0.2))
        writer.kill()
        said.extend(writer.stdout.readlines())
        assert writer.stderr.read() == ""
    # The kill may have cut the last line.
    marks = [int(line.split()[1]) for line in said if line.endswith("\n")]
    return (marks[0], marks[-1]) if marks else (-1, -1)


LAYOUTS = pytest.mark.parametrize(
    "path",
    [
        pytest.param("date={date}/bucket={bucket}/part-{part}.parquet", id="parts"),
        pytest.param("{yyyymmdd}/{bucket}.parquet", id="merged"),
    ],
)


@LAYOUTS
def test_a_writer_killed_at_any_moment_loses_and_doubles_no_committed_row(
    tmp_path: Path, path: str, proof: Callable[[str, int], None]
) -> None:
    killed_again_and_again(tmp_path, path, proof, KILLS // 2)


@pytest.mark.long
@LAYOUTS
def test_a_thousand_kills_lose_and_double_no_committed_row(
    tmp_path: Path, path: str, proof: Callable[[str, int], None], long_seconds: float
) -> None:
    killed_again_and_again(tmp_path, path, proof, 500 if long_seconds > 5 else 10)


def killed_again_and_again(tmp_path: Path, path: str, proof: Callable[[str, int], None], wanted: int) -> None:
    dice = random.Random(SEED)
    kills = scans = rows = told = files = 0
    for begin in range(0, wanted, FRESH):
        dataset = lake.Dataset.create(
            tmp_path / f"d{begin}", SCHEMA, name="d", buckets=2, path=path, row_group_rows=500
        )
        reader = Reader(dataset)
        reader.start()
        committed = 0
        try:
            for _ in range(min(FRESH, wanted - begin)):
                first, last = one_life(dataset, SEED + kills, dice)
                # The new writer goes on where the killed one had stopped, be it told of or not.
                assert first == -1 or first >= committed
                committed = max(committed, last)
                told += last > first
                committed = assert_whole(numbers(dataset), committed)
                for file in Path(dataset.root).rglob("*.parquet"):
                    pq.ParquetFile(file).close()
                    files += 1
                kills += 1
        finally:
            scans += reader.end()
        with dataset.writer() as writer:
            assert int(writer.mark or 0) == committed
            writer.seal()
        rows += assert_whole(numbers(dataset), committed)
        verified = dataset.verify()
        assert verified.problems == []
        there = {file.relative_to(dataset.root).as_posix() for file in Path(dataset.root).rglob("*.parquet")}
        assert there == {file.path for day in dataset.contents().days for file in day.files}
        assert not list(Path(dataset.root).rglob("*.tmp"))
    proof("writers of datasets killed", kills)
    proof("rows that they had committed", rows)
    proof("scans while they were killed", scans)
    assert kills == wanted
    assert told > kills // 3, "the kills came before anything was done"
    assert scans > kills // 4
    assert files > 0 or wanted < 50
