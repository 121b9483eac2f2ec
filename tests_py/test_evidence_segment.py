"""One process's segments: who may read them, when the next one begins, and what happens when nothing can be written."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import segments
from exuvia.migrate.evidence import chain, compact, folder, header, quota, reading, watch
from exuvia.migrate.evidence import segment as writing
from exuvia.migrate.evidence.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Callable

UNIT = "bot:price"
HEADER = {"fingerprints": {UNIT: "f1"}, "sources": {UNIT: {}}, "rehearsal": True}
DAY_NS = 86_400_000_000_000
root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may give files away")


def units(calls: int, **more: Any) -> dict[str, Any]:
    return {UNIT: {"mode": "shadow", "compared": calls, **more}}


def mismatch(n: int) -> dict[str, Any]:
    return {"kind": "mismatch", "unit": UNIT, "path": f"$[{n}]", "place": "$[*]", "legacy": str(n), "candidate": "0"}


def whats(found: list[reading.SegmentText]) -> set[str]:
    return {trouble.what for segment in found for trouble in segment.troubles}


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.steady = time.time_ns(), time.monotonic_ns()
        for name, call in (
            ("time_ns", lambda: self.wall),
            ("monotonic_ns", lambda: self.steady),
            ("monotonic", lambda: self.steady / 1e9),
        ):
            monkeypatch.setattr(time, name, call)

    def pass_by(self, seconds: float, jump: float = 0.0) -> None:
        self.steady += int(seconds * 1e9)
        self.wall += int((seconds + jump) * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_files_are_private_and_the_header_says_who_where_and_on_what(tmp_path: Path) -> None:
    place = tmp_path / "a" / "evidence"
    segment = Segment(place, HEADER)
    assert segment.path is not None
    assert stat.S_IMODE(segment.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    first = segments.lines(segment.path)[0]
    assert first["kind"] == "header"
    assert (first["format"], first["pid"], first["number"], first["previous"]) == (2, os.getpid(), 0, chain.GENESIS)
    assert first["host"] in segment.path.name.replace("_", "-") or "_" in segment.path.name
    assert first["python"] == sys.version.split()[0]
    assert all(first[name] for name in ("boot", "libc", "cpu", "system", "process", "started_ns"))
    assert first["epoch"] == 0
    segment.close()


def test_a_full_file_is_sealed_and_the_next_one_names_its_digest(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER, rotate=3_000)
    for n in range(60):
        segment.write(mismatch(n))
        segment.counters(units(n + 1))
    segment.counters(units(60), sync=True, ended=True)
    segment.close()
    found = reading.read_folder(tmp_path)
    assert len(found) > 3
    assert all(each.sealed and each.whole for each in found)
    for before, after in itertools.pairwise(found):
        assert after.header["previous"] == before.digest
    assert [each.counters for each in found[:-1]] == [{}] * (len(found) - 1), "each call is counted once"
    assert found[-1].counters == units(60)
    assert sum(len(each.mismatches) for each in found) == 60
    assert {path.stat().st_size < 5_000 for path in segments.files(tmp_path)} == {True}
    assert found[-1].farewell


def test_a_file_is_sealed_at_midnight_utc(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.counters(units(1))
    clock.pass_by(DAY_NS / 1e9)
    segment.counters(units(2))
    segment.counters(units(3), ended=True)
    segment.close()
    found = reading.read_folder(tmp_path)
    assert [each.number for each in found] == [0, 1]
    assert found[1].counters == units(3)


def test_a_jump_of_the_clock_is_on_record_and_a_slow_drift_is_not(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path, HEADER)
    for jump in (0.0, 0.4, -0.4, 3.5, 0.0, -1.5):
        clock.pass_by(1.0, jump)
        segment.counters(units(1), sync=True)
    segment.close()
    [found] = reading.read_folder(tmp_path)
    assert [t.text.rpartition(": the clock")[2] for t in found.troubles if t.what == "clock"] == [
        " jumped by +3.500 s: this session is inconclusive",
        " jumped by -1.500 s: this session is inconclusive",
    ]
    assert not found.whole


def test_a_process_that_stood_still_says_so(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path, HEADER)
    clock.pass_by(watch.STILL_S + 1)
    segment.counters(units(1))
    segment.close()
    assert whats(reading.read_folder(tmp_path)) == {"still"}


def test_nothing_new_is_a_heartbeat_every_ten_seconds(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path, HEADER)
    assert segment.path is not None
    for _ in range(35):
        clock.pass_by(1.0)
        segment.counters(units(1))
    kinds = [line["kind"] for line in segments.lines(segment.path)]
    assert (kinds.count("counters"), kinds.count("beat")) == (1, 3)
    assert reading.read_segment(segment.path).last_at >= clock.wall - 10_000_000_000
    segment.close()


def test_one_batch_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = Segment(tmp_path, HEADER)
    written: list[int] = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda to, data: written.append(len(data)) or real(to, data))
    for n in range(20):
        segment.write({"kind": "novel", "unit": UNIT, "signatures": [n]})
    assert written == [], "what can wait waits for the batch"
    segment.counters(units(1, sessions={"2026-11-20": {"first": 1, "last": 2, "minutes": [[0, 1]]}}), sync=True)
    assert len(written) == 1
    monkeypatch.undo()
    segment.close()
    [found] = reading.read_folder(tmp_path)
    assert [entry["signatures"] for entry in found.novel] == [[n] for n in range(20)]
    assert found.sessions[0]["day"] == "2026-11-20"


def test_a_difference_is_forced_to_the_disk_and_a_recorded_call_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.counters(units(0))
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda to: synced.append(to) or real(to))
    segment.write(mismatch(1))
    assert len(synced) == 1
    segment.write({"kind": "call", "unit": UNIT, "call": "", "signature": 1, "arguments": "", "outcome": ""})
    segment.counters(units(1))
    assert len(synced) == 1
    segment.close()


@pytest.mark.skipif(os.name != "posix", reason="names are made durable where folders can be opened")
@pytest.mark.parametrize("first", ["difference", "counters"])
def test_the_start_waits_for_no_disk_and_what_must_last_takes_file_and_name_with_it(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(to: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(to).st_mode) else "file")
        real(to)

    monkeypatch.setattr(os, "fsync", fsync)
    segment = Segment(tmp_path, HEADER)
    assert synced == []
    assert reading.read_folder(tmp_path)[0].header["kind"] == "header", "others read it at once all the same"
    if first == "difference":
        segment.write(mismatch(1))
    else:
        segment.counters(units(1))
    assert synced == ["file", "folder"]
    segment.counters(units(2))
    assert synced == ["file", "folder"]
    segment.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_that_no_handler_saw_still_writes_a_file_of_its_own(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.write({"kind": "novel", "unit": UNIT, "signatures": [1]})
    child = os.fork()
    if child == 0:
        segment.write(mismatch(7))
        segment.counters(units(1), ended=True)
        segment.close()
        os._exit(0)
    os.waitpid(child, 0)
    segment.counters(units(2), ended=True)
    segment.close()
    found = reading.read_folder(tmp_path)
    assert {each.header["pid"] for each in found} == {os.getpid(), child}
    mine, its = sorted(found, key=lambda each: each.header["pid"] == child)
    assert (len(mine.mismatches), len(its.mismatches)) == (0, 1)
    assert (len(mine.novel), len(its.novel)) == (1, 0), "what waited belongs to the parent"
    assert whats(found) == set()


def test_threads_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER, rotate=20_000)

    def work(first: int) -> None:
        for n in range(first, first + 100):
            segment.write(mismatch(n), sync=False)
            segment.counters(units(n))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 400, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    segment.counters(units(400), ended=True)
    segment.close()
    found = reading.read_folder(tmp_path)
    assert sorted(int(line["legacy"]) for each in found for line in each.mismatches) == list(range(400))
    assert whats(found) == set()


# --- what cannot be written ---


def refused(segment: Segment, words: str) -> None:
    assert not segment.sampling
    assert words in str(segment.trouble)
    segment.write(mismatch(1))
    segment.counters(units(1))
    segment.close()
    assert segment.lost > 0


@pytest.mark.skipif(os.name != "posix", reason="symbolic links of POSIX")
def test_a_folder_that_is_a_symbolic_link_is_refused_and_nothing_lands_behind_it(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / "evidence").symlink_to(tmp_path / "theirs")
    refused(Segment(tmp_path / "evidence", HEADER), "symbolic link")
    assert list((tmp_path / "theirs").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_folder_in_which_others_may_write_is_refused_with_the_command_that_repairs_it(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    place.mkdir()
    place.chmod(0o770)
    refused(Segment(place, HEADER), f"chmod go-w {place}")


@root
def test_a_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    place.mkdir(mode=0o755)
    os.chown(place, 54_321, 54_321)
    tmp_path.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(OSError, match="belongs to user 54321|Permission denied"):
            folder.open_folder(place, make=False)
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="symbolic links of POSIX")
def test_a_link_in_the_place_of_the_next_file_is_not_followed(tmp_path: Path) -> None:
    segment = Segment(tmp_path / "evidence", HEADER, rotate=1_000)
    victim = tmp_path / "orders.db"
    victim.write_text("precious")
    for number in range(1, 4):
        (tmp_path / "evidence" / f"{segment.process}-{number}.seg").symlink_to(victim)
    for n in range(30):
        segment.write(mismatch(n))
        segment.counters(units(n))
    assert victim.read_text() == "precious"
    assert "File exists" in str(segment.trouble)
    assert not segment.sampling
    segment.close()


@pytest.mark.parametrize("how", ["link", "fifo", "others", "theirs"])
def test_a_segment_that_is_not_ours_is_refused_and_named(tmp_path: Path, how: str) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.counters(units(1), ended=True)
    segment.close()
    assert segment.path is not None
    foreign = tmp_path / "1-desk-1-0.seg"
    if how == "link":
        (tmp_path / "elsewhere").write_bytes(segment.path.read_bytes())
        foreign.symlink_to(tmp_path / "elsewhere")
    elif how == "fifo":
        os.mkfifo(foreign)
    else:
        shutil.copy(segment.path, foreign)
        foreign.chmod(0o666 if how == "others" else 0o600)
        if how == "theirs":
            if os.geteuid() != 0:
                pytest.skip("only root may give files away")
            os.chown(foreign, 54_321, 54_321)
    found = reading.read_folder(tmp_path)
    assert [trouble.what for trouble in found[0].troubles] == ["refused"]
    assert found[0].path.name == foreign.name
    assert found[0].counters == {}
    assert found[1].whole


def test_a_folder_that_goes_away_stops_the_sampling_and_is_on_record_when_it_is_back(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    segment = Segment(place, HEADER)
    segment.counters(units(1))
    place.rename(tmp_path / "unmounted")
    segment.counters(units(2))
    assert not segment.sampling
    assert "is gone" in str(segment.trouble)
    segment.counters(units(3))
    assert not place.exists(), "a folder that someone took away is not made again"
    place.mkdir(mode=0o700)
    segment.counters(units(4))
    assert segment.sampling
    segment.counters(units(5), ended=True)
    segment.close()
    [found] = reading.read_folder(place)
    assert found.counters == units(5)
    assert {"stopped", "lost", "missing"} == whats([found])


def test_a_read_only_folder_leaves_the_program_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(folder, "create", read_only)
    refused(Segment(tmp_path, HEADER), "Read-only file system")


def test_nothing_that_breaks_inside_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.write({"no": "kind"})
    segment.write({"kind": "mismatch", "unit": UNIT, "legacy": "x" * 17_000_000})
    assert segment.lost == 2
    monkeypatch.setattr(writing.json, "dumps", lambda *_, **__: 1 / 0)
    segment.write(mismatch(1))
    segment.counters(units(1))
    assert "ZeroDivisionError" in str(segment.trouble)
    monkeypatch.undo()
    segment.counters(units(2), ended=True)
    segment.close()
    [found] = reading.read_folder(tmp_path)
    assert found.counters == units(2)
    assert {"stopped", "lost"} <= whats([found])


# --- quota ---


def test_only_what_is_sealed_and_compacted_makes_room_and_the_oldest_goes_first(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER, rotate=4_000)
    for n in range(80):
        segment.write(mismatch(n))
        segment.counters(units(n + 1))
    before = segments.files(tmp_path)
    assert quota.make_room(tmp_path, 1) < 0
    assert segments.files(tmp_path) == before, "nothing goes that is not compacted"
    was = reading.heads(tmp_path)
    compact.compact(tmp_path)
    taken = folder.used(tmp_path)
    assert quota.make_room(tmp_path, taken - 100) >= 0
    assert segments.files(tmp_path) == before[1:]
    assert quota.make_room(tmp_path, 1) < 0
    assert segments.files(tmp_path) == before[-1:], "the one that is still written never goes"
    assert reading.heads(tmp_path)[: len(was)] == was, "the chain is what it was"
    segment.counters(units(81), ended=True)
    segment.close()
    found = reading.read_folder(tmp_path)
    assert sum(len(each.mismatches) for each in found) == 80
    assert found[-1].counters == units(81)
    assert whats(found) == set()


def test_a_compacted_segment_that_was_changed_is_kept(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.close()
    compact.compact(tmp_path)
    [path] = segments.files(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    assert quota.make_room(tmp_path, 1) < 0
    assert path.exists()
    assert "changed" in whats(reading.read_folder(tmp_path))


def test_without_room_sampling_stops_counters_go_on_and_say_what_to_do(tmp_path: Path, clock: Clock) -> None:
    ballast = tmp_path / "0-desk-1-0.seg"
    segment = Segment(tmp_path, HEADER, quota=200_000)
    assert segment.sampling
    ballast.write_bytes(b"x" * 300_000)
    for calls in (1, 2, 3):
        clock.pass_by(writing.QUOTA_S)
        segment.counters(units(calls))
    assert not segment.sampling
    assert "run exuvia compact" in str(segment.trouble)
    ballast.unlink()
    clock.pass_by(writing.QUOTA_S)
    segment.counters(units(4))
    assert segment.sampling
    segment.counters(units(5), ended=True)
    segment.close()
    [found] = reading.read_folder(tmp_path)
    assert found.counters == units(5)
    assert [trouble.what for trouble in found.troubles] == ["quota", "resumed"]


def test_far_beyond_the_quota_counters_stop_too(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path, HEADER, quota=100_000)
    (tmp_path / "0-desk-1-0.seg").write_bytes(b"x" * (writing.RESERVE + 200_000))
    clock.pass_by(writing.QUOTA_S)
    segment.counters(units(1))
    assert "is passed by more than" in str(segment.trouble)
    segment.close()


# --- children ---

CHILD = """
import sys, time
if sys.argv[1] == "with":
    from pathlib import Path
    from exuvia.migrate.evidence.segment import Segment
    segment = Segment(Path(sys.argv[2]), {"fingerprints": {}})
