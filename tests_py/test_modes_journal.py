"""The mode journal: what was edited, cut or forged raises nothing, and nobody keeps a rollback waiting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from exuvia.errors import MigrateError
from exuvia.migrate.modes import entries, said, writing
from exuvia.migrate.modes import journal as modes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def raw(folder: Path) -> bytes:
    return (folder / modes.JOURNAL).read_bytes()


def three(folder: Path) -> list[bytes]:
    modes.append(folder, "a", "shadow", "one")
    modes.append(folder, "b", "shadow", "two")
    modes.append(folder, "a", "canary", "three")
    return raw(folder).splitlines(keepends=True)


def test_every_entry_says_who_where_when_and_what_came_before(tmp_path: Path) -> None:
    first, second, _ = map(json.loads, three(tmp_path))
    assert (first["v"], first["kind"], first["unit"], first["mode"], first["reason"]) == (
        2,
        "mode",
        "a",
        "shadow",
        "one",
    )
    assert first["who"] == modes.user()
    assert first["prev"] != second["prev"]
    assert modes.read(tmp_path).effective("a", "rust") == "canary"
    assert (tmp_path / modes.JOURNAL).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / modes.HEAD).stat().st_mode & 0o777 == 0o600


def test_an_older_journal_is_read_and_sealed_by_the_first_new_entry(tmp_path: Path) -> None:
    old = b'{"v": 1, "at": "2026-11-20T10:00:00+00:00", "unit": "a", "mode": "rust", "who": "x", "reason": "y"}\n'
    (tmp_path / modes.JOURNAL).write_bytes(old)
    (tmp_path / modes.JOURNAL).chmod(0o600)
    assert modes.read(tmp_path).effective("a", "rust") == "rust"
    modes.append(tmp_path, "b", "shadow", "new")
    assert modes.read(tmp_path).effective("a", "rust") == "rust"
    (tmp_path / modes.JOURNAL).write_bytes(raw(tmp_path).replace(b'"unit": "a"', b'"unit": "b"', 1))
    assert "edited" in str(modes.read(tmp_path).broken)


def test_a_newer_format_or_kind_is_refused_with_a_sentence_and_means_legacy(tmp_path: Path) -> None:
    modes.append(tmp_path, "a", "rust", "x")
    for change in ((b'"v": 2', b'"v": 3'), (b'"kind": "mode"', b'"kind": "moods"')):
        (tmp_path / modes.JOURNAL).write_bytes(raw(tmp_path).replace(*change))
        journal = modes.read(tmp_path)
        assert "written by a newer exuvia" in str(journal.broken)
        assert "use that exuvia" in str(journal.broken)
        assert journal.effective("a", "rust") == "legacy"
        with pytest.raises(MigrateError, match="nothing is raised"):
            modes.append(tmp_path, "a", "rust", "again")
        modes.append(tmp_path, "a", "legacy", "a rollback is written all the same")
        assert b"all the same" in raw(tmp_path)
        (tmp_path / modes.JOURNAL).write_bytes(raw(tmp_path).split(b"\n")[0].replace(*reversed(change)) + b"\n")
        assert modes.read(tmp_path).broken is None


def test_an_edited_entry_breaks_the_journal_at_the_next_one(tmp_path: Path) -> None:
    lines = three(tmp_path)
    lines[1] = lines[1].replace(b'"shadow"', b'"canary"')
    (tmp_path / modes.JOURNAL).write_bytes(b"".join(lines))
    journal = modes.read(tmp_path)
    assert f"{modes.JOURNAL}:3: the lines before this one were edited" in str(journal.broken)
    assert journal.effective("a", "rust") == "legacy"


def test_the_last_entry_cannot_be_edited_either(tmp_path: Path) -> None:
    lines = three(tmp_path)
    lines[2] = lines[2].replace(b'"canary"', b'"rust"')
    (tmp_path / modes.JOURNAL).write_bytes(b"".join(lines))
    assert "cut short or replaced" in str(modes.read(tmp_path).broken)


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_journal_that_was_cut_short_means_legacy(tmp_path: Path, left: int) -> None:
    lines = three(tmp_path)
    (tmp_path / modes.JOURNAL).write_bytes(b"".join(lines[:left]))
    journal = modes.read(tmp_path)
    assert "3 entries were written" in str(journal.broken)
    assert journal.effective("a", "rust") == "legacy"


def test_a_journal_that_is_gone_means_legacy_until_both_files_are_moved(tmp_path: Path) -> None:
    three(tmp_path)
    (tmp_path / modes.JOURNAL).unlink()
    assert "gone, though 3 entries" in str(modes.read(tmp_path).broken)
    with pytest.raises(MigrateError, match="move modes.jsonl and modes.head away"):
        modes.append(tmp_path, "a", "rust", "x")
    for name in (modes.JOURNAL, modes.HEAD):
        (tmp_path / name).unlink(missing_ok=True)
    modes.append(tmp_path, "a", "shadow", "x")
    assert modes.read(tmp_path).effective("a", "rust") == "shadow"


def test_a_head_that_lags_is_no_harm_and_one_that_is_none_is(tmp_path: Path) -> None:
    modes.append(tmp_path, "a", "shadow", "x")
    lagging = (tmp_path / modes.HEAD).read_bytes()
    modes.append(tmp_path, "a", "canary", "x")
    (tmp_path / modes.HEAD).write_bytes(lagging)
    assert modes.read(tmp_path).effective("a", "rust") == "canary"
    (tmp_path / modes.HEAD).unlink()
    assert modes.read(tmp_path).effective("a", "rust") == "canary"
    (tmp_path / modes.HEAD).write_bytes(b"{}")
    assert "not the head of a mode journal" in str(modes.read(tmp_path).broken)


@pytest.mark.parametrize("cut", [1, 10, 40])
def test_a_torn_entry_says_nothing_and_the_chain_goes_on_after_it(tmp_path: Path, cut: int) -> None:
    lines = three(tmp_path)
    (tmp_path / modes.HEAD).unlink()
    (tmp_path / modes.JOURNAL).write_bytes(b"".join(lines)[: -cut - 1])
    assert modes.read(tmp_path).effective("a", "rust") == "shadow"
    modes.append(tmp_path, "b", "legacy", "after the kill")
    modes.append(tmp_path, "a", "canary", "later")
    journal = modes.read(tmp_path)
    assert (journal.broken, journal.effective("a", "rust"), journal.effective("b", "rust")) == (
        None,
        "canary",
        "legacy",
    )


def test_an_entry_that_only_misses_its_newline_counts_for_reader_and_writer(tmp_path: Path) -> None:
    three(tmp_path)
    (tmp_path / modes.JOURNAL).write_bytes(raw(tmp_path)[:-1])
    assert modes.read(tmp_path).effective("a", "rust") == "canary"
    modes.append(tmp_path, "b", "canary", "next")
    journal = modes.read(tmp_path)
    assert (journal.broken, journal.effective("b", "rust")) == (None, "canary")


def test_a_forged_entry_outside_of_the_chain_may_lower_but_not_raise(tmp_path: Path) -> None:
    three(tmp_path)
    good = raw(tmp_path)
    old = '{"v": 1, "at": "2026-11-20T10:00:00+00:00", "unit": "b", "mode": "MODE", "who": "x", "reason": "y"}\n'
    (tmp_path / modes.JOURNAL).write_bytes(good + old.replace("MODE", "legacy").encode())
    assert modes.read(tmp_path).effective("b", "rust") == "legacy"
    modes.append(tmp_path, "b", "shadow", "the chain goes over it")
    assert modes.read(tmp_path).broken is None
    (tmp_path / modes.JOURNAL).write_bytes(good + old.replace("MODE", "rust").encode())
    journal = modes.read(tmp_path)
    assert "may only lower" in str(journal.broken)
    assert journal.effective("b", "rust") == "legacy"


@pytest.mark.parametrize(
    "line",
    [
        b'{"v": 2, "kind": "approval", "unit": "a"}\n',
        b'{"v": 2, "kind": "mode", "unit": 3, "mode": "legacy"}\n',
        b'{"v": 2, "kind": "mode", "unit": "a", "mode": "legacy", "until_ns": "soon"}\n',
        b'{"v": true, "unit": "a", "mode": "legacy"}\n',
        b"[1]\n",
        b"\x00\xff\n",
    ],
)
def test_a_line_without_what_its_kind_needs_breaks_the_journal_and_raises_nothing(tmp_path: Path, line: bytes) -> None:
    three(tmp_path)
    (tmp_path / modes.JOURNAL).write_bytes(raw(tmp_path) + line)
    assert f"{modes.JOURNAL}:4" in str(modes.read(tmp_path).broken)


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("name", [modes.JOURNAL, modes.HEAD])
def test_what_others_may_write_decides_nothing(tmp_path: Path, name: str) -> None:
    three(tmp_path)
    (tmp_path / name).chmod(0o620)
    journal = modes.read(tmp_path)
    assert "chmod go-w" in str(journal.broken)
    assert journal.effective("a", "rust") == "legacy"


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_folder_that_anyone_may_write_decides_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    three(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o707)
    assert "chmod o-w" in str(modes.read(folder).broken)
    folder.chmod(0o1707)
    assert modes.read(folder).broken is None, "a sticky folder keeps what others have"


def test_a_clock_turned_back_stands_at_the_last_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three(tmp_path)
    last = modes.read(tmp_path).last_ns
    monkeypatch.setattr(said.time, "time_ns", lambda: 1_000)
    assert modes.read(tmp_path).now() == last
    assert modes.read(tmp_path).now(last + 5) == last + 5


HOLD = """
import sys, time
from pathlib import Path
from exuvia.migrate.modes import journal
with journal.open_journal(Path(sys.argv[1])) as pen:
    assert pen.locked
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_a_kill_leaves_no_lock_behind(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        with modes.open_journal(tmp_path, lowers=True) as pen:
            assert not pen.locked
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    with modes.open_journal(tmp_path) as pen:
        assert pen.locked


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_a_process_stopped_with_the_lock_keeps_promotions_waiting_but_no_rollback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PATIENT_S", 3.0)
    modes.append(tmp_path, "a", "rust", "x")
    process = holder(tmp_path)
    try:
        os.kill(process.pid, signal.SIGSTOP)
        began = time.monotonic()
        modes.append(tmp_path, "a", "legacy", "back")
        assert time.monotonic() - began < writing.WAIT_S + 2.0
        assert modes.read(tmp_path).effective("a", "rust") == "legacy"
        with pytest.raises(MigrateError, match="another process has held"):
            modes.append(tmp_path, "a", "rust", "up")
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    modes.append(tmp_path, "a", "shadow", "up again")
    journal = modes.read(tmp_path)
    assert (journal.broken, journal.effective("a", "rust")) == (None, "shadow")


def test_a_journal_that_is_moved_away_meanwhile_is_not_written_into_its_grave(tmp_path: Path) -> None:
    modes.append(tmp_path, "a", "rust", "x")
    process = holder(tmp_path)
    away = threading.Timer(0.4, lambda: (tmp_path / modes.JOURNAL).rename(tmp_path / "old"))
    (tmp_path / modes.HEAD).unlink()
    away.start()
    try:
        modes.append(tmp_path, "a", "legacy", "into the new file")
    finally:
        away.join()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    assert b"into the new file" in raw(tmp_path)
    assert b"into the new file" not in (tmp_path / "old").read_bytes()


WRITE = """
import sys
from pathlib import Path
from exuvia.migrate.modes import journal
for number in range(int(sys.argv[3])):
    journal.append(Path(sys.argv[1]), sys.argv[2], ("shadow", "canary")[number % 2], str(number))
"""


def test_many_writers_at_once_leave_a_chain_without_a_gap(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), name, "25"]) for name in ("a", "b", "c", "d")
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]
    journal = modes.read(tmp_path)
    assert (journal.broken, len(journal.lines)) == (None, 100)
    assert json.loads((tmp_path / modes.HEAD).read_bytes())["count"] == 100
    assert {entry["unit"] for entry in journal.lines} == set("abcd")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_writers_that_are_killed_at_any_moment_leave_a_journal_that_is_read(tmp_path: Path) -> None:
    for round_ in range(8):
        process = subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), "a", "100000"])
        before = len(modes.read(tmp_path).lines)
        end = time.monotonic() + 30
        while len(modes.read(tmp_path).lines) < before + 3 and time.monotonic() < end:
            time.sleep(0.003 * (round_ + 1))
        process.kill()
        process.wait()
        journal = modes.read(tmp_path)
        assert journal.broken is None
        assert len(journal.lines) >= before + 3
        modes.append(tmp_path, "b", "shadow", "after the kill")
        assert modes.read(tmp_path).effective("b", "rust") == "shadow"


