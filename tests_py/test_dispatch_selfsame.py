"""A candidate that is legacy itself, or calls it by its name, is refused before it can serve."""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING

import exuvia.migrate
import pytest
from desk import desk
from exuvia.errors import ConfigError
from exuvia.migrate.modes import surface
from shadowing import Shadowed, shadowed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["shadowed"]

LEGACY = """
    class Desk:
        def size(self, x):
            return len(x)
    def f(x):
        return len(x)
    def made(step):
        def counted(x):
            return len(x) + step
        return counted
    """
BACK = {
    "another name for it": "from LEGACY import f",
    "a partial of it": "import functools, LEGACY\nf = functools.partial(LEGACY.f)",
    "a cache around it": "import functools, LEGACY\nf = functools.lru_cache(LEGACY.f)",
    "a decorator around it": (
        "import LEGACY\ndef log(g):\n    def logged(x):\n        return g(x)\n    return logged\nf = log(LEGACY.f)"
    ),
    "a default": "import LEGACY\ndef f(x, by=LEGACY.f):\n    return by(x)",
    "its name": "from LEGACY import f as old\ndef f(x):\n    return old(x) if x else 0",
    "its name in its module": "import LEGACY\ndef f(x):\n    return LEGACY.f(x)",
    "a copy over its code": "import exuvia.migrate, LEGACY\nf = exuvia.migrate.original(LEGACY.f)",
}
OTHER = {
    "only its signature": (
        "import functools, LEGACY\n@functools.wraps(LEGACY.f)\ndef f(x):\n    return sum(1 for _ in x)"
    ),
    "legacy's own code": (
        "import exuvia.migrate, LEGACY\nown = exuvia.migrate.original(LEGACY.f)\ndef f(x):\n    return own(x)"
    ),
    "another function of that name, and something else of legacy's module": (
        "import types, LEGACY\nother = types.SimpleNamespace(f=len)\n"
        "def f(x):\n    return other.f(x) if LEGACY.made else 0"
    ),
    "itself": "def f(x):\n    return 1 + f(x[1:]) if x else 0",
}


@pytest.mark.parametrize("candidate", BACK.values(), ids=BACK)
def test_a_candidate_that_leads_back_to_legacy_is_refused_with_its_line_before_it_serves(
    shadowed: Shadowed, candidate: str
) -> None:
    shadowed.write(LEGACY, candidate)
    with pytest.raises(ConfigError, match=r"exuvia\.toml:5: .*is no other side.*original\(f\)"):
        shadowed.install("f", mode="rust")
    assert shadowed.legacy.f([1, 2]) == 2
    theirs = importlib.import_module(shadowed.candidate_name)
    (told,) = surface.selfsame(shadowed.legacy.f, theirs.f)
    assert "the candidate is no other side" in told


@pytest.mark.parametrize("candidate", OTHER.values(), ids=OTHER)
def test_a_candidate_that_only_knows_of_legacy_serves(shadowed: Shadowed, candidate: str) -> None:
    shadowed.write(LEGACY, candidate)
    shadowed.install("f", mode="rust")
    assert shadowed.legacy.f([1, 2, 3]) == 3
    assert shadowed.counts("f")["candidate_calls"] >= 1


def test_a_class_and_a_method_of_its_own_are_no_candidates_either(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, "from LEGACY import Desk")
    for name in ("Desk", "Desk.size"):
        with pytest.raises(ConfigError, match="is no other side: it is"):
            shadowed.install(name)
    assert surface.selfsame(shadowed.legacy.Desk, shadowed.legacy.Desk)[0].endswith("still needs it")


def test_functions_of_one_factory_are_two_sides_if_they_close_over_other_values() -> None:
    def made(step: int) -> object:
        def counted(x: int) -> int:
            return x + step

        return counted

    one = made(1)
    assert surface.selfsame(one, made(2)) == []
    assert surface.selfsame(one, one) != []


@pytest.mark.parametrize("line", ["from LEGACY import f", "from LEGACY import f as g"])
def test_another_name_is_refused_before_the_program_has_imported_legacy(shadowed: Shadowed, line: str) -> None:
    shadowed.write(LEGACY, line)
    del sys.modules[shadowed.legacy_name]
    name = "g" if line.endswith("g") else "f"
    path = shadowed.folder / "exuvia.toml"
    path.write_text(
        '[exuvia]\nrehearsal = true\nendpoints = ["http://127.0.0.1:9"]\n'
        f'[unit."{shadowed.legacy_name}:f"]\ncandidate = {json.dumps(f"{shadowed.candidate_name}:{name}")}\n'
        'effect = "pure"\nmode = "shadow"\n'
    )
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"exuvia\.toml:5: .*it is f itself"):
        exuvia.migrate.install(path)
    assert shadowed.legacy_name not in sys.modules


def test_promote_looks_whether_the_candidate_is_legacy_itself(tmp_path: Path) -> None:
    config = desk(tmp_path, climbed=False)
    (tmp_path / "shim.py").write_text("from bot import price, size\n")
    sides = surface.surface(config, config.units["bot:price"])
    assert (sides.verdict, "it is price itself" in sides.why) == ("FAIL", True)
