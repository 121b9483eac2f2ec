"""`exuvia eject`: afterwards the program runs, and its tests pass, where exuvia is not installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BOT = ROOT / "examples" / "legacy_bot"
CONFIG = """
[exuvia]
rehearsal = true
[unit."legacy_bot.bars:aggregate"]
candidate = "exuvia_shims.legacy_bot_bars:aggregate"
effect = "pure"
mode = "shadow"
[unit."legacy_bot.scan:decide"]
candidate = "candidates:decide"
effect = "pure"
"""


def exuvia(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EXUVIA_", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-m", "exuvia", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def tree(folder: Path) -> dict[str, str]:
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_text(errors="replace") for path in paths}


@pytest.fixture
def without_exuvia(tmp_path: Path) -> list[str]:
    """An interpreter with everything that is installed here but exuvia."""
    folder = tmp_path / "installed"
    folder.mkdir()
    for site in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for path in Path(site).iterdir():
            if not path.name.startswith(("exuvia", "__pycache__", "_exuvia")) and path.suffix != ".pth":
                (folder / path.name).symlink_to(path)
    code = (
        "import runpy, sys; sys.path[:0] = ['', sys.argv.pop(1)]; sys.argv.pop(0); "
        "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
    )
    python = [sys.executable, "-S", "-c", code, str(folder)]
    probe = subprocess.run([*python, "exuvia"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "No module named exuvia" in probe.stderr
    return python


@pytest.fixture
def adopted(tmp_path: Path) -> Path:
    """The legacy bot with exuvia in it, in every way in which it comes."""
    for package in ("pandas", "pyarrow", "websockets", "yaml", "requests"):
        pytest.importorskip(package)
    bot = Path(shutil.copytree(BOT, tmp_path / "bot", ignore=shutil.ignore_patterns("__pycache__")))
    (bot / "exuvia.toml").write_text(CONFIG)
    (bot / "exuvia.toml").chmod(0o600)
    assert exuvia(bot, "scaffold", "legacy_bot.bars").returncode == 0
    shutil.copy(ROOT / "examples" / "demo" / "candidates.py", bot)
    (bot / "evidence").mkdir()
    (bot / "evidence" / "1-host-1.jsonl").write_text("{}\n")
    change = bot / "legacy_bot" / "__main__.py"
    text = change.read_text()
    head, mark, rest = text.partition("import argparse")
    assert mark, "the bot's entry has changed: adapt this test"
    change.write_text(f"{head}import exuvia.migrate\n\nexuvia.migrate.install()\n{mark}{rest}")
    runner = bot / "legacy_bot" / "runner.py"
    runner.write_text("from exuvia_shims.legacy_bot_bars import aggregate as fast_aggregate\n" + runner.read_text())
    scan = bot / "legacy_bot" / "scan.py"
    scan.write_text(
        scan.read_text()
        + "\n\ntry:\n    from exuvia.migrate import install\n    install()\nexcept ImportError:\n    pass\n"
        + "\n\ndef moult():\n    import exuvia.migrate as m\n    m.install()\n"
    )
    (bot / "requirements.txt").write_text((bot / "requirements.txt").read_text() + "exuvia[numpy]>=0.1  # moult\n")
    (bot / "Dockerfile").write_text(
        "FROM python\nCMD python -m exuvia run --config exuvia.toml -m legacy_bot --url x\n"
    )
    (bot / "pyproject.toml").write_text(
        '[project]\nname = "bot"\nversion = "1"\ndependencies = ["exuvia>=0.1", "pandas"]\n'
    )
    return bot


def test_after_an_ejection_the_bots_tests_pass_where_exuvia_is_not_installed(
    adopted: Path, without_exuvia: list[str]
) -> None:
    words = ["pytest", "-q", "-p", "no:cacheprovider", "-x"]
    command = [*without_exuvia, *words, "tests/test_run.py", "tests/test_config.py"]
    before = subprocess.run(command, cwd=adopted, capture_output=True, text=True, check=False)
    assert before.returncode != 0, "the adopted bot needs exuvia, else this test shows nothing"
    shown = exuvia(adopted, "eject", "--json")
    assert shown.returncode == 0, shown
    assert json.loads(shown.stdout)["by_hand"] == []
    done = exuvia(adopted, "eject", "--write")
    assert done.returncode == 0, done
    left = {name: text for name, text in tree(adopted).items() if "exuvia" in text and not name.endswith(".md")}
    assert left == {}
    for name in ("exuvia.toml", "exuvia_shims", "candidates.py", "evidence"):
        assert not (adopted / name).exists(), name
    assert "python -m legacy_bot --url x" in (adopted / "Dockerfile").read_text()
    assert 'dependencies = ["pandas"]' in (adopted / "pyproject.toml").read_text()
    assert (
        "from legacy_bot.bars import aggregate as fast_aggregate" in (adopted / "legacy_bot" / "runner.py").read_text()
    )
    after = subprocess.run([*without_exuvia, *words], cwd=adopted, capture_output=True, text=True, check=False)
    assert after.returncode == 0, after.stdout[-2000:] + after.stderr[-2000:]
    assert " passed" in after.stdout
    again = exuvia(adopted, "eject", "--write")
    assert "nothing of exuvia was found" in again.stdout


def test_without_write_nothing_changes_and_the_difference_is_shown(adopted: Path) -> None:
    before = tree(adopted)
    done = exuvia(adopted, "eject")
    assert done.returncode == 0
    assert "-exuvia.migrate.install()" in done.stdout
    assert "+from legacy_bot.bars import aggregate as fast_aggregate" in done.stdout
    assert "remove " in done.stdout
    assert tree(adopted) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import exuvia\nprint(exuvia.bars.aggregate([], every='5m'))\n", "prog.py:2"),
        ("import exuvia.migrate\nstate = exuvia.migrate.install()\n", "prog.py:2"),
        ("import exuvia.migrate; exuvia.migrate.install()\n", "shares its line"),
        ("import exuvia_shims.lib\nexuvia_shims.lib.f()\n", "binds a shim by its own name"),
        ("import exuvia\n  broken\n", "cannot be parsed"),
    ],
)
def test_what_no_rule_covers_is_named_and_then_nothing_is_written(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "lib.py").write_text("def f():\n    return 1\n")
    (tmp_path / "exuvia_shims").mkdir()
    (tmp_path / "exuvia_shims" / "__init__.py").write_text("")
    (tmp_path / "exuvia_shims" / "lib.py").write_text("def f():\n    return 1\n")
    (tmp_path / "exuvia.toml").write_text('[unit."lib:f"]\ncandidate = "exuvia_shims.lib:f"\neffect = "pure"\n')
    (tmp_path / "exuvia.toml").chmod(0o600)
    (tmp_path / "prog.py").write_text(text)
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, said in done.stdout) == (1, True), done
    assert tree(tmp_path) == before


def test_a_folder_that_holds_more_than_evidence_stays(tmp_path: Path) -> None:
    (tmp_path / "exuvia.toml").write_text('[exuvia]\nevidence = "data/"\n')
    (tmp_path / "exuvia.toml").chmod(0o600)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "trades.csv").write_text("mine")
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, "holds more than evidence" in done.stdout) == (0, True), done
    assert (tmp_path / "data" / "trades.csv").read_text() == "mine"
    assert not (tmp_path / "exuvia.toml").exists()
    (tmp_path / "exuvia.toml").write_text('[exuvia]\nevidence = "."\n')
    (tmp_path / "exuvia.toml").chmod(0o600)
    exuvia(tmp_path, "eject", "--write")
    assert (tmp_path / "data" / "trades.csv").exists()