def test_a_disk_that_is_full_is_said_and_nothing_is_believed_that_was_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(tmp_path)
    real: Callable[[int, bytes], int] = os.write

    def half(descriptor: int, data: bytes) -> int:
        return real(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as patched:
        patched.setattr(writing.os, "write", half)
        with pytest.raises(OSError, match="is the disk full"):
            modes.append(tmp_path, "a", "rust", "x")
    journal = modes.read(tmp_path)
    assert (journal.broken, journal.effective("a", "rust")) == (None, "canary")
    modes.append(tmp_path, "a", "legacy", "x")
    assert modes.read(tmp_path).effective("a", "rust") == "legacy"


def test_what_lowers_is_told_from_what_raises() -> None:
    assert entries.lowers({"mode": "legacy"})
    assert entries.lowers({"kind": "quarantine"})
    assert not entries.lowers({"mode": "shadow"})
    assert not entries.lowers({"kind": "clear"})
    assert not entries.lowers({"kind": "approval"})


def test_a_journal_of_garbage_is_described_and_says_what_to_do(tmp_path: Path) -> None:
    for garbage, shown in ((bytes(range(128, 200)) + b"\n", "72 bytes that are no text"), (b"hello\n", "'hello'")):
        (tmp_path / modes.JOURNAL).write_bytes(garbage)
        (tmp_path / modes.JOURNAL).chmod(0o600)
        broken = str(modes.read(tmp_path).broken)
        assert f"not an entry of the mode journal: {shown}: every unit stands in legacy; bring the file back" in broken
        assert "\\x" not in broken
        assert "\ufffd" not in broken
