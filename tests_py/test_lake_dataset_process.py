"""A dataset's writer as a process: a full disk, a fork, and the memory that it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from exuvia import lake

if TYPE_CHECKING:
    from collections.abc import Callable

FULL = """
import resource, signal, sys
import pyarrow as pa
from exuvia import lake
from exuvia.errors import LakeError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
made = lake.open(sys.argv[1])
stamp = pa.array([1_770_076_800 * 10**9] * 50_000, pa.timestamp("ns", "UTC"))
numbers = {name: [1.5] * 50_000 for name in ("bid", "ask", "bid_size", "ask_size")}
rows = pa.table({"symbol": ["A"] * 50_000, "ts": stamp, **numbers})
with made.writer() as writer:
    writer.append(rows.slice(0, 100))
    writer.flush("small")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        writer.append(rows)
        writer.flush("big")
    except LakeError as error:
        print(error)
    assert made.scan().table().num_rows == 100
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    writer.append(rows)
    print(writer.flush("big"))
"""


def test_a_full_disk_is_named_and_the_rows_can_be_appended_again(tmp_path: Path) -> None:
    """A file size limit stands for the disk."""
    made = lake.Dataset.create(tmp_path / "q", "quotes")
    done = subprocess.run(
        [sys.executable, "-c", FULL, made.root], capture_output=True, text=True, timeout=60, check=True
    )
    assert "the disk is full or a size limit is reached" in done.stdout, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "50000"
    assert made.scan().table().num_rows == 50_100
    with made.writer() as writer:
        writer.seal()
    assert made.verify().problems == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_write_into_its_parents_segment(tmp_path: Path) -> None:
    script = """
import os, sys
from exuvia import lake
from exuvia.errors import ForkError
made = lake.Dataset.create(sys.argv[1], "quotes")
writer = made.writer()
if (child := os.fork()) == 0:
    try:
        writer.flush("child")
    except ForkError:
        os._exit(7)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "q")], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["7"]


MEMORY = """
import sys
from arro3.core import Array, DataType, Table
import numpy as np
from exuvia import lake
million = 1_000_000
made = lake.Dataset.create(sys.argv[1], "trades")
schema = made.schema
names = np.array([f"SYM{n:03}" for n in range(500)], dtype=object)
def part(n):
    stamps = 1_770_076_800 * 10**9 + (np.arange(100_000) + n * 100_000) * 8_000
    columns = {
        "symbol": Array(list(names[np.arange(100_000) % 500]), DataType.string()),
        "ts": Array(stamps, DataType.int64()).cast(schema.field("ts").type),
        "price": Array(np.round(100 + np.sin(stamps / 1e11), 2)),
        "size": Array(np.ones(100_000)),
        "side": Array(["buy"] * 100_000, DataType.string()),
        "id": Array([None] * 100_000, DataType.string()),
    }
    return Table.from_pydict(columns)
with made.writer() as writer:
    for n in range(int(sys.argv[2])):
        writer.append(part(n))
        writer.flush()
    (sealed,) = writer.seal()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(sealed.rows, int(peak.split()[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.long
def test_ten_million_rows_are_written_in_bounded_memory(
    tmp_path: Path, proof: Callable[[str, int], None], long_seconds: float
) -> None:
    """In the daily run three millions: a multiple of what is in memory at once."""
    parts = 100 if long_seconds > 5 else 30
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "t"), str(parts)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    rows, peak = map(int, done.stdout.split())
    proof("rows of a day written and sealed", rows)
    proof("peak memory of the process that wrote them, MiB", peak)
    assert rows == parts * 100_000
    assert peak < 256, f"{peak} MiB"
