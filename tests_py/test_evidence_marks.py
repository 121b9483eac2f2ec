"""Marks beside a disk that takes nothing: found by whoever judges that evidence, and by nobody else's doing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from exuvia.migrate.evidence import reading, unwritten
from exuvia.migrate.evidence.segment import Segment
from failing_disks import killed, read_only, spoiled
from segments import HEADER, units, whats

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="users and modes of POSIX")

root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="changes the user, as only root may")
NOBODY, SOMEONE = 65534, 65533
PROCESS = "{}-desk-4"


@pytest.fixture(autouse=True)
def marks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which every user may make files and nobody removes those of others, as in that of temporary files."""
    above = Path(tempfile.mkdtemp(prefix="marks-"))
    above.chmod(0o755)
    folder = above / "marks"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setenv("EXUVIA_MARKS", str(folder))
    yield folder
    shutil.rmtree(above)


@pytest.fixture
def theirs(marks: Path) -> Path:
    """Evidence of another user."""
    evidence = marks.parent / "evidence"
    evidence.mkdir()
    os.chown(evidence, NOBODY, NOBODY)
    return evidence


@contextlib.contextmanager
def as_user(uid: int) -> Iterator[None]:
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


def mark(evidence: Path, since_ns: int | None = None) -> str:
    """Mark a process that could not write, and return its name."""
    process = PROCESS.format(since_ns or time.time_ns())
    assert unwritten.mark(unwritten.real(evidence), process, since_ns or time.time_ns(), "Read-only file system")
    return process


def refused(evidence: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose disk turns read-only and that is killed then."""
    killed(spoiled(evidence, monkeypatch, read_only))


def test_a_folder_is_found_by_its_link_and_a_link_by_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "releases").mkdir()
    (tmp_path / "current").symlink_to("releases")
    names = [tmp_path / way / "evidence" for way in ("current", "releases")]
    refused(names[0], monkeypatch)
    assert [whats(reading.read_folder(name)) for name in names] == [{"unwritten", "killed"}] * 2
    (tmp_path / "current").unlink()
    assert whats(reading.read_folder(names[1])) == {"unwritten", "killed"}


@root
def test_files_that_another_user_made_first_keep_no_mark_from_being_noted(tmp_path: Path, marks: Path) -> None:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    digest = hashlib.sha256(os.fsencode(evidence)).hexdigest()[:24]
    names = [f"exuvia-0-{digest}{more}.unwritten" for more in ("", "-", "-0", "-0123456789abcdef")]
    with as_user(NOBODY):
        for name in names:
            (marks / name).write_text("")
        os.mkfifo(marks / f"exuvia-0-{digest}-fifo.unwritten")
        (marks / f"exuvia-0-{digest}-link.unwritten").symlink_to(marks / names[0])
    process = mark(evidence)
    assert set(unwritten.marked(evidence)) == {process}
    assert [(marks / name).read_text() for name in names] == [""] * len(names)


def test_nobody_can_guess_what_a_file_of_marks_will_be_called(tmp_path: Path, marks: Path) -> None:
    seen = set()
    for _ in range(3):
        mark(tmp_path / "evidence")
        (made,) = marks.iterdir()
        seen.add(made.name)
        made.unlink()
    assert len(seen) == 3


@root
def test_root_reads_the_marks_of_whom_the_evidence_belongs_to(theirs: Path) -> None:
    with as_user(NOBODY):
        process = mark(theirs)
        assert set(unwritten.marked(theirs)) == {process}
    assert set(unwritten.marked(theirs)) == {process}


@root
def test_marks_of_a_user_who_has_nothing_to_do_with_the_evidence_say_nothing(marks: Path, theirs: Path) -> None:
    with as_user(SOMEONE):
        mark(theirs)
    (made,) = marks.iterdir()
    made.rename(made.with_name(made.name.replace(f"-{SOMEONE}-", f"-{NOBODY}-")))
    assert unwritten.marked(theirs) == {}
    with as_user(NOBODY):
        assert unwritten.marked(theirs) == {}


def test_evidence_that_was_deleted_and_begun_anew_has_no_marks_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = tmp_path / "evidence"
    refused(evidence, monkeypatch)
    assert whats(reading.read_folder(evidence)) == {"unwritten", "killed"}
    evidence.rename(tmp_path / "kept")
    assert whats(reading.read_folder(evidence)) == {"unwritten"}, "a disk that is gone is not begun anew"
    segment = Segment(evidence, HEADER)
    segment.counters(units(1), ended=True)
    segment.close()
    assert whats(reading.read_folder(evidence)) == set()
    shutil.rmtree(evidence)
    (tmp_path / "kept").rename(evidence)
    assert whats(reading.read_folder(evidence)) == {"unwritten", "killed"}, "it came back"


def test_a_mark_that_could_not_say_of_which_folder_it_is_counts_from_that_folders_beginning_on(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    before = mark(evidence)
    assert set(unwritten.marked(evidence)) == {before}
    segment = Segment(evidence, HEADER)
    segment.counters(units(1), ended=True)
    segment.close()
    (evidence / "segments.list").rename(evidence / "away")
    after = mark(evidence)
    (evidence / "away").rename(evidence / "segments.list")
    assert set(unwritten.marked(evidence)) == {after}


def test_a_mark_is_noted_and_taken_back_in_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, places = tmp_path / "evidence", [tmp_path / "memory", tmp_path / "temporary"]
    for place in places:
        place.mkdir()
    monkeypatch.setattr(unwritten, "_places", lambda _uids: [tmp_path / "missing", *places])
    process = mark(evidence)
    assert [len(list(place.iterdir())) for place in places] == [1, 1]
    for place in places:
        with monkeypatch.context() as patch:
            patch.setattr(unwritten, "_places", lambda _uids, place=place: [place])
            assert set(unwritten.marked(evidence)) == {process}, "either is enough"
    unwritten.told(evidence, process)
    unwritten.told(evidence, process)
    assert unwritten.marked(evidence) == {}
    assert [len(made.read_text().splitlines()) for place in places for made in place.iterdir()] == [2, 2]
    again = time.time_ns()
    assert unwritten.mark(evidence, process, again, "gone")
    assert unwritten.marked(evidence)[process][0] == again


def test_the_places_are_in_memory_and_temporary_unless_a_folder_is_named(
    marks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unwritten._places([7]) == [marks]
    monkeypatch.delenv("EXUVIA_MARKS")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/mine")
    monkeypatch.setenv("TMPDIR", "here")
    memory = ["/dev/shm"] if sys.platform == "linux" else []  # noqa: S108 - nothing is made there
    places = ["/run/mine", "/run/user/7", "/run/user/8", *memory, "/tmp"]  # noqa: S108 - as above
    assert unwritten._places([7, 8]) == [Path(place) for place in places], "only absolute ones"


def test_where_there_are_no_owners_of_files_nothing_is_marked(
    tmp_path: Path, marks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unwritten.os, "name", "nt")
    assert unwritten.mark(tmp_path, "1-host-2", 5, "read-only") is False
    unwritten.told(tmp_path, "1-host-2")
    assert unwritten.marked(tmp_path) == {}
    assert list(marks.iterdir()) == []


def test_a_folder_whose_links_cannot_be_followed_goes_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_path: object) -> str:
        raise OSError("too many links")

    monkeypatch.setattr(os.path, "realpath", refused)
    assert unwritten.real(tmp_path / "evidence") == tmp_path / "evidence"
