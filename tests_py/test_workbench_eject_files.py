"""What exuvia itself wrote goes with `exuvia eject`, each file with its reason; what a user wrote beside it stays."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import exuvia
from ejecting import candidate, tree


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


@pytest.mark.parametrize("name", ["prices.parquet", "keys.json", "trades.jsonl", "a.lock", "date=2026-11-20/own.json"])
def test_a_file_that_exuvia_did_not_write_keeps_the_evidence_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "exuvia.toml").write_text("[exuvia]\n")
    (tmp_path / "exuvia.toml").chmod(0o600)
    mine = tmp_path / "evidence" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, "holds more than evidence" in done.stdout) == (0, True), done
    assert "exuvia is out, but for what stays" in done.stdout
    assert mine.read_text() == "mine"


def test_the_evidence_of_a_program_that_ran_and_was_rolled_back_goes_whole(tmp_path: Path) -> None:
    candidate(tmp_path, "exuvia_shims.lib:slow", 'mode = "shadow"\n')
    (tmp_path / "exuvia.toml").write_text("[exuvia]\nrehearsal = true\n" + (tmp_path / "exuvia.toml").read_text())
    (tmp_path / "prog.py").write_text("import lib\nfor n in range(30):\n    lib.slow(n)\n")
    assert exuvia(tmp_path, "scaffold", "lib:slow").returncode == 0
    assert exuvia(tmp_path, "run", "prog.py").returncode == 0
    assert exuvia(tmp_path, "rollback").returncode == 0
    left = {path.name for path in (tmp_path / "evidence").iterdir()}
    assert {"modes.jsonl", "modes.head", "modes.page"} <= left
    for name in ("hooks.log", "restarts.jsonl", "compact.lock"):
        (tmp_path / "evidence" / name).touch()
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert "exuvia is out: run" in done.stdout
    assert set(tree(tmp_path)) == {"lib.py", "prog.py"}


def test_what_exuvia_wrote_for_people_goes_too_and_comments_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("PATH = 'exuvia.toml'\ndef f(x):\n    return x\n")
    (tmp_path / "candidate.py").write_text("def f(x):\n    return x + 1\n")
    (tmp_path / "prog.py").write_text(
        "import exuvia.migrate\nexuvia.migrate.install()\nimport m\nfor n in range(9):\n    m.f(n)\n"
    )
    unit = '[unit."m:f"]\ncandidate = "candidate:f"\neffect = "pure"\nmode = "shadow"\n'
    head = '[exuvia]\nrehearsal = true\nendpoints = ["http://127.0.0.1:9"]\n'
    (tmp_path / "exuvia.toml").write_text(head + unit)
    (tmp_path / "exuvia.toml").chmod(0o600)
    (tmp_path / "other.toml").write_text("# start it with: exuvia run -m prog\n[tool]\n")
    subprocess.run([sys.executable, "prog.py"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert exuvia(tmp_path, "repro", "m:f", "-o", "tests").returncode == 0
    assert exuvia(tmp_path, "report").returncode == 1, "it differs"
    shutil.copy(tmp_path / "exuvia.toml", tmp_path / "exuvia.toml.bak")
    (tmp_path / "mine.html").write_text("<html>")
    assert {"exuvia-report.html", "exuvia.toml.bak"} <= set(tree(tmp_path))
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    left = tree(tmp_path)
    assert set(left) == {"m.py", "candidate.py", "prog.py", "other.toml", "mine.html"}
    assert left["other.toml"].startswith("# start it with: exuvia run -m prog\n")


def test_the_plan_names_every_file_that_would_go_with_the_reason(tmp_path: Path) -> None:
    candidate(tmp_path, "exuvia_shims.lib:slow")
    assert exuvia(tmp_path, "scaffold", "lib:slow").returncode == 0
    (tmp_path / "page.html").write_text('<html><meta name="generator" content="exuvia report">')
    (tmp_path / "exuvia.toml.bak").write_text("")
    before = tree(tmp_path)
    shown = exuvia(tmp_path, "eject").stdout
    for name, why in (
        ("exuvia.toml", "the configuration"),
        ("exuvia.toml.bak", "exuvia init put it aside"),
        ("page.html", "exuvia report wrote it: copy it elsewhere to keep it"),
        ("exuvia_shims/lib.py", "exuvia scaffold wrote it"),
        ("exuvia_shims/__init__.py", "the package of shims, exuvia_shims, has nothing else in it"),
    ):
        assert f"remove {tmp_path / name}: {why}\n" in shown
    assert tree(tmp_path) == before
    asked = json.loads(exuvia(tmp_path, "eject", "--json").stdout)
    assert set(asked["why"]) == set(asked["removed"])
    done = exuvia(tmp_path, "eject", "--write")
    assert done.stdout.count("removed ") == len(asked["removed"])
    assert set(tree(tmp_path)) == {"lib.py"}


REPRO = '"""lib:slow and {0} differ.\n\nWritten by `exuvia repro lib:slow --id 1`; arguments were made small.\n"""\n'


def repro(candidate_of: str, first: str, more: str = "") -> str:
    body = f'def load(name):\n    return name\n\n\ndef test_a_1():\n    assert load("{candidate_of}")\n'
    return REPRO.format(candidate_of) + f"{first}\n\n\n{body}{more}"


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        (repro("mine:fast", "from exuvia.migrate import Comparator"), "it needs exuvia, which goes"),
        (repro("exuvia_shims.lib:slow", "import lib"), "it needs exuvia_shims.lib, which goes"),
        (repro("mine:fast", "import lib"), ""),
    ],
)
def test_a_repro_test_stays_where_it_runs_without_what_goes(tmp_path: Path, text: str, goes: str) -> None:
    candidate(tmp_path, "exuvia_shims.lib:slow")
    assert exuvia(tmp_path, "scaffold", "lib:slow").returncode == 0
    (tmp_path / "test_repro_a_1.py").write_text(text)
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert (goes or "exuvia repro wrote it, and it needs no exuvia: it stays") in done.stdout
    assert tree(tmp_path).get("test_repro_a_1.py") == (None if goes else text)


def test_a_test_that_its_user_added_to_a_repro_file_is_never_removed_with_it(tmp_path: Path) -> None:
    candidate(tmp_path, "lib:other")
    text = repro("mine:fast", "from exuvia.migrate import Comparator", "\n\ndef test_mine():\n    assert Comparator\n")
    (tmp_path / "test_repro_a_1.py").write_text(text)
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, "test_mine is not of exuvia repro" in done.stdout) == (1, True), done
    assert tree(tmp_path) == before


def test_only_what_init_put_aside_goes_and_what_its_user_named_alike_stays(tmp_path: Path) -> None:
    candidate(tmp_path, "lib:other")
    (tmp_path / "exuvia.toml.bak.d").mkdir()
    (tmp_path / "exuvia.toml.bak.3").mkdir()
    mine = {
        "exuvia.toml.backup-of-mine": "mine\n",
        "exuvia.toml.bak.old": "mine\n",
        "exuvia.toml.bak.d/notes.txt": "my notes\n",
        "exuvia.toml.bak.3/notes.txt": "my notes\n",
    }
    for name, text in mine.items():
        (tmp_path / name).write_text(text)
    for _ in range(2):
        assert exuvia(tmp_path, "init", "--force").returncode == 0
    assert {"exuvia.toml.bak", "exuvia.toml.bak.2"} <= set(tree(tmp_path))
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert tree(tmp_path) == {"lib.py": (tmp_path / "lib.py").read_text(), **mine}
