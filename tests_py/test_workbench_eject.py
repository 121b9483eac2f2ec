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
from ejecting import candidate, tree

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


def test_a_docstring_that_names_exuvia_holds_nothing_up(tmp_path: Path) -> None:
    candidate(tmp_path, "lib:other")
    text = '"""exuvia.migrate"""\n\n\ndef f() -> int:\n    """exuvia"""\n    return 1\n'
    (tmp_path / "m.py").write_text(text)
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, "by hand" in done.stdout) == (0, False), done
    assert (tmp_path / "m.py").read_text() == text


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


def test_a_test_that_asks_for_an_option_of_the_plugin_is_named_and_one_of_its_own_is_not(tmp_path: Path) -> None:
    (tmp_path / "test_m.py").write_text(
        "def test_a(request):\n    request.config.getoption('--mine')\n"
        "    request.config.getoption('--exuvia-mode')\n    request.config.getvalue('exuvia_config')\n"
    )
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 1, done
    assert "test_m.py:3: takes the option '--exuvia-mode', which comes from exuvia's pytest plug-in" in done.stdout
    assert "test_m.py:4: takes the option 'exuvia_config'" in done.stdout
    assert "test_m.py:2" not in done.stdout


def test_a_guard_that_has_something_to_do_in_the_end_stays_around_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("try:\n    import exuvia\nfinally:\n    print('up')\n")
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert (tmp_path / "m.py").read_text() == "try:\n    pass\nfinally:\n    print('up')\n"
