"""What people read: the headline, the remarks below the table, progress, and that the extension is broken."""

from __future__ import annotations

import io
import json
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from exuvia.migrate import extension
from exuvia.migrate.cli import main as cli
from exuvia.migrate.cli import shared, status
from exuvia.migrate.face import first, table
from exuvia.migrate.gates.verdict import UnitStatus
from rich.text import Text

CONFIG = '[unit."bot:price"]\ncandidate = "shim:price"\neffect = "pure"\nmode = "{mode}"\n'


def state(unit: str = "bot:price", mode: str = "shadow", **counts: int) -> UnitStatus:
    made = UnitStatus(unit, mode=mode)
    made.counts.update(counts)
    return made


def headline(*states: UnitStatus) -> str:
    return first.headline(list(states), [], rehearsal=True)


def test_a_unit_in_shadow_that_was_never_called_is_to_be_run_first() -> None:
    assert "Nothing was compared yet: run the program in shadow first." in headline(state())


def test_a_unit_that_serves_without_a_comparison_is_not_said_to_be_exact() -> None:
    said = headline(state(mode="rust"))
    assert ">Nothing was compared yet." in said
    assert "exactly" not in said


def test_of_what_too_little_is_known_the_first_unit_and_its_reason_are_named() -> None:
    little = state("bot:size", compared=3)
    little.troubles.append("a file is damaged")
    assert little.verdict == "INCONCLUSIVE"
    assert f" Of 1 unit too little is known: bot:size, {little.reason}." in headline(little)


def rendered(made: UnitStatus, columns: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = io.StringIO()
    table.render([made], out)
    return out.getvalue()


def test_what_the_candidate_raised_and_its_pace_stand_below_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    made = state(compared=40_000, answered=3, same_errors=2, unanswered=1)
    made.paired = [(1000, [-13_863] * 40)]
    assert made.speedup is not None
    assert made.speedup < 1.0
    said = rendered(made, 100, monkeypatch)
    assert "legacy answered ×3 for a candidate that raised" in said
    assert "both sides raised the same ×2" in said
    assert "the candidate raised ×1, and legacy could not answer" in said
    assert f"slower than legacy: {made.pace} its speed, where it was compared" in said
    silent = rendered(state(compared=1), 100, monkeypatch)
    assert "raised" not in silent
    assert "slower" not in silent


def test_a_remark_that_cannot_be_folded_stays_whole() -> None:
    long = Text("a" * 50 + " " * 60)
    assert table._folded(long, 60) == [long]
    short, rest = table._folded(Text("one two three"), 9)
    assert (short.plain, rest.plain.strip()) == ("one two", "three")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_that_goes_again_and_is_shown_to_people_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    watched, piped = Terminal(), io.StringIO()
    monkeypatch.setattr("sys.stderr", watched)
    with shared.progress() as told:
        told("1 of 2")
        told("x" * 500)
    assert watched.getvalue() == "\r\x1b[K1 of 2\r\x1b[K" + "x" * 99 + "\r\x1b[K"
    watched.truncate(0)
    with pytest.raises(ZeroDivisionError), shared.progress():
        raise ZeroDivisionError
    assert watched.getvalue().endswith("\r\x1b[K")
    monkeypatch.setattr("sys.stderr", piped)
    with shared.progress() as told:
        told("1 of 2")
    assert piped.getvalue() == ""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("bot", "shim"):
        (tmp_path / f"{name}.py").write_text("def price(n):\n    return n\n")
    path = tmp_path / "exuvia.toml"
    path.write_text(CONFIG.format(mode="shadow"))
    path.chmod(0o600)
    monkeypatch.chdir(tmp_path)
    return path


def test_without_the_extension_status_says_who_serves_and_how_to_mend_it(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extension, "trouble", lambda: "the extension does not load (ImportError: odd)")
    code = cli.main(["status"])
    said = capsys.readouterr().out
    assert code != 0
    assert "the evidence cannot be read: the extension does not load (ImportError: odd)" in said
    assert "bot:price  legacy  INCONCLUSIVE" in said
    assert "legacy serves, file and journal say legacy: the extension does not load" in said
    assert extension.REPAIR in said
    assert said.endswith("overall: INCONCLUSIVE\n")
    assert cli.main(["status", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["overall"] == "INCONCLUSIVE"
    config.write_text(CONFIG.format(mode="rust"))
    assert cli.main(["status"]) == code


def test_a_command_that_needs_what_does_not_load_says_so_and_no_more(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> int:
        raise ImportError("cannot import name 'Comparator'")

    monkeypatch.setattr(status, "_status", broken)
    with pytest.raises(ImportError, match="Comparator"):
        cli.main(["status"])
    monkeypatch.setattr(extension, "trouble", lambda: "the extension does not load (ImportError: odd)")
    assert cli.main(["status"]) == 2
    said = capsys.readouterr().err
    assert said == f"exuvia status: the extension does not load (ImportError: odd): {extension.REPAIR}\n"
    assert config.is_file()


def test_what_lies_where_the_extension_should_lie_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "exuvia"
    (package / "migrate").mkdir(parents=True)
    monkeypatch.setattr(extension, "__file__", str(package / "migrate" / "extension.py"))
    assert extension._beside() == "; no file of it is there"
    (package / "_exuvia.cpython-399-other.so").touch()
    assert extension._beside() == "; there is only _exuvia.cpython-399-other.so, which is for another"
    (package / f"_exuvia{EXTENSION_SUFFIXES[0]}").touch()
    assert extension._beside() == ""
