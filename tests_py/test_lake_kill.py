"""A killed writer: every committed row is found, no torn file is seen, a sweep leaves nothing behind."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from exuvia import _exuvia, lake
from exuvia.errors import LakeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")

HELD = """
import os, signal, sys
from exuvia import _exuvia
path, step, passes = sys.argv[1], sys.argv[2], int(sys.argv[3])
def hold():
    global passes
    if passes == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    passes -= 1
_exuvia._lake_write_held(path, b"new" * 1_000_000, step, hold)
"""

LOOP = """
import sys
from arro3.core import Array, DataType, Table
from exuvia import _exuvia, lake
from exuvia.errors import LakeError
folder, first = sys.argv[1], int(sys.argv[2])
number = first
while True:
    columns = {"number": [number] * 2_000, "row": range(2_000)}
    table = Table.from_pydict({name: Array(list(of), DataType.int64()) for name, of in columns.items()})
    lake.write_parquet(f"{folder}/date=2026-02-0{1 + number % 5}/part-{number % 20}.parquet", table)
    print(number, flush=True)
    number += 1
"""


def run_held(path: Path, step: str, passes: int = 0) -> int:
    command = [sys.executable, "-c", HELD, str(path), step, str(passes)]
    return subprocess.run(command, timeout=60, check=False).returncode


@pytest.mark.parametrize(
    ("step", "passes", "leftover"),
    [("create", 0, False), ("write", 0, True), ("write", 2, True), ("sync", 0, True), ("rename", 0, True)],
)
def test_a_writer_killed_before_the_rename_leaves_the_old_file(
    step: str, passes: int, leftover: bool, tmp_path: Path
) -> None:
    path = tmp_path / "x.parquet"
    rows = lake.decode_bars(lake.encode_bars([]))
    lake.write_parquet(path, rows)
    before = path.read_bytes()
    assert run_held(path, step, passes) == -signal.SIGKILL
    assert path.read_bytes() == before
    left = [file for file in tmp_path.iterdir() if file != path]
    assert len(left) == leftover
    assert lake.read_parquet(path) == rows
    lake.write_atomic(path, b"next writer")
    assert lake.sweep(tmp_path) == [str(file) for file in left]
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"next writer"


def test_a_writer_killed_after_the_rename_leaves_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    lake.write_atomic(path, b"old")
    assert run_held(path, "sync_dir") == -signal.SIGKILL
    assert path.read_bytes() == b"new" * 1_000_000
    assert lake.sweep(tmp_path) == []


def test_the_seam_alone_kills_nothing(tmp_path: Path) -> None:
    assert run_held(tmp_path / "x", "rename", passes=1) == 0
    assert (tmp_path / "x").read_bytes() == b"new" * 1_000_000


def name_of(number: int) -> str:
    """Where the looping writer puts its table of this number."""
    return f"date=2026-02-0{1 + number % 5}/part-{number % 20}.parquet"


@pytest.mark.long
def test_a_writer_killed_at_any_moment_loses_no_committed_row(
    tmp_path: Path, long_seconds: float, proof: Callable[[str, int], None]
) -> None:
    dice = random.Random(20260203)
    committed: dict[str, int] = {}
    number, kills, swept = 0, 0, 0
    end = time.monotonic() + long_seconds
    while kills < 5 or time.monotonic() < end:
        command = [sys.executable, "-c", LOOP, str(tmp_path), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline()]
            time.sleep(dice.uniform(0, 0.05))
            writer.kill()
            said.extend(writer.stdout.readlines())
        kills += 1
        for line in said:
            if line.endswith("\n"):  # The kill may have cut the last one.
                committed[name_of(int(line))] = int(line)
                number = int(line) + 1
        # The table that was on its way may be there already, whole, and nobody was told.
        if (tmp_path / name_of(number)).exists() and number_in(tmp_path / name_of(number)) == number:
            committed[name_of(number)] = number
        number += 1
        assert {name: number_in(tmp_path / name) for name in committed} == committed
        assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet")} == set(committed)
        swept += len(lake.sweep(tmp_path))
        assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.suffix != ".parquet"]
    proof("lake writers killed", kills)
    proof("files that they had written", number)
    proof("temporary files swept", swept)
    assert number > kills


def number_in(path: Path) -> int:
    """The number of the table in a file, after every row of it was looked at."""
    table = lake.read_parquet(path)
    (number,) = set(table.column("number").to_pylist())
    assert table.column("row").to_pylist() == list(range(2_000)), path
    return int(number)


def test_a_full_disk_is_named_and_keeps_the_old_file(tmp_path: Path) -> None:
    """A file size limit stands for the disk: the system refuses the write in the middle."""
    path = tmp_path / "x"
    lake.write_atomic(path, b"old")
    script = """
import resource, signal, sys
from exuvia import _exuvia, lake
from exuvia.errors import LakeError
from exuvia.errors import LakeError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    lake.write_atomic(sys.argv[1], b"new" * 1_000_000)
except LakeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "the disk is full or a size limit is reached" in done.stdout, done.stdout + done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path], "the temporary file is gone"


@pytest.mark.parametrize("step", ["create", "write", "sync", "rename"])
def test_what_is_raised_while_a_file_is_written_leaves_the_old_one_and_no_other(step: str, tmp_path: Path) -> None:
    def breaks() -> None:
        raise RuntimeError("the cable came out")

    path = tmp_path / "x.parquet"
    lake.write_atomic(path, b"old")
    with pytest.raises(LakeError, match=r"cannot \w+ \S*x\.parquet.*: RuntimeError: the cable came out"):
        _exuvia._lake_write_held(path, b"new", step, breaks)
    assert [(left.name, left.read_bytes()) for left in tmp_path.iterdir()] == [("x.parquet", b"old")]
    _exuvia._lake_write_held(path, b"new", step, list)
    assert path.read_bytes() == b"new"
