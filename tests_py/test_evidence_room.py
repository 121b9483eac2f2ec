"""What a process does whose evidence cannot be written: a folder that is not its own, is gone or is full."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import segments
from exuvia.migrate.evidence import compact, folder, quota, reading
from exuvia.migrate.evidence import segment as writing
from exuvia.migrate.evidence.segment import Segment
from segments import HEADER, UNIT, Clock, clock, mismatch, units, whats

__all__ = ["clock"]


root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may give files away")


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
    monkeypatch.setattr(writing._ENCODER, "encode", lambda *_: 1 / 0)
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