print("up", flush=True)
sys.stdin.read()
if sys.argv[1] == "with":
    segment.counters({}, ended=True)
    segment.close()
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are seen through /proc")
@pytest.mark.parametrize(("how", "seen"), [("with", set()), ("without", {"child"})])
def test_a_child_without_exuvia_is_seen_by_its_missing_heartbeat(tmp_path: Path, how: str, seen: set[str]) -> None:
    if not watch_works():
        pytest.skip("this kernel does not list children")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, how, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        segment = Segment(tmp_path, HEADER)
        for _ in range(3):
            segment.watch._children_at -= int(watch.CHILDREN_S * 1e9)
            segment.counters(units(1), sync=True)
        segment.counters(units(1), ended=True)
        segment.close()
        child.communicate()
    mine = [each for each in reading.read_folder(tmp_path) if each.header["pid"] == os.getpid()]
    assert whats(mine) == seen
    if seen:
        assert str(mine[0].trouble).endswith(
            f"a child ran the same Python without exuvia, its calls are not known: {child.pid}"
        )


def watch_works() -> bool:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        time.sleep(0.2)
        found = child.pid in watch.children()
        child.communicate(b"\n")
    return found


def test_a_worker_of_exuvia_is_no_unseen_child() -> None:
    if not watch_works():
        pytest.skip("this kernel does not list children")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        time.sleep(0.2)
        watch.OURS.add(child.pid)
        try:
            assert child.pid not in watch.children()
        finally:
            watch.OURS.discard(child.pid)
            child.communicate(b"\n")


