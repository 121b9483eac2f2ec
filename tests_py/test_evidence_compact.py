"""Compaction: everything is in the tables, any reader opens them, doing it again or being killed changes nothing."""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import segments
from exuvia.errors import MigrateError
from exuvia.migrate.cli.main import main
from exuvia.migrate.evidence import chain, compact, members, quota, reading
from exuvia.migrate.evidence.segment import Segment

UNIT = "bot:price"
HEADER = {"fingerprints": {UNIT: "f1"}, "sources": {UNIT: {}}, "rehearsal": False}
TODAY = datetime.now(UTC).strftime("%Y-%m-%d")
NOBODY = 2**22 + 1


def encoded(value: Any) -> str:
    return base64.b64encode(pickle.dumps(value)).decode()


def written(folder: Path, calls: int = 5, *, end: bool = True) -> Segment:
    """A process that compared calls, of which one differed and one was recorded."""
    segment = Segment(folder, HEADER)
    segment.write({"kind": "mismatch", "unit": UNIT, "path": "$[0]", "place": "$[*]", "legacy": "1", "candidate": "2",
                   "difference": "value", "rule": "exact", "total": 1, "call": "", "stratum": "Buy"})  # fmt: skip
    segment.write({"kind": "call", "unit": UNIT, "call": "", "signature": 2**62, "arguments": encoded(((1,), {})),
                   "outcome": encoded((2, None))})  # fmt: skip
    session = {"first": 1_700_000_000_000_000_000, "last": 1_700_000_100_000_000_000, "minutes": [[3, 5], [9, 9]],
               "hours": {}, "calls": calls, "compared": calls, "differed": 1, "missed": 0}  # fmt: skip
    counters = {"mode": "shadow", "compared": calls, "differed": 1, "legacy_calls": calls, "sessions": {TODAY: session}}
    segment.counters({UNIT: counters}, sync=True)
    if end:
        segment.counters({UNIT: counters}, ended=True)
        segment.close()
    return segment


def tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of all compacted days, as pyarrow reads them."""
    parquet = pytest.importorskip("pyarrow.parquet")
    found: dict[str, list[dict[str, Any]]] = {}
    for table in compact.TABLES:
        found[table] = []
        for path in sorted(folder.glob(f"date=*/{table}-*.parquet")):
            found[table] += parquet.ParquetFile(path).read().to_pylist()
    return found


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_line_is_in_a_table(tmp_path: Path) -> None:
    written(tmp_path)
    [done] = compact.compact(tmp_path)
    assert (done.day, done.left, done.rows) == (TODAY, {}, {"mismatches": 1, "calls": 1, "counters": 1, "sessions": 1})
    found = tables(tmp_path)
    [mismatch], [call], [counted], [session] = (found[table] for table in compact.TABLES)
    assert (mismatch["unit"], mismatch["legacy"], mismatch["candidate"], mismatch["stratum"]) == (UNIT, "1", "2", "Buy")
    assert (mismatch["fingerprint"], mismatch["pid"], mismatch["rehearsal"]) == ("f1", os.getpid(), False)
    assert pickle.loads(call["arguments"]) == ((1,), {})
    assert (call["signature"], counted["compared"], counted["mode"]) == (2**62, 5, "shadow")
    assert (session["active_minutes"], session["minutes"], session["day"]) == (4, "[[3, 5], [9, 9]]", TODAY)
    assert session["first"].year == 2023


def test_duckdb_reads_the_days_as_partitions(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    written(tmp_path, 5)
    written(tmp_path, 7)
    compact.compact(tmp_path)
    query = "select date, sum(compared), count(*) from read_parquet(?) group by 1"
    files = f"{tmp_path}/date=*/counters-*.parquet"
    [(day, compared, rows)] = duckdb.connect(":memory:").execute(query, [files]).fetchall()
    assert (str(day), compared, rows) == (TODAY, 12, 2)


def test_doing_it_again_changes_nothing_and_later_segments_make_a_new_part(tmp_path: Path) -> None:
    written(tmp_path)
    compact.compact(tmp_path)
    before = content(tmp_path)
    [again] = compact.compact(tmp_path)
    assert (again.segments, again.files) == ([], [])
    assert content(tmp_path) == before
    written(tmp_path, 9)
    [later] = compact.compact(tmp_path, TODAY)
    assert len(later.segments) == 1
    after = content(tmp_path)
    grows = {f"date={TODAY}/{chain.HEAD_FILE}", members.FILE}
    assert {name: data for name, data in after.items() if name in before and name not in grows} == {
        name: data for name, data in before.items() if name not in grows
    }
    assert sorted(row["compared"] for row in tables(tmp_path)["counters"]) == [5, 9]


def test_what_is_still_written_is_left_and_what_was_killed_is_taken_with_its_gap(tmp_path: Path) -> None:
    alive = written(tmp_path, end=False)
    killed = written(tmp_path, 8, end=False)
    assert killed.path is not None
    assert alive.path is not None
    segments.rewrite(killed.path, lambda line: {**line, "pid": NOBODY} if line["kind"] == "header" else line)
    [done] = compact.compact(tmp_path)
    assert done.segments == [killed.path.name]
    assert list(done.left) == [alive.path.name]
    assert "still writes it" in done.left[alive.path.name]
    heads = reading.heads(tmp_path)
    assert len(heads) == 2, "what was killed is linked when it is compacted"
    alive.close()
    killed.close()


def test_a_removed_segment_counts_as_before_and_a_recorded_gap_stays_one(tmp_path: Path) -> None:
    written(tmp_path)
    gone = written(tmp_path, 8, end=False)
    assert gone.path is not None
    segments.rewrite(gone.path, lambda line: {**line, "pid": NOBODY} if line["kind"] == "header" else line)
    compact.compact(tmp_path)
    before = reading.read_folder(tmp_path)
    heads = reading.heads(tmp_path)
    quota.make_room(tmp_path, 1)
    assert segments.files(tmp_path) == []
    after = reading.read_folder(tmp_path)
    assert [each.counters for each in after] == [each.counters for each in before]
    assert [each.sessions for each in after] == [each.sessions for each in before]
    assert [each.mismatches for each in after] == [each.mismatches for each in before]
    assert [[t.what for t in each.troubles] for each in after] == [[], ["killed"]]
    assert reading.heads(tmp_path) == heads
    gone.close()


def test_trouble_belongs_to_its_unit_also_after_its_day_was_compacted(tmp_path: Path) -> None:
    segment = written(tmp_path, end=False)
    segment.write({"kind": "trouble", "unit": UNIT, "what": f"{UNIT}: shadow off: quarantined: it died"})
    segment.write({"kind": "trouble", "what": "clock", "text": "it jumped"})
    segment.counters({}, ended=True)
    segment.close()
    before = [(t.what, t.unit) for each in reading.read_folder(tmp_path) for t in each.troubles]
    assert before == [("quarantined", UNIT), ("clock", "")]
    compact.compact(tmp_path)
    quota.make_room(tmp_path, 1)
    assert segments.files(tmp_path) == []
    assert [(t.what, t.unit) for each in reading.read_folder(tmp_path) for t in each.troubles] == before


def test_a_head_file_that_was_changed_is_seen_and_nothing_is_compacted_over_it(tmp_path: Path) -> None:
    written(tmp_path)
    compact.compact(tmp_path)
    quota.make_room(tmp_path, 1)
    head = tmp_path / f"date={TODAY}" / chain.HEAD_FILE
    head.write_text(head.read_text().replace('"differed":1', '"differed":0'))
    [found] = reading.read_folder(tmp_path)
    assert [trouble.what for trouble in found.troubles] == ["changed"]
    written(tmp_path)
    with pytest.raises(MigrateError, match="changed after it was written"):
        compact.compact(tmp_path)


def test_a_newer_head_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    place = tmp_path / f"date={TODAY}"
    place.mkdir()
    day: dict[str, Any] = {"format": chain.HEAD_FORMAT + 1, "segments": []}
    (place / chain.HEAD_FILE).write_text(json.dumps({**day, "digest": chain.digest_of(day)}))
    assert "newer exuvia" in str(reading.read_folder(tmp_path)[0].trouble)


KILLED = """
import os, signal, sys
from pathlib import Path
from exuvia import _exuvia
from exuvia.migrate.evidence import compact
real, left = _exuvia.lake_write_atomic, int(sys.argv[2])
def write(path, data, private):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    real(path, data, private)
_exuvia.lake_write_atomic = write
compact.compact(Path(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("step", range(5))
def test_a_kill_before_any_file_leaves_a_folder_that_the_next_run_completes(tmp_path: Path, step: int) -> None:
    written(tmp_path)
    written(tmp_path, 7)
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(step)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert chain.compacted(tmp_path) == [], "the head file comes last"
    assert sum(len(each.mismatches) for each in reading.read_folder(tmp_path)) == 2
    compact.compact(tmp_path)
    assert {table: len(rows) for table, rows in tables(tmp_path).items()} == dict.fromkeys(compact.TABLES, 2)
    assert not list(tmp_path.rglob("*.tmp"))


def test_two_compactions_at_once_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    written(tmp_path)
    with compact._alone(tmp_path), pytest.raises(MigrateError, match="another compaction"):
        compact.compact(tmp_path)
    assert compact.compact(tmp_path)[0].segments


def test_a_bad_day_and_a_missing_folder_are_errors_that_say_so(tmp_path: Path) -> None:
    with pytest.raises(MigrateError, match="write YYYY-MM-DD"):
        compact.compact(tmp_path, "yesterday")
    with pytest.raises(FileNotFoundError):
        compact.compact(tmp_path / "nowhere")


def test_segments_that_cannot_be_read_are_left_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "1-desk-1-0.seg").write_bytes(segments.framed({"kind": "header", "format": 99}))
    (tmp_path / "2-desk-1-0.seg").write_bytes(b"")
    (tmp_path / "x-desk-1-0.seg").write_bytes(b"scribble")
    [done] = compact.compact(tmp_path)
    assert done.day == "1970-01-01"
    assert [why.partition(" ")[0] for why in done.left.values()] == ["1-desk-1-0.seg", "it", "it"]
    assert not list(tmp_path.glob("date=*"))


def test_the_command_prints_the_days_and_the_head(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "exuvia.toml"
    config.write_text('[exuvia]\nevidence = "evidence/"\n')
    config.chmod(0o600)
    evidence = tmp_path / "evidence"
    given = ["compact", "--config", str(config)]
    assert main(given) == 0
    assert "no segments" in capsys.readouterr().out
    written(evidence)
    alive = written(evidence, end=False)
    assert main([*given, "--json", "--day", TODAY]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["head"] == reading.head(evidence)
    assert (said["days"][0]["rows"]["mismatches"], len(said["days"][0]["left"])) == (1, 1)
    assert main(given) == 0
    assert "nothing new" in capsys.readouterr().out
    assert main([*given, "--day", "x"]) == 2
    assert "write YYYY-MM-DD" in capsys.readouterr().err
    alive.close()


def test_lost_tables_do_not_hide_what_the_head_file_says(tmp_path: Path) -> None:
    written(tmp_path)
    compact.compact(tmp_path)
    quota.make_room(tmp_path, 1)
    for path in tmp_path.glob("date=*/*.parquet"):
        path.unlink()
    [found] = reading.read_folder(tmp_path)
    assert found.counters[UNIT]["differed"] == 1
    shutil.rmtree(tmp_path / f"date={TODAY}")
    [gone] = reading.read_folder(tmp_path)
    assert [(trouble.what, gone.header) for trouble in gone.troubles] == [("missing", {})], "and a lost day is missed"


# --- spawn ---


def spawned(folder: str) -> None:
    written(Path(folder), 3)


def test_a_spawned_child_writes_a_file_of_its_own(tmp_path: Path) -> None:
    child = multiprocessing.get_context("spawn").Process(target=spawned, args=(str(tmp_path),))
    child.start()
    written(tmp_path, 4)
    child.join(60)
    assert child.exitcode == 0
    found = reading.read_folder(tmp_path)
    assert {each.header["pid"] for each in found} == {os.getpid(), child.pid}
    assert all(each.whole for each in found)
