"""What a killed writer, a full disk or another tool left in a dataset is told apart, named, and never counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dataset_rows import PLAIN, flushed, rows, segment, values
from exuvia import lake
from exuvia.errors import LakeError


def test_what_a_killed_writer_left_is_a_note_and_goes_with_the_next(tmp_path: Path) -> None:
    made = flushed(tmp_path / "d", (1, 2), (3,))
    path = segment(made)
    path.write_bytes(path.read_bytes() + b"half a frame")
    found = made.verify()
    assert found.problems == []
    ((file, what),) = found.notes
    assert file.endswith(path.name)
    assert "12 bytes behind byte" in what
    assert "were never committed: a writer was killed there" in what
    assert values(made.scan()) == [1.0, 2.0, 3.0]


def test_a_commit_of_which_rows_are_missing_does_not_count(tmp_path: Path) -> None:
    made = flushed(tmp_path / "d", (1, 2), (3,))
    path = segment(made)
    whole = path.read_bytes()
    at = whole.rindex(np.float64(3.0).tobytes())
    path.write_bytes(whole[:at] + bytes(8) + whole[at + 8 :])
    assert values(made.scan()) == [1.0, 2.0], "the last commit was not whole when the power went"
    first = whole.index(np.float64(2.0).tobytes())
    path.write_bytes(whole[:first] + bytes(8) + whole[first + 8 :])
    found = made.verify()
    assert [what for _, what in found.problems if "damaged" in what or "broken" in what or "checksum" in what]
    with pytest.raises(LakeError, match="damaged"):
        made.scan().table()


def test_a_damaged_head_and_a_segment_of_another_dataset_are_named(tmp_path: Path) -> None:
    made, other = flushed(tmp_path / "d", (1,), (2,), (3,)), flushed(tmp_path / "e", (1,))
    path = segment(made)
    whole = path.read_bytes()
    path.write_bytes(segment(other).read_bytes())
    with pytest.raises(LakeError, match="it belongs to dataset 'e'"):
        made.scan()
    path.write_bytes(bytes(64) + whole[64:])
    (problem,) = made.verify().problems
    assert problem[0].endswith(path.name)
    assert "at byte 0: " in problem[1]


def test_a_file_of_damaged_pages_is_named_when_it_is_read(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    with made.writer() as writer:
        writer.append(rows(*range(1000)))
        (sealed,) = writer.seal()
    path = Path(made.root, sealed.files[0])
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(byte ^ 0x5A for byte in whole[4:200]) + whole[200:])
    with pytest.raises(LakeError, match=sealed.files[0]):
        made.scan().table()


def tampered(path: Path, change: Any) -> None:
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def test_rows_in_the_wrong_order_of_the_wrong_day_or_too_few_are_found(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN, sort_by=["value"])
    with made.writer() as writer:
        writer.append(rows(3, 1, 2))
        writer.seal()
    declared, manifest = (Path(made.root, "_exuvia", name) for name in ("dataset.json", "days/2026-02-03.json"))
    before = manifest.read_text()

    def said() -> str:
        (problem,) = lake.open(made.root).verify().problems
        return problem[1]

    tampered(manifest, lambda told: told["files"][0].update(rows=4))
    assert said() == "it has 3 rows, and the manifest says 4"
    manifest.write_text(before)
    tampered(manifest, lambda told: told["files"][0].update(bytes=10**6))
    assert "bytes" in said()
    manifest.write_text(before)
    manifest.unlink()
    other = manifest.with_name("2026-02-04.json")
    other.write_text(before)
    tampered(other, lambda told: told.update(day=told["day"] + 1))
    assert said() == "it has rows of 2026-02-03 to 2026-02-03, and belongs to 2026-02-04"
    other.unlink()
    manifest.write_text(before)
    assert lake.open(made.root).verify().problems == []
    # The file ascends by value, and so by time; not by the symbol's other end.
    with lake.open(made.root).writer() as writer:
        writer.append(rows(5, symbol="0"))
        writer.seal()
        writer.compact()
    tampered(declared, lambda told: told.update(sort_by=["symbol", "ts"]))
    assert said() == "its rows are not in the declared order"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "one"}', '{"format": 1}'])
def test_a_declaration_or_manifest_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    made = flushed(tmp_path / "d", (1,))
    with made.writer() as writer:
        writer.seal()
    for name in ("days/2026-02-03.json", "dataset.json"):
        Path(made.root, "_exuvia", name).write_text(text)
        with pytest.raises(LakeError, match=name):
            lake.open(made.root).scan().table()


def test_a_file_of_another_tool_under_the_next_name_is_left_alone(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    taken = Path(made.root, "date=2026-02-03", "part-0000.parquet")
    taken.parent.mkdir()
    taken.write_bytes(b"legacy's")
    with made.writer() as writer:
        writer.append(rows(1))
        (sealed,) = writer.seal()
    assert sealed.files == ["date=2026-02-03/part-0001.parquet"]
    assert taken.read_bytes() == b"legacy's"


def test_a_damaged_mark_or_head_ends_what_counts(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    with made.writer() as writer:
        for number in (1, 2):
            writer.append(rows(number))
            writer.flush(f"mark {number}")
    path = segment(made)
    whole = path.read_bytes()
    at = whole.rindex(b"mark 2")
    path.write_bytes(whole[:at] + b"M" + whole[at + 1 :])
    assert (values(made.scan()), made.contents().mark) == ([1.0], "mark 1")
    at = whole.index(b'"dataset"')
    path.write_bytes(whole[:at] + b"'" + whole[at + 1 :])
    (problem,) = made.verify().problems
    assert "rows were committed behind it" in problem[1]


def test_a_broken_declaration_is_not_written_over(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    path = Path(made.root, "_exuvia", "dataset.json")
    path.write_text("{")
    with pytest.raises(LakeError, match="dataset.json"):
        lake.Dataset.create(tmp_path / "d", PLAIN)
    assert path.read_text() == "{"


FULL = """
import resource, signal, sys
import numpy as np
import pyarrow as pa
from exuvia import lake
from exuvia.errors import LakeError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
made = lake.open(sys.argv[1])
count = 400_000
stamps = pa.array(1_770_076_800 * 10**9 + np.arange(count), pa.timestamp("ns", "UTC"))
rows = pa.table({"symbol": ["A"] * count, "ts": stamps, "value": np.random.default_rng(1).random(count)})
with made.writer() as writer:
    writer.append(rows)
    writer.flush()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        writer.seal()
    except LakeError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert made.scan().table().num_rows == count
    print(writer.seal()[0].rows)
"""


def test_a_disk_that_fills_while_a_day_is_sealed_leaves_the_day_open(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    done = subprocess.run(
        [sys.executable, "-c", FULL, made.root], capture_output=True, text=True, timeout=60, check=True
    )
    assert "the disk is full or a size limit is reached" in done.stdout, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "400000"
    assert made.verify().problems == []
