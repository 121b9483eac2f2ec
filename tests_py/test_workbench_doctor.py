"""`exuvia doctor`: each thing that is wrong has its line, and says what to do."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest
import segments
from commands import exuvia
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.workbench import health
from exuvia.migrate.workbench.health import examine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lib.py").write_text("def f(): ...\n")
    (tmp_path / "exuvia.toml").write_text('[unit."lib:f"]\ncandidate = "shim:f"\neffect = "pure"\n')
    (tmp_path / "exuvia.toml").chmod(0o600)
    (tmp_path / "shim.py").write_text("def f(): ...\n")
    (tmp_path / "evidence").mkdir(mode=0o700)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state(name: str, **more: object) -> tuple[str, str, str]:
    """State, finding and advice of one check."""
    found = [check for check in examine(None, **more) if check.name == name]
    assert len(found) == 1, (name, found)
    return found[0].state, found[0].found, found[0].do


def test_a_healthy_project_has_no_failure(project: Path) -> None:
    checks = examine(None, preflight=True, backups=str(project))
    assert [check for check in checks if check.state == "fail"] == []
    names = {check.name for check in checks}
    assert names >= {
        "config", "extension", "second extension", "python", "units", "permissions", "disk", "page", "journal",
        "evidence files", "other writers", "clock", "back-ups",
    }  # fmt: skip
    assert all(check.do for check in checks if check.state != "ok")


def test_the_command_exits_with_1_if_something_fails(project: Path) -> None:
    good = exuvia(project, "doctor", "--json")
    assert (good.returncode, json.loads(good.stdout)["overall"]) == (0, "PASS"), good
    (project / "exuvia.toml").write_text("[exuvia]\nnope = 1\n")
    bad = exuvia(project, "doctor")
    assert bad.returncode == 1
    assert "fail  config" in bad.stdout
    assert "exuvia.toml:2: unknown key 'nope'" in bad.stdout
    assert "→ mend that line" in bad.stdout
    assert "disk" in bad.stdout, "the other checks go on"


def test_a_module_that_is_not_found_fails_with_its_line(project: Path) -> None:
    (project / "shim.py").unlink()
    verdict, found, *_ = state("units")
    assert verdict == "fail"
    assert "line 1: lib:f: candidate = 'shim:f': module 'shim' cannot be imported" in found
    assert found.endswith("exuvia scaffold lib:f")
    (project / "shim.py").write_text("def f(x):\n    return x\n")
    (project / "lib.py").rename(project / "libb.py")
    verdict, found, *_ = state("units")
    assert verdict == "fail"
    assert "did you mean 'libb'?" in found
    assert "scaffold" not in found


def test_a_candidate_that_only_a_docstring_names_is_not_found(project: Path) -> None:
    (project / "shim.py").write_text('"""Will hold f, one day."""\n\n# def f(x): ...\ndef g(x):\n    return x\n')
    verdict, found, *_ = state("units")
    assert verdict == "fail"
    assert "line 1: lib:f: 'shim:f' is unknown: 'f' is not there" in found
    (project / "shim.py").write_text('"""Holds f."""\nglobals()["f"] = len\n')
    assert state("units")[0] == "ok", "a name that a text makes may be there"


@pytest.mark.parametrize("name", ["exuvia.toml", "evidence"])
def test_what_others_may_write_fails_with_the_command_that_mends_it(project: Path, name: str) -> None:
    (project / name).chmod(0o777)
    checks = examine(None)
    wrong = next(check for check in checks if check.state == "fail")
    assert "chmod go-w" in wrong.found + wrong.do


def test_an_extension_that_does_not_load_or_is_slow_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import exuvia.build

    info = {**exuvia.build.build_info(), "profile": "debug"}
    monkeypatch.setattr(exuvia.build, "build_info", lambda: info)
    assert state("build")[0] == "warn"

    def broken() -> None:
        raise ImportError("wrong ABI")

    monkeypatch.setattr(exuvia.build, "build_info", broken)
    found = state("extension")
    assert (found[0], "wrong ABI" in found[1], "install" in found[2]) == ("fail", True, True)


def test_a_check_that_cannot_be_made_stops_no_other(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise OSError("no such device")

    monkeypatch.setattr(health.shutil, "disk_usage", broken)
    checks = examine(None)
    assert any("no such device" in check.found for check in checks)
    assert "journal" in {check.name for check in checks}


def test_a_second_copy_of_the_extension_on_the_path_fails(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = project / "old"
    (other / "exuvia").mkdir(parents=True)
    (other / "exuvia" / "_exuvia.abi3.so").write_bytes(b"")
    monkeypatch.syspath_prepend(str(other))
    found = state("second extension")
    assert (found[0], "2 copies" in found[1]) == ("fail", True)


def test_a_python_that_was_never_tested_is_a_warning(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from exuvia.migrate.dispatch import splice

    monkeypatch.setattr(splice, "TESTED", ((3, 2),))
    assert state("python")[0] == "warn"


def test_a_full_disk_and_a_folder_that_cannot_be_written_fail(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _: type("U", (), {"free": 5_000_000})())
    assert state("disk")[:2] == ("fail", f"5 MB free at {project / 'evidence'}")
    monkeypatch.setattr(health.os, "access", lambda *_: False)
    assert state("evidence")[0] == "fail"


def test_a_network_file_system_means_a_slow_rollback(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_file_system", lambda _: "nfs4")
    found = state("page")
    assert (found[0], "slow" in found[2]) == ("warn", True)


def test_a_broken_journal_and_a_newer_format_fail(project: Path) -> None:
    (project / "evidence" / modes.JOURNAL).write_text("rubbish\n")
    (project / "evidence" / modes.JOURNAL).chmod(0o600)
    assert state("journal")[0] == "fail"


def test_what_the_journal_holds_in_legacy_is_counted_and_the_way_back_is_said(project: Path) -> None:
    assert state("journal")[:2] == ("ok", "empty: every unit stands where the file says")
    (project / "exuvia.toml").write_text(
        '[unit."lib:f"]\ncandidate = "shim:f"\neffect = "pure"\nmode = "shadow"\n'
        '[unit."lib:g"]\ncandidate = "shim:g"\neffect = "pure"\n'
    )
    (project / "lib.py").write_text("def f(): ...\ndef g(): ...\n")
    modes.append(project / "evidence", "*", "legacy", "rolled back by hand")
    found = state("journal")
    assert found[0] == "warn"
    assert found[1].startswith("1 of 2 units are held below the file: lib:f in legacy (")
    assert "mode journal" in found[1]
    assert "exuvia promote" in found[2]
    modes.append(project / "evidence", "lib:f", "shadow", "again")
    assert state("journal")[:2] == ("ok", "2 entries: every unit stands where the file says")


def test_a_unit_that_runs_under_broken_glass_is_said(project: Path) -> None:
    (project / "exuvia.toml").write_text('[unit."lib:f"]\ncandidate = "shim:f"\neffect = "pure"\nmode = "rust"\n')
    until = time.time_ns() + 3_600_000_000_000
    more = {"break_glass": "venue is down", "until_ns": until, "was": "shadow"}
    modes.append(project / "evidence", "lib:f", "rust", "by hand", **more)
    found = state("broken glass")
    assert (found[0], found[1]) == ("warn", "lib:f runs in rust without a PASS: venue is down")
    assert "exuvia rollback" in found[2]
    more["until_ns"] = time.time_ns() - 1
    modes.append(project / "evidence", "lib:f", "rust", "by hand", **more)
    assert not [check for check in examine(None) if check.name == "broken glass"]


def test_two_builds_or_configurations_at_once_fail(project: Path) -> None:
    config = str(project / "exuvia.toml")
    header = {"fingerprints": {}, "build": {"sha256": "a"}, "config": config}
    Segment(project / "evidence", header)
    assert state("other writers", preflight=True)[0] == "ok"
    Segment(project / "evidence", {**header, "config": "/elsewhere.toml"})
    assert "another configuration" in state("other writers", preflight=True)[1]
    Segment(project / "evidence", {**header, "build": {"sha256": "b"}})
    assert "2 builds" in state("other writers", preflight=True)[1]


def test_a_clock_that_was_set_back_fails(project: Path) -> None:
    later = time.time() + 3600
    path = project / "evidence" / "x.jsonl"
    path.write_text("")
    os.utime(path, (later, later))
    assert state("clock", preflight=True)[0] == "fail"


def test_back_ups_must_be_there_whole_and_young(project: Path) -> None:
    folder = project / "backups"
    assert state("back-ups", preflight=True)[0] == "warn"
    assert state("back-ups", preflight=True, backups=str(folder))[0] == "fail"
    folder.mkdir()
    (folder / "state.json").write_text("")
    assert state("back-ups", preflight=True, backups=str(folder))[0] == "fail"
    (folder / "state.json").write_text("{}")
    assert state("back-ups", preflight=True, backups=str(folder))[0] == "ok"
    old = state("back-ups", preflight=True, backups=str(folder), now=lambda: time.time() + 100 * 3600)
    assert (old[0], "100 h old" in old[1]) == ("fail", True)


def test_evidence_of_another_machine_that_has_no_end_is_a_warning_with_its_name(project: Path) -> None:
    segment = Segment(project / "evidence", {"fingerprints": {}, "config": str(project / "exuvia.toml")})
    segment.abandon()
    (path,) = segments.files(project / "evidence")
    segments.rewrite(path, lambda line: {**line, "host": "elsewhere"} if line["kind"] == "header" else line)
    assert state("other writers", preflight=True)[:2] == ("warn", "files of elsewhere have no end")
