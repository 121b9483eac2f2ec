"""`exuvia eject`: afterwards the program runs, and its tests pass, where exuvia is not installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from commands import exuvia

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
    left = {name for name, text in tree(adopted).items() if "exuvia" in text and not name.endswith(".md")}
    assert left == {"candidates.py"}
    assert (adopted / "candidates.py").read_text() == (ROOT / "examples" / "demo" / "candidates.py").read_text()
    assert "candidates.py is a candidate that you wrote: it stays" in done.stdout
    assert "is used in it at line" in done.stdout
    for name in ("exuvia.toml", "exuvia_shims", "evidence"):
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
    assert (again.returncode, "by hand: candidates.py" in again.stdout) == (1, True)
    (adopted / "candidates.py").unlink()
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


OWN = "def fast(n):\n    return 2 * n  # written by hand\n"


def candidate(folder: Path, named: str, *more: str) -> None:
    """A project whose unit names a candidate."""
    (folder / "lib.py").write_text("def slow(n: int) -> int:\n    return 2 * n\n")
    (folder / "exuvia.toml").write_text(f'[unit."lib:slow"]\ncandidate = "{named}"\neffect = "pure"\n' + "".join(more))
    (folder / "exuvia.toml").chmod(0o600)


def test_a_source_that_its_user_wrote_is_never_removed_though_it_is_a_candidate(tmp_path: Path) -> None:
    candidate(tmp_path, "app.quick:fast", '[unit."app.twin:slow"]\ncandidate = "app.twin:fast"\neffect = "pure"\n')
    (tmp_path / "app").mkdir()
    for name in ("__init__", "quick", "twin"):
        (tmp_path / "app" / f"{name}.py").write_text(OWN)
    (tmp_path / "user.py").write_text(
        "from app.quick import fast\nfrom app import twin\nprint(fast(2), twin.fast(3))\n"
    )
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert tree(tmp_path) == {name: text for name, text in before.items() if name != "exuvia.toml"}
    assert "app/quick.py is a candidate that you wrote: it stays" in done.stdout


def test_a_shim_goes_wherever_scaffold_wrote_it_and_what_lies_beside_it_stays(tmp_path: Path) -> None:
    candidate(tmp_path, "shims.lib:slow")
    (tmp_path / "shims").mkdir()
    (tmp_path / "shims" / "__init__.py").write_text(OWN)
    assert exuvia(tmp_path, "scaffold", "lib:slow", "-o", "shims/lib.py").returncode == 0
    (tmp_path / "user.py").write_text("from shims.lib import slow\nprint(slow(2))\n")
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert set(tree(tmp_path)) == {"lib.py", "user.py", "shims/__init__.py"}
    assert (tmp_path / "user.py").read_text() == "from lib import slow\nprint(slow(2))\n"


def test_a_shim_that_no_unit_names_yet_goes_too_and_its_importers_take_legacy(tmp_path: Path) -> None:
    candidate(tmp_path, "lib:other")
    (tmp_path / "prog.py").write_text("from exuvia_shims.lib import slow\n\nprint(slow(3))\n")
    assert exuvia(tmp_path, "scaffold", "lib:slow").returncode == 0
    assert "exuvia eject` removes this file" in (tmp_path / "exuvia_shims" / "lib.py").read_text()
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert set(tree(tmp_path)) == {"lib.py", "prog.py"}
    assert (tmp_path / "prog.py").read_text() == "from lib import slow\n\nprint(slow(3))\n"


def test_a_candidate_that_uses_exuvia_and_is_imported_elsewhere_is_left_to_its_user(tmp_path: Path) -> None:
    candidate(tmp_path, "quick:fast")
    (tmp_path / "quick.py").write_text("from exuvia import bars\ndef fast(n):\n    return bars, n\n")
    (tmp_path / "user.py").write_text("import quick\n")
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, "by hand: quick.py:3" in done.stdout) == (1, True), done
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


@pytest.mark.parametrize(
    "text",
    [
        'import importlib\nimportlib.import_module("exuvia.migrate").install()\n',
        '__import__("exuvia.migrate").migrate.install()\n',
        'pytest_plugins = ["exuvia.testing"]\n',
        'PLUGINS = {"parity": "exuvia.testing:parity"}\n',
    ],
)
def test_what_imports_exuvia_by_a_text_is_named_and_nothing_is_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.py").write_text(text)
    (tmp_path / "exuvia.toml").write_text("[exuvia]\n")
    (tmp_path / "exuvia.toml").chmod(0o600)
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    line = text.count("\n")
    assert f"m.py:{line}: 'exuvia.testing" in done.stdout + done.stderr or f"m.py:{line}: 'exuvia.migrate'" in (
        done.stdout + done.stderr
    ), done
    assert done.returncode != 0
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def test_a(parity):\n    assert parity('lib:f')(1) == 1\n", "test_m.py:1: takes the fixture 'parity'"),
        (
            "class TestA:\n    async def test_a(self, *, saxo_venue): ...\n",
            "test_m.py:2: takes the fixture 'saxo_venue'",
        ),
        ("import pytest\n@pytest.mark.usefixtures('parity')\ndef test_a(): ...\n", "takes the fixture 'parity'"),
        ("import pytest\n@pytest.mark.saxo_venue('sim:1')\ndef test_a(): ...\n", "takes the marker 'saxo_venue'"),
        ("def test_a(request):\n    request.getfixturevalue('parity')\n", "test_m.py:2: takes the fixture 'parity'"),
    ],
)
def test_a_test_that_takes_what_the_plugin_gives_is_named_and_nothing_is_written(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "test_m.py").write_text(text)
    (tmp_path / "exuvia.toml").write_text("[exuvia]\n")
    (tmp_path / "exuvia.toml").chmod(0o600)
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, said in done.stdout, "exuvia is out" in done.stdout) == (1, True, False), done
    assert tree(tmp_path) == before
    (tmp_path / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef parity(): ...\n@pytest.fixture\ndef saxo_venue(): ...\n"
    )
    assert exuvia(tmp_path, "eject", "--write").returncode == 0


def test_digests_of_the_requirement_go_with_it_and_those_of_others_stay(tmp_path: Path) -> None:
    other = "numpy==1.26.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    mine = "exuvia==0.1.0 \\\n    --hash=sha256:cc \\\n    --hash=sha256:dd\n"
    (tmp_path / "requirements.txt").write_text(other + mine + "pytest==8.0\n")
    assert exuvia(tmp_path, "eject", "--write").returncode == 0
    assert (tmp_path / "requirements.txt").read_text() == other + "pytest==8.0\n"


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


def test_a_docstring_that_names_exuvia_holds_nothing_up(tmp_path: Path) -> None:
    candidate(tmp_path, "lib:other")
    text = '"""exuvia.migrate"""\n\n\ndef f() -> int:\n    """exuvia"""\n    return 1\n'
    (tmp_path / "m.py").write_text(text)
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, "by hand" in done.stdout) == (0, False), done
    assert (tmp_path / "m.py").read_text() == text


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


def test_a_file_that_is_changed_keeps_the_ends_of_its_lines(tmp_path: Path) -> None:
    candidate(tmp_path, "shim:slow")
    assert exuvia(tmp_path, "scaffold", "lib:slow", "-o", "shim.py").returncode == 0
    run = tmp_path / "run.py"
    run.write_bytes(
        b"import exuvia.migrate\r\nexuvia.migrate.install()\r\nfrom shim import slow\r\n"
        b"X = '''a\x0cb'''\r\nmixed = 1\nprint(slow(1))\r\n"
    )
    run.chmod(0o750)
    (tmp_path / "requirements.txt").write_bytes(b"numpy\r\nexuvia==1.0\r\nhttpx\r\n")
    shown = exuvia(tmp_path, "eject").stdout
    assert ("-import exuvia.migrate" in shown, "-mixed" in shown, "-print" in shown) == (True, False, False), shown
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert run.read_bytes() == b"from lib import slow\r\nX = '''a\x0cb'''\r\nmixed = 1\nprint(slow(1))\r\n"
    assert run.stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "requirements.txt").read_bytes() == b"numpy\r\nhttpx\r\n"


def test_a_file_that_is_no_utf_8_is_named_and_never_written_with_letters_lost(tmp_path: Path) -> None:
    candidate(tmp_path, "lib:other")
    text = "# -*- coding: latin-1 -*-\nimport exuvia.migrate\nexuvia.migrate.install()\nNAME = 'Zürich'\n"
    (tmp_path / "run.py").write_bytes(text.encode("latin-1"))
    (tmp_path / "said.py").write_bytes("# -*- coding: latin-1 -*-\n# Zürich, not exuvia\n".encode("latin-1"))
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, "by hand: run.py: " in done.stdout, "said.py" in done.stdout) == (1, True, False), done
    assert (tmp_path / "run.py").read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize(("shim", "own"), [("tools", "scripts"), ("scripts", "tools")])
def test_an_import_that_may_be_of_a_shim_or_of_a_file_of_its_name_is_left_to_a_person(
    tmp_path: Path, shim: str, own: str
) -> None:
    candidate(tmp_path, "fast:slow")
    for folder in (shim, own):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "go.py").write_text("import sys\nfrom fast import slow\nprint(slow(2))\n")
    (tmp_path / own / "also.py").write_text("import fast as f\n")
    assert exuvia(tmp_path, "scaffold", "lib:slow", "-o", f"{shim}/fast.py").returncode == 0
    (tmp_path / own / "fast.py").write_text("def slow(n):\n    return 7\n")
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 1, done
    for place in (f"{shim}/go.py:2", f"{own}/go.py:2", f"{own}/also.py:1"):
        assert f"by hand: {place}: fast is " in done.stdout, done.stdout
    assert f"{shim}/fast.py, a shim of lib" in done.stdout
    assert tree(tmp_path) == before
    # What it says to do brings it to its end.
    (tmp_path / shim / "go.py").write_text("import sys\nfrom lib import slow\nprint(slow(2))\n")
    (tmp_path / shim / "fast.py").unlink()
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    left = tree(tmp_path)
    assert left[f"{own}/go.py"] == before[f"{own}/go.py"]
    assert left[f"{own}/fast.py"] == before[f"{own}/fast.py"]
    assert not [name for name, text in left.items() if "exuvia" in name + text]


def test_two_shims_of_one_name_and_one_legacy_are_taken_out_without_a_question(tmp_path: Path) -> None:
    candidate(tmp_path, "fast:slow")
    for folder in ("scripts", "tools"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "go.py").write_text("from fast import slow\nprint(slow(2))\n")
        assert exuvia(tmp_path, "scaffold", "lib:slow", "-o", f"{folder}/fast.py").returncode == 0
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert set(tree(tmp_path)) == {"lib.py", "scripts/go.py", "tools/go.py"}
    assert (tmp_path / "tools" / "go.py").read_text() == "from lib import slow\nprint(slow(2))\n"


def test_each_name_by_which_a_shim_is_imported_is_taken_out_and_another_files_is_asked_for(tmp_path: Path) -> None:
    candidate(tmp_path, "tools.fast:slow")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "go.py").write_text("from fast import slow\nprint(slow(2))\n")
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text("from tools.fast import slow\nprint(slow(2))\n")
    assert exuvia(tmp_path, "scaffold", "lib:slow", "-o", "tools/fast.py").returncode == 0
    (tmp_path / "scripts").mkdir()
    own = tmp_path / "scripts" / "fast.py"
    own.write_text("def slow(n):\n    return 7\n")
    for name in ("three", "four"):
        (tmp_path / f"{name}.py").write_text("import scripts.fast\n")
    (tmp_path / "scripts" / "go.py").write_text("from fast import slow\n")
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    asked = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("by hand")]
    assert (done.returncode, asked) == (1, ["scripts/go.py:1:", "tools/go.py:1:"]), done
    assert tree(tmp_path) == before
    own.unlink()
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    for name in ("one.py", "two.py", "tools/go.py"):
        assert (tmp_path / name).read_text() == "from lib import slow\nprint(slow(2))\n"