# --- who is gone ---


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({}, False),
        ({"host": "another-desk", "pid": 2**22 + 1}, False),
        ({"boot": "another-boot"}, True),
        ({"born": 1}, True),
        ({"pid": 2**22 + 1}, True),
        ({"pid": "17"}, False),
    ],
)
def test_a_process_is_gone_by_its_number_its_boot_or_its_start(change: dict[str, Any], gone: bool) -> None:
    assert header.is_gone({**header.facts(0), **change}) is gone


def test_a_process_killed_between_two_files_is_not_called_whole(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.counters(units(1))
    segment.close()  # sealed, and no word of an end: as a kill right after the seal leaves it
    [path] = segments.files(tmp_path)
    segments.rewrite(path, lambda line: {**line, "pid": 2**22 + 1} if line["kind"] == "header" else line)
    assert whats(reading.read_folder(tmp_path)) == {"killed"}


# --- the chain ---


def three(tmp_path: Path) -> list[Path]:
    segment = Segment(tmp_path, HEADER, rotate=1_500)
    while len(segments.files(tmp_path)) < 3:
        segment.write(mismatch(1))
        segment.counters(units(1))
    segment.counters(units(2), ended=True)
    segment.close()
    return segments.files(tmp_path)


def test_the_head_grows_with_each_seal_and_an_old_head_stays_in_the_chain(tmp_path: Path) -> None:
    assert reading.head(tmp_path) == chain.GENESIS
    three(tmp_path)
    heads = reading.heads(tmp_path)
    assert len(heads) == 4
    Segment(tmp_path, HEADER).close()
    later = reading.heads(tmp_path)
    assert later[:4] == heads
    assert reading.head(tmp_path) == later[-1] != heads[-1]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_sealed_segment_that_is_changed_with_care_is_seen_and_gives_another_head(tmp_path: Path, which: int) -> None:
    files = three(tmp_path)
    heads = reading.heads(tmp_path)
    segments.rewrite(files[which], lambda line: {**line, "at": 7} if line["kind"] == "counters" else line)
    assert reading.heads(tmp_path)[which + 1] not in heads
    assert which == 2 or "changed" in whats(reading.read_folder(tmp_path))


def test_a_segment_that_is_taken_away_is_missed(tmp_path: Path) -> None:
    files = three(tmp_path)
    files[1].unlink()
    assert "missing" in whats(reading.read_folder(tmp_path))
    files[0].unlink()
    assert "missing" in whats(reading.read_folder(tmp_path))


def spoil(path: Path, change: Callable[[bytearray], object]) -> None:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


def test_a_flipped_bit_anywhere_in_a_sealed_segment_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RETRIES", 0)
    [*_, path] = three(tmp_path)
    whole = path.read_bytes()
    assert reading.read_segment(path).whole
    for at in range(0, len(whole), 7):
        spoil(path, lambda data, at=at: data.__setitem__(at, data[at] ^ (1 << at % 8)))
        found = reading.read_segment(path)
        assert not found.whole, at
        path.write_bytes(whole)


def test_a_segment_that_was_cut_anywhere_is_not_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RETRIES", 0)
    [*_, path] = three(tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 11):
        path.write_bytes(whole[:length])
        assert not reading.read_segment(path).whole, length


def test_the_digest_is_that_of_the_bytes_before_the_seal(tmp_path: Path) -> None:
    [*_, path] = three(tmp_path)
    said = segments.of_kind(path, "seal")[0]
    data = path.read_bytes()[: said["bytes"]]
    assert hashlib.sha256(data).hexdigest() == said["digest"] == reading.read_segment(path).digest
    assert said["frames"] == len(segments.lines(path)) - 1
