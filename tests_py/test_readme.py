"""The README's ten minutes, step by step: a newcomer who types what stands there reaches a shadow comparison."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Adopt it in ten minutes\n")[2].partition("\n## ")[0]


def fences(kind: str) -> list[str]:
    found = re.findall(rf"^( *)```{kind}\n(.*?)^\1```", SECTION, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]


def said(text: str) -> str:
    """A piece of the configuration or a command, as the README says it: what it does not say fails the test."""
    lines = [line.partition("  #")[0].strip() for line in SECTION.splitlines()]
    assert f"`{text}`" in SECTION or text in lines, f"the README no longer says {text}"
    return text


def typed() -> list[tuple[str, list[str]]]:
    """The commands of the section's consoles, in order, each with what the README says that it prints."""
    found: list[tuple[str, list[str]]] = []
    for line in (line for block in fences("console") for line in block.splitlines()):
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


class Newcomer:
    """Somebody with a bot and the README."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "exuvia.toml"
        legacy, candidate = fences("python")
        (folder / "mybot").mkdir()
        (folder / "mybot" / "vwap.py").write_text(legacy)
        (folder / "mybot" / "candidate.py").write_text(candidate)
        (folder / "mybot" / "__main__.py").write_text(fences("py")[0])
        (folder / "pyproject.toml").touch()
        self.config.write_text(fences("toml")[0])

    def types(self, command: str, expected: int | None = 0) -> str:
        program, *words = shlex.split(command)
        assert program == "exuvia"
        done = subprocess.run(
            [sys.executable, "-P", "-m", "exuvia", *words],
            cwd=self.folder,
            env={**{name: os.environ[name] for name in os.environ if not name.startswith("EXUVIA_")}, "COLUMNS": "100"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert expected is None or done.returncode == expected, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def edits(self, before: str, after: str) -> None:
        text = self.config.read_text()
        assert text.count(before) == 1
        self.config.write_text(text.replace(before, after))


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


def test_the_steps_lead_to_a_comparison_in_shadow_and_print_what_stands_there(newcomer: Newcomer) -> None:
    (worth, _), (promote, checks), (run, _), (status, table) = typed()
    judged = newcomer.types(worth, expected=None)
    assert "on record: mybot.vwap:vwap: " in judged
    printed = newcomer.types(promote).splitlines()
    # The verdict depends on how fast this machine is; that it is named does not.
    assert printed[:-2] == checks[:-2]
    assert printed[-2].startswith(checks[-2].partition(" (the verdict was: ")[0])
    assert printed[-1] == checks[-1]
    assert newcomer.types(run) == "", "a unit that stands where it should says nothing"
    shown = newcomer.types(status, expected=1)
    for line in table[2:]:
        words = re.sub(r"[\d.,]+", "#", line.partition(" (the verdict")[0]).partition("(# ulp")[0].strip()
        assert words in re.sub(r"[\d.,]+", "#", shown), (line, shown)
    heads, row = shown.splitlines()[:2]
    assert heads.split() == table[0].split()
    assert (row.split()[:5], row.split()[-1]) == (table[1].split()[:5], "FAIL")


def test_without_the_promotion_legacy_serves_alone_and_everything_says_what_to_run(newcomer: Newcomer) -> None:
    command = "exuvia promote mybot.vwap:vwap --to shadow"
    way = f"stands in legacy; the file allows shadow: run {command}"
    assert way in newcomer.types("exuvia run -m mybot")
    assert way in " ".join(newcomer.types("exuvia status", expected=3).split())
    assert f"{way}\n" in newcomer.types("exuvia doctor", expected=None)
    newcomer.types("exuvia report -o report.html", expected=3)
    page = (newcomer.folder / "report.html").read_text()
    assert way in page
    assert "every unit stands in legacy. Promote one to shadow" in page
    refused = newcomer.types(command, expected=3)
    assert "mybot.vwap:vwap: refused, INCONCLUSIVE: worth\n" in refused
    assert "next: exuvia worth --record --unit mybot.vwap:vwap -m PROGRAM\n" in refused
    assert f'or {command} --override "REASON"\n' in refused


def test_what_is_accepted_passes_and_a_rehearsal_flips_it_and_takes_it_back(newcomer: Newcomer) -> None:
    for command, _ in typed()[1:3]:
        newcomer.types(command)
    rules = said('compare = { "$" = "ulp:16" }')
    newcomer.edits('effect = "pure"\n', f'effect = "pure"\n{rules}\n')
    newcomer.types("exuvia run -m mybot")
    assert "overall: PASS" in newcomer.types("exuvia status")
    rehearsal = said("rehearsal = true"), said('endpoints = ["http://127.0.0.1:8080"]')
    newcomer.edits("[exuvia]\n", "\n".join(["[exuvia]", *rehearsal, ""]))
    newcomer.edits('mode = "shadow"', said('mode = "rust"'))
    final = tomllib.loads(fences("toml")[1])
    assert tomllib.loads(newcomer.config.read_text()) == final, (
        "the file that the README shows is the one that came about"
    )
    newcomer.types("exuvia run -m mybot")
    assert "mybot.vwap:vwap: rust; " in newcomer.types(said("exuvia promote mybot.vwap:vwap --to rust"))
    newcomer.types("exuvia run -m mybot")
    assert re.search(r"^mybot\.vwap:vwap +rust +\d+ +199 ", newcomer.types("exuvia status"), re.MULTILINE)
    # What was promoted in the rehearsal counts in rehearsals only.
    newcomer.edits("rehearsal = true", "rehearsal = false")
    alone = newcomer.types("exuvia run -m mybot")
    assert "was promoted in a rehearsal only, which does not count, so it stands in legacy" in alone
    newcomer.edits("rehearsal = false", "rehearsal = true")
    newcomer.types(said("exuvia rollback"))
    newcomer.types("exuvia run -m mybot")
    assert "rust→legacy" in newcomer.types("exuvia status", expected=None)


def test_every_command_of_the_steps_may_be_typed_a_second_time(newcomer: Newcomer) -> None:
    worth, promote, run, status = (command for command, _ in typed())
    for seen in (199, 398):
        newcomer.types(worth)
        newcomer.types(promote)
        newcomer.types(run)
        assert f" {seen} " in newcomer.types(status, expected=1)
    newcomer.config.write_text(fences("toml")[1])
    newcomer.types(run)
    for already in (False, True):
        said_so = newcomer.types(said("exuvia promote mybot.vwap:vwap --to rust"))
        assert ("rust; it stood there already" in said_so) is already
        newcomer.types(run)
        assert "wrote report.html — overall PASS" in newcomer.types(said("exuvia report -o report.html"))
    # From higher up the first steps are refused, and the way is said, word by word.
    above = newcomer.types(promote, expected=2)
    back = "exuvia rollback mybot.vwap:vwap, then exuvia promote mybot.vwap:vwap --to shadow"
    assert back in above
    for _ in range(2):
        newcomer.types(said("exuvia rollback"))
    for command in (worth, promote, run):
        newcomer.types(command)
    kept = newcomer.config.read_text()
    assert "exuvia.toml is there already, and stays" in newcomer.types("exuvia init", expected=2)
    assert newcomer.config.read_text() == kept


def test_a_rehearsal_follows_its_file_into_rust_where_the_journal_says_nothing(newcomer: Newcomer) -> None:
    assert "**A rehearsal follows its file into rust**" in SECTION
    newcomer.config.write_text(fences("toml")[1])
    newcomer.types("exuvia run -m mybot")
    served = r"^mybot\.vwap:vwap +rust +\d+ +199 "
    assert re.search(served, newcomer.types("exuvia status", expected=None), re.MULTILINE)
    newcomer.types("exuvia rollback")
    newcomer.types("exuvia run -m mybot")
    assert "rust→legacy" in newcomer.types("exuvia status", expected=None)
