"""`exuvia init`: the first `exuvia.toml`, with the hot functions of a project as units that stand in `legacy`."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exuvia.errors import MigrateError
from exuvia.migrate.workbench.scaffold import moves
from exuvia.migrate.worth import hot, profiles
from exuvia.migrate.worth.naming import Names
from exuvia.migrate.worth.source import files_of, find_unit

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.worth.hot import Hot, Look

__all__ = ["Start", "begin", "shim_module", "table"]

SHIMS = "exuvia_shims"
_FIXED = "decorated, or a method of a record, an exception or a decorated class: write its candidate by hand"
_NEVER = ("calls ", "its name ", "by its module's name ")
"""Rules of the look by which a function is no example either: the others only doubt that it is hot."""


@dataclass(slots=True)
class Start:
    """What `exuvia init` would write.

    Attributes:
        text: The configuration.
        units: The units and why they are there.
        by: How they were found.
        left_out: Functions that are no units, and the rule that left each of them out.
        example: The first of them that can be a unit as it stands, if one can.
        missing: What has to be done before a unit can be imported where programs of the project start.
    """

    text: str
    by: str
    units: list[Hot] = field(default_factory=list)
    left_out: list[Look] = field(default_factory=list)
    example: str | None = None
    missing: list[str] = field(default_factory=list)


def shim_module(unit: str, folder: str = SHIMS) -> str:
    """Return the module in which the shim of a unit lies.

    >>> shim_module("bot.bars:mean")
    'exuvia_shims.bot_bars'

    Args:
        unit: The unit.
        folder: The package of shims.
    """
    return f"{folder}.{unit.partition(':')[0].replace('.', '_')}"


def begin(root: Path, profile: Path | None = None, most: int = 8) -> Start:
    """Find units and write the configuration.

    Args:
        root: The project's folder.
        profile: A profile of py-spy or cProfile; without one it is a look at the source.
        most: How many units.

    Raises:
        MigrateError: If the profile cannot be read.
    """
    if profile is not None:
        found = [unit for unit in hot.by_profile(profiles.read(profile), root, 2 * most) if unit.weight >= 0.02]
        by = f"the profile {profile.name}"
    else:
        found, by = hot.by_look(root, 2 * most), "a look at the source, which is a guess: exuvia worth -m … knows"
    files = files_of(root.resolve())
    names = Names(root, files)
    roots = _roots(names, files)
    units = [unit for unit in found if _can_move(unit.unit, roots)]
    chosen: list[Hot] = []
    for unit in units[:most]:
        if not any(
            unit.unit.startswith(f"{other.unit}.") or other.unit.startswith(f"{unit.unit}.") for other in chosen
        ):
            chosen.append(unit)
    taken = {unit.unit for unit in chosen}
    rule = "cold in the profile" if profile is not None else f"not among the first {most}"
    fixed = {unit.unit for unit in found if unit not in units}
    left_out = [
        one._replace(against=one.against or (_FIXED if one.unit in fixed else rule))
        for one in hot.looks(root)
        if one.unit not in taken
    ]
    left_out.sort(key=lambda one: -one.score)
    fitting = (one.unit for one in left_out if not one.against.startswith(_NEVER) and _can_move(one.unit, roots))
    example = next(fitting, None)
    return Start(_text(chosen, by), by, chosen, left_out, example, _missing(chosen, names, files))


def _roots(names: Names, files: list[Path]) -> list[Path]:
    """The folders from which modules of a project are imported: its own, `src`, whatever holds a package of it."""
    return list(dict.fromkeys([names.root, *map(names.home, files)]))


def _missing(units: list[Hot], names: Names, files: list[Path]) -> list[str]:
    """What has to be done before these units can be imported from the project's folder."""
    modules = {unit.unit.partition(":")[0] for unit in units}
    said = (names.missing(path) for path in files if names.of(path) in modules)
    return [text for text in dict.fromkeys(said) if text]


def _can_move(unit: str, roots: list[Path]) -> bool:
    """Whether a unit can be named as it stands: a plain function, or a method of a class whose shim can subclass it."""
    module, _, qualname = unit.partition(":")
    if not module or module.endswith("__main__") or "<" in qualname:
        return False
    try:
        node = find_unit(unit, roots).node
        owner = find_unit(unit.rpartition(".")[0], roots).node if "." in qualname else None
    except MigrateError:
        return False
    if isinstance(owner, ast.ClassDef) and not moves(owner):
        return False
    yields = any(isinstance(found, (ast.Yield, ast.YieldFrom)) for found in ast.walk(node)) if node else True
    return isinstance(node, ast.FunctionDef) and not node.decorator_list and not yields


def table(unit: str) -> str:
    """Return what the configuration says of a unit at first.

    Args:
        unit: Its name.
    """
    return "\n".join(
        [
            f'[unit."{unit}"]',
            f'candidate = "{shim_module(unit)}:{unit.partition(":")[2]}"',
            'aim = "speed"',
            'mode = "shadow"          # a ceiling: it stands in legacy until exuvia promote raises it',
            'effect = "pure"          # say so only if it neither reads nor writes anything outside',
        ]
    )


def _text(units: list[Hot], by: str) -> str:
    lines = [
        "# Which units move to Rust, how far, and how their results are compared. Written by `exuvia init`, by",
        f"# {by}.",
        "#",
        "# mode is a ceiling: every unit stands in legacy until exuvia promote raises it. Next, for each unit:",
        "#   exuvia worth --record --unit UNIT -m PROGRAM    is it worth a move? promote asks for the verdict",
        "#   exuvia scaffold UNIT                            writes the shim that it names as its candidate",
        "#   exuvia promote UNIT --to shadow                 says what is missing, or puts it into shadow",
        "#   exuvia run -m PROGRAM, then exuvia status       compares, and says what differs",
        "# Comment out the units whose turn has not come: one without a shim stays in legacy, and exuvia run says so.",
        "",
        "[exuvia]",
        '# When the market is open: "24/7", "FX24x5", "XNYS", …',
        'calendar = "24/7"',
        'evidence = "evidence/"',
    ]
    for unit in units:
        lines += ["", f"# {unit.why}", table(unit.unit)]
    return "\n".join(lines) + "\n"
