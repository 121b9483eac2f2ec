"""Control files that are damaged, foreign, cut off by a full disk or not ours to read: the safe side wins."""

from __future__ import annotations

import contextlib
import json
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
import segments
from exuvia.errors import ConfigError
from exuvia.migrate.evidence import reading
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.modes import journal as modes
from moult import Project, project, without_isolation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["project"]

NOBODY = 65534
NAMELESS = 54_321


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything: as nobody for a moment, where the tests run as root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@contextlib.contextmanager
def quota(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: a write that crosses it is cut short, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def recorded(project: Project, calls: int = 3) -> Path:
    """The evidence file of a process that compared calls and ended."""
    project.install("mean")
    for _ in range(calls):
        project.legacy.mean([1.0])
    exuvia.migrate.uninstall()
    return segments.files(project.folder / "evidence")[-1]


def state(project: Project) -> Any:
    config = exuvia.migrate.load(project.config)
    return without_isolation(reading.statuses(config, reading.read_folder(config.evidence))[0])


def in_header(change: Callable[[dict[str, Any]], object], path: Path) -> None:
    def changed(line: dict[str, Any]) -> dict[str, Any]:
        if line["kind"] == "header":
            change(line)
        return line

    segments.rewrite(path, changed)


@pytest.mark.parametrize("scribble", [b"\x00\x00\x00\n", b"[1, 2]\n", b'{"units": {}}\n', b"\xff" * 40])
def test_bytes_that_are_no_evidence_are_named_with_their_place_and_the_rest_counts(
    project: Project, scribble: bytes
) -> None:
    path = recorded(project)
    data = path.read_bytes()
    first = len(segments.framed(segments.lines(path)[0]))
    path.write_bytes(data[:first] + scribble + data[first:])
    found = state(project)
    assert (found.verdict, found.counts["compared"]) == ("INCONCLUSIVE", 3), "what was there may have differed"
    assert f"{path.name}: {len(scribble)} bytes at {first} are not what was written" in found.notes
    assert f"{path.name} was changed after it was sealed" in found.notes


def test_lines_that_were_lost_are_said(project: Project) -> None:
    path = recorded(project)
    segments.rewrite(path, lambda line: {**line, "lost": 4} if "lost" in line else line)
    assert state(project).notes == [f"{path.name}: 4 lines of evidence were lost"]


@pytest.mark.parametrize(
    ("header", "alive"),
    [
        ({}, 0),
        ({"host": "another-desk"}, 2),
        ({"pid": os.getpid()}, 2),
        ({"pid": 1}, 2),
        ({"pid": 2**80}, 2),
        ({"pid": "17"}, 2),
    ],
)
def test_objects_count_as_gone_only_if_their_process_is_seen_to_have_ended(
    project: Project, header: dict[str, object], alive: int
) -> None:
    project.install("Book", mode="rust")
    books = [project.user.Book() for _ in range(2)]
    exuvia.migrate.uninstall()
    (path,) = segments.files(project.folder / "evidence")
    assert len(books) == 2
    segments.rewrite(path, lambda line: None if line["kind"] in ("end", "seal") else line)
    in_header(lambda found: found.update({"pid": 2**22 + 1, "born": None} | header), path)
    assert reading.read_segment(path).ended == (alive == 0)
    assert state(project).objects["alive"] == alive


def test_evidence_without_its_sources_or_of_sources_that_are_gone_does_not_count(project: Project) -> None:
    path = recorded(project)
    whole = path.read_bytes()
    in_header(lambda header: header.pop("sources"), path)
    assert (state(project).verdict, state(project).counts["compared"]) == ("INCONCLUSIVE", 0)
    assert "is not counted" in state(project).notes[0]
    path.write_bytes(whole)
    assert state(project).verdict == "PASS"
    (project.folder / f"{project.candidate_name}.py").unlink()
    assert (state(project).verdict, state(project).counts["compared"]) == ("INCONCLUSIVE", 0)


def test_a_disk_that_fills_in_the_middle_of_a_line_ends_the_comparison_and_not_the_program(project: Project) -> None:
    project.install("orders")
    (path,) = segments.files(project.folder / "evidence")
    size = path.stat().st_size
    with quota(size + 20):
        assert project.legacy.orders(3)[2]["fills"] == [{"amount": 20}]
    assert project.legacy.orders(1) == [{"id": 0, "price": 1.0, "fills": [{"amount": 0}]}]
    found = project.status("orders")
    assert any("evidence stopped: only 20 of" in note for note in found.notes)
    assert (found.counts["compared"], found.counts["skipped"]) == (1, 1)
    assert path.stat().st_size == size, "what did not fit is taken back: no torn frame within a segment"
    exuvia.migrate.uninstall()
    segment = reading.read_segment(path)
    assert (segment.sealed, [trouble.what for trouble in segment.troubles]) == (True, ["stopped", "lost"])
    assert "nothing was kept from" in str(segment.trouble)


def test_a_journal_entry_that_did_not_fit_is_an_error_and_says_nothing_afterwards(tmp_path: Path) -> None:
    modes.append(tmp_path, "a", "shadow", "x")
    size = (tmp_path / modes.JOURNAL).stat().st_size
    with quota(size + 9), pytest.raises(OSError, match=r"only 9 of \d+ bytes could be written: is the disk full"):
        modes.append(tmp_path, "a", "rust", "does not fit")
    assert modes.read(tmp_path).effective("a", "rust") == "shadow"
    modes.append(tmp_path, "a", "legacy", "after the disk was cleared")
    assert modes.read(tmp_path).effective("a", "rust") == "legacy"


@pytest.mark.parametrize(
    "line", ['{"v": 1e999, "unit": "a", "mode": "rust"}', '{"v": null, "unit": "a", "mode": "rust"}', "[" * 100_000]
)
def test_an_entry_that_breaks_a_parser_means_legacy_for_all(tmp_path: Path, line: str) -> None:
    modes.append(tmp_path, "a", "rust", "x")
    with (tmp_path / modes.JOURNAL).open("a") as file:
        file.write(f"{line}\n")
    journal = modes.read(tmp_path)
    assert (journal.effective("a", "rust"), journal.effective("b", "shadow")) == ("legacy", "legacy")
    assert f"{modes.JOURNAL}:2: not an entry" in str(journal.broken)


def test_a_journal_that_may_not_be_read_means_legacy(tmp_path: Path) -> None:
    modes.append(tmp_path, "a", "rust", "x")
    (tmp_path / modes.JOURNAL).chmod(0)
    with unprivileged():
        journal = modes.read(tmp_path)
    assert journal.effective("a", "rust") == "legacy"
    assert "Permission denied" in str(journal.broken)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become a user without a name")
def test_a_user_without_a_name_is_in_the_journal_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    os.setresuid(NAMELESS, 0, 0)
    try:
        modes.append(tmp_path, "a", "legacy", "x")
    finally:
        os.setresuid(0, 0, 0)
    assert json.loads((tmp_path / modes.JOURNAL).read_text())["who"] == str(NAMELESS)


def test_counters_that_did_not_change_are_not_written_again(tmp_path: Path) -> None:
    segment = Segment(tmp_path, {})
    assert segment.path is not None
    counted: list[int] = []
    for calls, sync in ((1, False), (1, False), (2, False), (2, True)):
        segment.counters({"a": {"calls": calls}}, sync=sync)
        counted.append(len(segments.lines(segment.path)))
    segment.close()
    assert counted == [2, 2, 3, 4]
    segment.counters({"a": {"calls": 3}})
    assert (len(segments.lines(segment.path)), segment.lost) == (5, 1)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("exuvia = 3\n", 1, "[exuvia], [unit] and [group] are tables"),
        ("unit = 'x'\n", 1, "[exuvia], [unit] and [group] are tables"),
        ('[unit]\n"bot:price" = "shim:price"\n', 2, "unit 'bot:price' is a table: write [unit.\"bot:price\"]"),
        (
            '[unit."bot:price"]\ncandidate = "shim:price"\neffect = "pure"\ncompare = "exact"\n',
            4,
            "compare is a table of path and rule",
        ),
        (
            '[exuvia]\nkill_file = """\n[ not a table ]\n[]\nrehearsal it is = 1\n"""\n[unit.x]\n',
            7,
            "unit 'x' is not written as package.module:name",
        ),
    ],
)
def test_a_configuration_of_another_shape_is_named_with_the_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = tmp_path / "exuvia.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        exuvia.migrate.load(path)
    assert str(caught.value).startswith(f"{path}:{line}: {said}")
