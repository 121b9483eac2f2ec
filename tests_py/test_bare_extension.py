"""Where the extension does not load: legacy serves, loudly; what is to run in rust does not start; never silent."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING

import exuvia.migrate
import pytest
from commands import python
from exuvia.errors import ConfigError, MigrateError
from exuvia.migrate import extension, starting
from exuvia.migrate.modes import journal as modes

if TYPE_CHECKING:
    from collections.abc import Callable

PLUGIN = () if any(
    point.value.startswith("exuvia.testing") for point in importlib.metadata.entry_points(group="pytest11")
) else ("-p", "exuvia.testing.plugin")  # fmt: skip
UNIT = """
[unit."bot:{name}"]
candidate = "shim:{name}"
effect = "pure"
mode = "{mode}"
key = "$args.account"
override = "a test of starts"
compare = {{ "$" = "ulp:1" }}
"""
PROGRAM = """
import sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numpy", "rich", "arro3"):
            raise SystemExit(f"{name} was imported")
sys.meta_path.insert(0, Watch())
import bot, exuvia.migrate
code = bot.price.__code__
exuvia.migrate.install()
print(bot.price("a"), bot.price.__code__ is code)
for state in exuvia.migrate.status():
    print(state.unit, state.file, state.mode, state.verdict, "|".join(state.notes))
exuvia.migrate.set_mode("bot:price", "legacy")
for wrong in ("rust", "shadow"):
    try:
        exuvia.migrate.set_mode("bot:price", wrong)
    except exuvia.errors.MigrateError as error:
        print("refused", error)
exuvia.migrate.uninstall()
"""


def missing(folder: Path) -> str:
    del folder
    return "No module named 'exuvia._exuvia'; no file of it is there"


def not_a_binary(folder: Path) -> str:
    (folder / f"_exuvia{EXTENSION_SUFFIXES[0]}").write_bytes(b"not a shared object " * 50)
    return "ImportError"


def without_our_entry(folder: Path) -> str:
    """A real extension of this machine, but another's."""
    other = next(Path(path).glob(f"*{EXTENSION_SUFFIXES[0]}") for path in sys.path if path.endswith("lib-dynload"))
    shutil.copy(next(other), folder / f"_exuvia{EXTENSION_SUFFIXES[0]}")
    return "PyInit__exuvia"


def of_another_python(folder: Path) -> str:
    held = Path(str(importlib.import_module("exuvia._exuvia").__file__))
    shutil.copy(held, folder / "_exuvia.cpython-27-m68k-linux-gnu.so")
    return "there is only _exuvia.cpython-27-m68k-linux-gnu.so, which is for another"


def of_another_build(folder: Path) -> str:
    (folder / "_exuvia.py").write_text("def build_facts():\n    return {}\n")
    return "cannot import name"


BROKEN = [missing, not_a_binary, without_our_entry, of_another_python, of_another_build]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the package but not its extension."""
    here = Path(exuvia.__file__).parent
    shutil.copytree(
        here, tmp_path / "site" / "exuvia", ignore=shutil.ignore_patterns("_exuvia.*.so", "_exuvia*.pyd", "__pycache__")
    )
    return tmp_path / "site"


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    folder = tmp_path / "bot"
    folder.mkdir()
    for name, value in (("bot", "1.0"), ("shim", "-1.0")):
        (folder / f"{name}.py").write_text(
            "".join(f"def {f}(account):\n    return {value}\n" for f in ("price", "size"))
        )
    (folder / "prog.py").write_text("import bot\nprint('served', bot.price('a'))\n")
    configure(folder, price="shadow", size="canary")
    return folder


def configure(folder: Path, **units: str) -> Path:
    path = folder / "exuvia.toml"
    text = "[exuvia]\nrehearsal = true\n" + "".join(UNIT.format(name=name, mode=mode) for name, mode in units.items())
    path.write_text(text)
    path.chmod(0o600)
    return path


def beside(bot: Path, site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The interpreter in the bot's folder, with the exuvia of another."""
    return python(bot, *words, PYTHONPATH=f"{site}:{bot}")


