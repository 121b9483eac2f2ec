"""Generators on record: what they were asked and gave is replayed, and a difference becomes a test of its own."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from commands import exuvia, python

if TYPE_CHECKING:
    from pathlib import Path

BOT = """
def items(n):
    for i in range(n):
        yield {each}
    return {end}
def echo(n):
    got = 0
    while True:
        try:
            got = yield got + {step}
        except KeyError:
            got = -n
def endless(n):
    while True:
        yield n
        n += {grow}
async def stream(n):
    for i in range(n):
        sent = yield {each}
class Book:
    def __init__(self, start):
        self.total = start
    def walk(self, n):
        for i in range(n):
            self.total += {step}
            yield self.total
        return self.total
    def add(self, n):
        self.total += n
        return self.total
"""
LEGACY = {"each": "i * 2", "end": "n", "step": "1", "grow": "1"}
UNITS = ("items", "echo", "endless", "stream", "Book")
MAIN = """
import asyncio, bot
for n in range(2, 26):
    list(bot.items(n))
    made = bot.echo(n)
    next(made), made.send([n][0]), made.throw(KeyError(n)), made.close()
    made = bot.endless(n)
    for _ in range({taken}):
        next(made)
    del made
    book = bot.Book(n)
    assert list(book.walk(3))[-1] == book.add(0)
async def all_of(n):
    made = bot.stream(n)
    return [item async for item in made]
for n in range(2, 26):
    asyncio.run(all_of(n))
"""


def project(folder: Path, taken: int = 3, **changed: str) -> Path:
    """A program whose generators were recorded; the candidate is what was changed of it."""
    config = '[exuvia]\nrehearsal = true\nendpoints = ["http://127.0.0.1:1"]\n'
    config += "".join(
        f'[unit."bot:{unit}"]\ncandidate = "shim:{unit}"\neffect = "pure"\nmode = "shadow"\nrecord = 100\n'
        for unit in UNITS
    )
    texts = {
        "bot.py": BOT.format(**LEGACY),
        "shim.py": BOT.format(**{**LEGACY, **changed}),
        "main.py": MAIN.format(taken=taken),
        "exuvia.toml": config,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    done = exuvia(folder, "run", "main.py")
    assert done.returncode == 0, done
    return folder


def run(file: Path) -> subprocess.CompletedProcess[str]:
    return python(file.parent, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file))


def test_recorded_generators_replay_and_equal_themselves(tmp_path: Path) -> None:
    project(tmp_path)
    for command in ("replay", "aa"):
        done = exuvia(tmp_path, command)
        assert done.returncode == 0, done
        assert "not recorded" not in done.stdout
    assert "legacy itself answers" not in exuvia(tmp_path, "replay").stdout
    assert "compared, not recorded" not in exuvia(tmp_path, "status").stdout


@pytest.mark.parametrize(
    ("unit", "changed", "path"),
    [
        ("items", {"each": "i * 2 if i < 2 else i"}, "$[2]"),
        ("items", {"end": "-n"}, "$"),
        ("echo", {"step": "2"}, "$[0]"),
        ("stream", {"each": "i * 2 if i < 2 else i"}, "$[2]"),
        ("Book", {"step": "2"}, "$[0]"),
    ],
)
def test_a_difference_of_a_generator_becomes_a_test_that_fails_until_it_is_mended(
    tmp_path: Path, unit: str, changed: dict[str, str], path: str
) -> None:
    project(tmp_path, **changed)
    replayed = exuvia(tmp_path, "replay", f"bot:{unit}")
    assert (replayed.returncode, f"{path} (value)" in replayed.stdout) == (1, True), replayed
    made = exuvia(tmp_path, "repro", f"bot:{unit}")
    assert made.returncode == 0, made
    (file,) = tmp_path.glob("test_repro_*.py")
    failed = run(file)
    assert (failed.returncode, f"{path} (value)" in failed.stdout) == (1, True), failed.stdout
    (tmp_path / "shim.py").write_text(BOT.format(**LEGACY))
    mended = run(file)
    assert mended.returncode == 0, mended.stdout


def test_what_was_sent_and_thrown_into_a_generator_is_in_the_repro(tmp_path: Path) -> None:
    project(tmp_path, step="1 if got < 1000 else 2")
    assert exuvia(tmp_path, "replay", "bot:echo").returncode == 0
    (tmp_path / "shim.py").write_text(BOT.format(**{**LEGACY, "step": "(1 if got != 7 else 2)"}))
    made = exuvia(tmp_path, "repro", "bot:echo")
    assert made.returncode == 0, made
    (file,) = tmp_path.glob("test_repro_*.py")
    text = file.read_text()
    assert '("send", 7)' in text.replace("'", '"'), text
    assert "KeyError" in text
    assert run(file).returncode == 1


def test_an_endless_generator_is_recorded_so_far_and_that_is_said(tmp_path: Path) -> None:
    project(tmp_path, taken=1200, grow="1 if n < 9 else 2")
    for command in ("replay", "aa"):
        done = exuvia(tmp_path, command, "bot:endless")
        assert "are of generators that had not ended when they were recorded" in done.stdout, done
        assert "1,000 steps" in done.stdout
    made = exuvia(tmp_path, "repro", "bot:endless")
    assert "are of generators that had not ended" in made.stdout, made
    (file,) = tmp_path.glob("test_repro_*.py")
    assert '("next", None)] * 1000' in file.read_text()
    assert run(file).returncode == 1


def test_an_ejection_takes_the_test_of_a_generator_that_repro_wrote(tmp_path: Path) -> None:
    project(tmp_path, end="-n", each="-i")
    for unit in ("items", "stream"):
        assert exuvia(tmp_path, "repro", f"bot:{unit}").returncode == 0
    files = list(tmp_path.glob("test_repro_*.py"))
    assert len(files) == 2
    assert all("def drive(" in file.read_text() for file in files)
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, "by hand" in done.stdout) == (0, False), done
    assert not [file for file in files if file.exists()]
