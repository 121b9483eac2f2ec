"""Evidence: what is on disk, with which rights, and what happens when the disk is not there."""

from __future__ import annotations

import importlib
import json
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia import _exuvia
from exuvia.migrate import fingerprint
from exuvia.migrate.descriptor import Held
from exuvia.migrate.evidence import reading
from exuvia.migrate.evidence import segment as evidence
from exuvia.migrate.gates.verdict import UnitStatus, overall
from moult import without_isolation

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """
[exuvia]
rehearsal = true
[unit."{name}:price"]
candidate = "{name}_shim:price"
effect = "pure"
isolation = "thread"
mode = "shadow"
"""
LEGACY = "def price(rows):\n    return [row * 2 for row in rows]\n"
SHIM = "def price(rows):\n    return [row * 2 if row != 3 else 7 for row in rows]\n"


class Desk:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        (folder / f"{name}.py").write_text(LEGACY)
        (folder / f"{name}_shim.py").write_text(SHIM)
        self.config = folder / "exuvia.toml"
        self.config.write_text(CONFIG.format(name=name))
        self.config.chmod(0o600)

    def install(self) -> Any:
        exuvia.migrate.install(self.config)
        return importlib.import_module(self.name).price

    def segments(self) -> list[Path]:
        return sorted((self.folder / "evidence").glob("*.seg"))

    def lines(self) -> list[dict[str, Any]]:
        return reading.lines(self.segments()[-1])

    def status(self) -> UnitStatus:
        config = exuvia.migrate.load(self.config)
        return without_isolation(reading.statuses(config, reading.read_folder(config.evidence))[0])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Desk(tmp_path, f"desk{abs(hash(str(tmp_path)))}")
    yield made
    exuvia.migrate.uninstall()
    for name in (made.name, f"{made.name}_shim"):
        sys.modules.pop(name, None)


def test_a_segment_starts_with_a_header_and_only_its_owner_may_read_it(desk: Desk) -> None:
    price = desk.install()
    price([1])
    exuvia.migrate.uninstall()
    header, *rest = desk.lines()
    assert (header["kind"], header["format"], header["pid"], header["rehearsal"]) == ("header", 2, os.getpid(), True)
    assert set(header["fingerprints"]) == {f"{desk.name}:price"}
    assert len(header["build"]["sha256"]) == 64
    assert [line["kind"] for line in rest] == ["mode", "novel", "counters", "session", "end", "mode", "seal"]
    if os.name == "posix":
        assert stat.S_IMODE(desk.segments()[-1].stat().st_mode) == 0o600
        assert stat.S_IMODE((desk.folder / "evidence").stat().st_mode) == 0o700


def test_a_difference_is_on_disk_before_the_call_returns_and_lines_are_bounded(desk: Desk) -> None:
    price = desk.install()
    price([1, 2, 3])
    mismatch = desk.lines()[-1]
    assert mismatch["path"] == "$[2]"
    assert (mismatch["legacy"], mismatch["candidate"], mismatch["rule"]) == ("6", "7", "exact")
    assert mismatch["arguments"] == "(([1, 2, 3],), {})"
    for _ in range(100):
        price([3])
    assert sum(line["kind"] == "mismatch" for line in desk.lines()) < 10
    exuvia.migrate.uninstall()
    state = desk.status()
    assert (state.verdict, state.counts["differed"]) == ("FAIL", 101)
    assert state.places == {("$[*]", "value"): 101}


def test_processes_add_up_and_a_changed_source_starts_again(desk: Desk) -> None:
    for _ in range(2):
        price = desk.install()
        price([1])
        exuvia.migrate.uninstall()
    state = desk.status()
    assert (state.counts["compared"], state.segments, state.verdict) == (2, 2, "PASS")
    shim = desk.folder / f"{desk.name}_shim.py"
    shim.write_text(SHIM + "# another build\n")
    price = desk.install()
    price([1])
    exuvia.migrate.uninstall()
    state = desk.status()
    assert (state.counts["compared"], state.notes) == (
        1,
        [f"evidence of 2 runs with other code, rules or build is not counted; changed since: {shim}"],
    )