@pytest.mark.parametrize("break_it", BROKEN)
def test_legacy_serves_up_to_canary_with_one_loud_line(break_it: Callable[[Path], str], bot: Path, site: Path) -> None:
    cause = break_it(site / "exuvia")
    done = beside(bot, site, "-W", "error", "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    (loud,) = done.stderr.splitlines()
    assert loud.startswith("exuvia: WARNING: the extension does not load (")
    assert cause in loud
    assert "legacy serves all units" in loud
    assert extension.REPAIR in loud
    served, price, size, *refused = done.stdout.splitlines()
    assert served == "1.0 True"
    assert price.startswith("bot:price shadow legacy INCONCLUSIVE legacy serves, file and journal say shadow")
    assert size.startswith("bot:size canary legacy INCONCLUSIVE legacy serves, file and journal say canary")
    assert cause in price
    assert [line.startswith("refused unit 'bot:price' cannot go to") for line in refused] == [True, True]


@pytest.mark.parametrize("break_it", BROKEN)
def test_rust_refuses_to_start_and_names_both_ways_out(break_it: Callable[[Path], str], bot: Path, site: Path) -> None:
    cause = break_it(site / "exuvia")
    configure(bot, price="rust", size="shadow")
    done = beside(bot, site, "-m", "exuvia", "run", "prog.py")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("exuvia run: nothing was started: bot:price (rust) is not to be served by legacy")
    assert cause in line
    assert extension.REPAIR in line
    assert "bot:size" not in line
    way = line.partition("let legacy serve: exuvia ")[2].split()
    assert way[:2] == ["rollback", "bot:price"]
    # The very command that is printed is the way out.
    back = beside(bot, site, "-m", "exuvia", *way)
    assert back.returncode == 0, back.stderr
    done = beside(bot, site, "-m", "exuvia", "run", "prog.py")
    assert (done.returncode, done.stdout) == (0, "served 1.0\n")
    assert "exuvia: WARNING" in done.stderr


def test_what_the_journal_holds_lower_starts_though_the_file_says_rust(bot: Path, site: Path) -> None:
    path = configure(bot, price="rust")
    path.write_text(path.read_text().replace("rehearsal = true", 'endpoints = ["http://127.0.0.1:1"]'))
    done = beside(bot, site, "-m", "exuvia", "run", "prog.py")
    assert (done.returncode, done.stdout) == (0, "served 1.0\n"), "never promoted: it stands in legacy"
    with modes.open_journal(bot / "evidence") as pen:
        pen.append({"unit": "bot:price", "mode": "rust", "reason": "a test"})
    done = beside(bot, site, "-m", "exuvia", "run", "prog.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "bot:price (rust)" in done.stderr


def test_status_tells_where_everything_stands_and_is_never_a_pass(bot: Path, site: Path) -> None:
    configure(bot, price="rust", size="canary")
    said = beside(bot, site, "-m", "exuvia", "status", "--json")
    assert (said.returncode, said.stderr) == (3, "")
    found = json.loads(said.stdout)
    assert found["overall"] == "INCONCLUSIVE"
    assert [(unit["unit"], unit["file"], unit["effective"]) for unit in found["units"]] == [
        ("bot:price", "rust", "rust"),
        ("bot:size", "canary", "legacy"),
    ]
    assert "rust refuses to start" in found["units"][0]["notes"][0]
    plain = beside(bot, site, "-m", "exuvia", "status", "bot:size")
    assert plain.returncode == 3
    assert "the extension does not load" in plain.stdout
    assert "bot:price" not in plain.stdout


@pytest.mark.parametrize("words", [["--version"], ["compact"], ["report", "-o", "x.html"]])
def test_a_command_that_needs_the_extension_says_so_in_one_line(words: list[str], bot: Path, site: Path) -> None:
    done = beside(bot, site, "-m", "exuvia", *words)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"exuvia {words[0]}: ")
    assert "the extension does not load" in line


@pytest.mark.parametrize("break_it", BROKEN)
def test_the_doctor_looks_at_all_it_can_and_says_what_does_not_load(
    break_it: Callable[[Path], str], bot: Path, site: Path
) -> None:
    cause = break_it(site / "exuvia")
    done = beside(bot, site, "-m", "exuvia", "doctor", "--preflight", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert (checks["extension"]["state"], extension.REPAIR in checks["extension"]["do"]) == ("fail", True)
    assert cause in checks["extension"]["found"] or "does not load" in checks["extension"]["found"]
    assert {"config", "permissions", "disk", "journal", "clock", "back-ups"} <= set(checks)
    assert checks["config"]["state"] == "ok"


def test_pytest_names_an_extension_that_does_not_load_and_ends(bot: Path, site: Path) -> None:
    not_a_binary(site / "exuvia")
    (bot / "test_bot.py").write_text("import bot\ndef test_price(): assert bot.price('a') == 1.0\n")
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGIN, "test_bot.py")
    done = beside(bot, site, *words, "--exuvia-mode=rust")
    assert (done.returncode, "INTERNALERROR" in done.stdout + done.stderr) == (4, False), done.stdout
    assert "--exuvia-mode=rust: the extension does not load" in done.stderr
    assert extension.REPAIR in done.stderr
    assert beside(bot, site, *words).returncode == 0


def test_a_wrong_configuration_is_still_refused(bot: Path, site: Path) -> None:
    path = configure(bot, price="shadow")
    path.write_text(path.read_text() + "modus = 1\n")
    done = beside(bot, site, "-m", "exuvia", "run", "prog.py")
    assert done.returncode == 2
    assert "modus" in done.stderr
    assert done.stdout == ""


class TestInThisProcess:
    """The same by a cause that is told, since this process has the extension."""

    @pytest.fixture(autouse=True)
    def told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extension, "trouble", lambda: "the extension does not load (a test)")
        monkeypatch.setattr(starting, "_bare", None)

    def test_a_second_install_of_another_configuration_is_refused_until_uninstall(
        self, bot: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = configure(bot, price="canary")
        (state,) = exuvia.migrate.install(path)
        assert (state.mode, state.file, state.verdict) == ("legacy", "canary", "INCONCLUSIVE")
        assert capsys.readouterr().err.count("legacy serves bot:price") == 1
        assert [again.mode for again in exuvia.migrate.install(path)] == ["legacy"]
        assert capsys.readouterr().err == ""
        configure(bot, price="shadow")
        with pytest.raises(MigrateError, match="already installed"):
            exuvia.migrate.install(path)
        with pytest.raises(MigrateError, match="unknown unit"):
            exuvia.migrate.set_mode("bot:other", "legacy")
        with pytest.raises(MigrateError, match="a test"):
            exuvia.migrate.set_mode("bot:price", "shadow")
        exuvia.migrate.set_mode("bot:price", "legacy")
        assert [each.unit for each in exuvia.migrate.status()] == ["bot:price"]
        exuvia.migrate.uninstall()
        with pytest.raises(MigrateError, match="not installed"):
            exuvia.migrate.status()

    def test_rust_is_refused_here_too(self, bot: Path) -> None:
        path = configure(bot, price="rust", size="rust")
        with pytest.raises(MigrateError, match="exuvia rollback bot:price bot:size --config"):
            starting.install(starting.load(path))
        with pytest.raises(MigrateError, match="not installed"):
            exuvia.migrate.status()

    def test_without_a_configuration_nothing_starts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigError):
            exuvia.migrate.install()
