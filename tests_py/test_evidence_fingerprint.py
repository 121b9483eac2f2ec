"""F follows what decides what runs: imports below both sides, rules, gates, divergences, the extension."""

from __future__ import annotations

import ast
import sys
import sysconfig
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from exuvia.migrate import fingerprint, imports
from exuvia.migrate.config import Config, UnitConfig
from exuvia.migrate.config.tables import Divergence, GateConfig, GroupConfig

FILES = {
    "__init__.py": "from .api import price\n",
    "api.py": "from . import tables as t\nimport desk_f.deep.fees\n\ndef price(n):\n    from .lazy import spread\n",
    "tables.py": "PLUGINS = ['desk_f.plugin:run', 'no.such.module', 'desk_f.nothing']\n",
    "lazy.py": "import importlib\nspread = lambda: importlib.import_module('desk_f.late')\n",
    "late.py": "raise RuntimeError('never run')\n",
    "plugin.py": "def run(): pass\n",
    "unused.py": "x = 1\n",
    "deep/__init__.py": "",
    "deep/fees.py": "from ..rates import (\n    RATE,  # (of a desk)\n    OTHER,\n)\nimport os; import desk_f.semi\n",
    "rates.py": "RATE = OTHER = 1\n",
    "semi.py": "try: import desk_f.one_line\nexcept ImportError: pass\n",
    "one_line.py": "import desk_f.cycle \\\n    as c\n",
    "cycle.py": "import desk_f.api\n",
}
USED = sorted(set(FILES) - {"unused.py"})


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "desk_f"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (tmp_path / "shim_f.py").write_text("from shim_rules import RULE\ndef price(n): return n\n")
    (tmp_path / "shim_rules.py").write_text("RULE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


UNIT = UnitConfig(name="desk_f.api:price", candidate="shim_f:price")


def config(desk: Path, **more: Any) -> Config:
    return Config(path=desk / "exuvia.toml", evidence=desk / "evidence", units={UNIT.name: UNIT}, **more)


def names(found: dict[str, str], desk: Path) -> list[str]:
    return sorted(str(Path(path).relative_to(desk)) for path in found)


def test_all_that_is_imported_below_the_unit_counts_and_nothing_is_run(desk: Path) -> None:
    found = fingerprint.sources(UNIT)
    assert names(found, desk) == sorted([*(f"desk_f/{name}" for name in USED), "shim_f.py"])
    assert not any(name.startswith(("desk_f", "shim_")) for name in sys.modules), "nothing was imported"


def test_declared_packages_are_followed_instead(desk: Path) -> None:
    assert "shim_rules.py" not in names(fingerprint.sources(UNIT), desk)
    wider = fingerprint.sources(UNIT, ("desk_f", "shim_rules"))
    assert "shim_rules.py" in names(wider, desk)
    assert names(fingerprint.sources(UNIT, ("shim_rules",)), desk) == [
        "desk_f/__init__.py", "desk_f/api.py", "shim_f.py", "shim_rules.py",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [*(f"desk_f/{name}" for name in USED), "shim_f.py"])
def test_a_change_in_any_of_these_files_changes_f_and_is_named(desk: Path, name: str) -> None:
    before = config(desk)
    files = fingerprint.sources(UNIT)
    header = {"sources": {UNIT.name: files}, "parts": {UNIT.name: fingerprint.parts(before, UNIT)}}
    was = fingerprint.of_unit(before, UNIT, files)
    assert fingerprint.current(before, UNIT, header) == was
    assert fingerprint.changes(before, UNIT, header) == []
    path = desk / name
    path.write_text(path.read_text() + "# hot fix\n")
    assert fingerprint.current(before, UNIT, header) != was
    assert fingerprint.changes(before, UNIT, header) == [str(path)]


def test_a_file_beside_them_changes_nothing(desk: Path) -> None:
    was = fingerprint.of_unit(config(desk), UNIT)
    (desk / "desk_f" / "unused.py").write_text("x = 2\n")
    assert fingerprint.of_unit(config(desk), UNIT) == was


DIVERGENCE = Divergence(path="$", owner="ann", reason="bug", expires=date(2027, 1, 1), budget=3)
GATE = GateConfig("equity", "paired", {"abs": "50"})


@pytest.mark.parametrize(
    ("unit", "more", "named"),
    [
        ({"compare": (("$", "exact"),)}, {}, "rules"),
        ({"attributes": ("fills",)}, {}, "rules"),
        ({"divergences": (DIVERGENCE,)}, {}, "declared divergences"),
        ({}, {"groups": {"g": GroupConfig("g", (UNIT.name,), gates={"equity": GATE})}}, "gates"),
        ({}, {"groups": {"g": GroupConfig("g", (UNIT.name,), calendar="XNYS")}}, "gates"),
        ({}, {"rehearsal": True}, "rules"),
    ],
)
def test_rules_gates_and_divergences_are_part_of_f_and_named(
    desk: Path, unit: dict[str, Any], more: dict[str, Any], named: str
) -> None:
    before, after = config(desk), config(desk, **more)
    changed = replace(UNIT, **unit)
    header = {"sources": {UNIT.name: fingerprint.sources(UNIT)}, "parts": {UNIT.name: fingerprint.parts(before, UNIT)}}
    assert fingerprint.of_unit(before, UNIT) != fingerprint.of_unit(after, changed)
    assert fingerprint.changes(after, changed, header) == [named]


def test_the_mode_and_the_sampling_are_not_part_of_f(desk: Path) -> None:
    was = fingerprint.of_unit(config(desk), UNIT)
    assert fingerprint.of_unit(config(desk), replace(UNIT, mode="rust", sample=0.1, queue=7, line=99)) == was


def test_the_extension_is_known_by_its_build_and_not_by_its_file() -> None:
    unit = UnitConfig(name="json.decoder:JSONDecoder", candidate="exuvia.bars:aggregate")
    found = fingerprint.sources(unit, ("json",))
    assert not any("_exuvia" in Path(path).name for path in found)
    assert fingerprint.build()["sha256"] in fingerprint.parts(Config(Path(), Path()), unit).values()


def test_files_that_go_or_cannot_be_read_are_missing_and_not_an_error(tmp_path: Path) -> None:
    assert imports.digest(tmp_path / "none.py") == "missing"
    assert imports.closure(["no_such_module_at_all.sub"], ["no_such_module_at_all"]) == {}
    assert imports.imports_of("def broken(:\n import x y\n") == frozenset()


def test_the_quick_reader_finds_every_import_that_the_parser_finds() -> None:
    """Over the standard library: a statement that it missed would leave a file out of F."""
    library = Path(sysconfig.get_paths()["stdlib"])
    paths = [path for path in sorted(library.glob("*.py")) + sorted(library.glob("*/*.py")) if "test" not in str(path)]
    seen = 0
    for path in paths[:600]:
        text = path.read_bytes().decode("utf-8", "replace")
        try:
            wanted = set(imports._parsed(text))
        except (SyntaxError, ValueError):
            continue
        quick = imports.imports_of(text)
        assert {(i.module, i.level) for i in wanted} <= {(i.module, i.level) for i in quick}, path
        by_module: dict[tuple[str, int], set[str]] = {}
        for each in quick:
            by_module.setdefault((each.module, each.level), set()).update(each.names)
        assert all(set(each.names) <= by_module[each.module, each.level] for each in wanted), path
        seen += sum(isinstance(node, (ast.Import, ast.ImportFrom)) for node in ast.walk(ast.parse(text)))
    assert seen > 2_000


def test_files_that_change_places_change_the_fingerprint_and_folders_do_not(tmp_path: Path) -> None:
    config, unit, known = Config(path=tmp_path / "exuvia.toml", evidence=tmp_path), UNIT, {"rules": "same"}
    one = fingerprint.of_unit(config, unit, {"/app/bot/a.py": "1", "/app/bot/b.py": "2"}, known)
    assert one != fingerprint.of_unit(config, unit, {"/app/bot/a.py": "2", "/app/bot/b.py": "1"}, known)
    assert one == fingerprint.of_unit(config, unit, {"/srv/x/bot/a.py": "1", "/srv/x/bot/b.py": "2"}, known)