def test_the_fingerprint_follows_rules_and_sources_but_not_the_mode(desk: Desk) -> None:
    desk.install()
    config = exuvia.migrate.load(desk.config)
    unit = next(iter(config.units.values()))
    before = fingerprint.of_unit(config, unit)
    text = desk.config.read_text()
    for change, same in ((text.replace("shadow", "rust"), True), (text + 'compare = { "$" = "exact" }\n', False)):
        desk.config.write_text(change)
        config = exuvia.migrate.load(desk.config)
        assert (fingerprint.of_unit(config, next(iter(config.units.values()))) == before) is same


def test_a_torn_last_line_is_seen_and_the_rest_counts(desk: Desk) -> None:
    price = desk.install()
    price([1])
    exuvia.migrate.uninstall()
    path = desk.segments()[-1]
    data = path.read_bytes()
    *_, seal = _exuvia.evidence_scan(data, False)
    assert seal is not None
    path.write_bytes(data[: seal + 20])
    state = desk.status()
    assert (state.counts["compared"], state.verdict) == (1, "INCONCLUSIVE")
    assert "torn frame (20 bytes)" in state.notes[0]
    assert state.reason.startswith("its evidence is not whole: ") and "torn frame" in state.reason
    assert "--restart" in " ".join(state.nexts())


def test_evidence_that_cannot_be_written_leaves_the_program_alone(desk: Desk) -> None:
    (desk.folder / "evidence").write_text("a file where the folder should be")
    price = desk.install()
    assert price([3]) == [6]
    state = exuvia.migrate.status()[0]
    assert (state.counts["compared"], state.verdict) == (0, "INCONCLUSIVE")
    assert any("evidence stopped" in note for note in state.notes)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_stops_sampling_and_counts(desk: Desk) -> None:
    price = desk.install()
    segment = exuvia.migrate.runtime._current.segment
    segment._descriptor.close()
    segment._descriptor = Held(os.open("/dev/full", os.O_WRONLY))
    assert price([3]) == [6]
    assert price([3]) == [6]
    state = exuvia.migrate.status()[0]
    assert state.counts["skipped"] == 1
    assert any("No space left" in note for note in state.notes)
    assert segment.lost >= 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_counts_for_itself(desk: Desk) -> None:
    price = desk.install()
    price([1])
    child = os.fork()
    if child == 0:
        try:
            price([1, 2])
            exuvia.migrate.uninstall()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    price([1])
    exuvia.migrate.uninstall()
    assert len(desk.segments()) == 2
    assert desk.status().counts["compared"] == 3


def test_a_newer_format_is_named_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "1.seg"
    path.write_bytes(_exuvia.evidence_frames([json.dumps({"kind": "header", "format": evidence.FORMAT + 1}).encode()]))
    assert "newer exuvia" in str(reading.read_segment(path).trouble)


def test_three_verdicts_and_an_empty_comparison_never_passes() -> None:
    def unit(**counts: int) -> UnitStatus:
        state = UnitStatus("u")
        state.counts.update(counts)
        return state

    assert unit(compared=3).verdict == "PASS"
    assert unit().verdict == "INCONCLUSIVE"
    assert unit(compared=3, differed=1, errors=1).verdict == "FAIL"
    assert unit(compared=3, errors=1).verdict == "INCONCLUSIVE"
    assert unit(compared=1000, skipped=2).verdict == "INCONCLUSIVE"
    assert unit(compared=10_000, skipped=2).verdict == "PASS"
    assert overall([]) == "INCONCLUSIVE"
    assert overall([unit(compared=1), unit()]) == "INCONCLUSIVE"
    assert overall([unit(compared=1), unit(compared=1, differed=1), unit()]) == "FAIL"


def test_what_observing_costs_the_caller_is_in_the_evidence(desk: Desk) -> None:
    price = desk.install()
    for _ in range(5):
        assert price([1, 2]) == [2, 4]
    exuvia.migrate.uninstall()
    counts = desk.status().counts
    assert counts["observed_calls"] == counts["compared"] == 5
    assert counts["observing_ns"] > 5 * 1_000, "two copies and a comparison take more than a microsecond"
