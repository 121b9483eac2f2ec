"""`exuvia repro`: a recorded difference as a pytest file that needs neither exuvia.toml nor the evidence.

It fails by itself for as long as the two sides differ, and passes once the candidate is mended.
"""

from __future__ import annotations

import itertools
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.errors import CompareError, MigrateError
from exuvia.migrate.shadow import driven
from exuvia.migrate.workbench.literal import written
from exuvia.migrate.workbench.shrink import smallest
from exuvia.migrate.workbench.sides import Sides, UnreadError, cases_of, going_on, not_rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.workbench.recordings import Recorded
    from exuvia.migrate.workbench.sides import Case, Found, Outcome, Step

__all__ = ["OWN", "Repro", "reproduce"]

FILE = '''"""{title}

Written by `exuvia repro {unit}{id}`; arguments were made as small as the difference allows.
{mixed}"""

from __future__ import annotations

{imports}

ROOTS = {roots}
for root in reversed(ROOTS):
    if root not in sys.path:
        sys.path.insert(0, root)

from exuvia.migrate import Comparator  # noqa: E402 - the path is set above

RULES = {rules}
{extra}

def load(name):
    module, _, qualname = name.partition(":")
    found = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def acting(made, call):
    """What a step does: calls a method, or reads or writes a property."""
    if callable(getattr(type(made), call, None)):
        return getattr(made, call)
    return lambda *value: setattr(made, call, *value) if value else getattr(made, call)


async def awaited(came):
    return await came


{driving}def steps():
    """Each call: method (empty for a function), positional and keyword arguments{more}."""
    return [
{steps}
    ]


def play(side):
    """What one side returned or raised, and its arguments afterwards."""
    made, played = None, []
    for call, args, kwargs{asked} in steps():
        function = side if call in ("", "__init__") else acting(made, call)
        result, raised = None, None
        try:
            result = function(*args, **kwargs)
            if hasattr(type(result), "__await__"):
                result = asyncio.run(awaited(result)){driven}
        except Exception as error:
            raised = error
        if call == "__init__":
            made, result = result, None
        played.append((call, (result, raised), dict(enumerate(args)) | kwargs))
        if call == "__init__" and raised is not None:
            break
    return played


def test_{name}():
    legacy, candidate = play(load("{unit}")), play(load("{candidate}"))
    differences = []
    for (call, mine, before), (_, theirs, after) in zip(legacy, candidate):
        comparator = Comparator(RULES.get(call, {{}}))
        for verdict in (comparator.compare_outcomes(mine, theirs), comparator.compare(before, after, "$args")):
            for d in verdict.differences:
                differences.append(f"{{d.path}} ({{d.kind}}): legacy {{d.legacy}}, candidate {{d.candidate}}")
    assert len(legacy) == len(candidate), "one side could not be made"
    assert not differences, "\\n".join(differences)
'''


DRIVING = '''async def asked_async(made, asked, items):
    try:
        for did, given in asked:
            if did == "close":
                return None, await made.aclose()
            step = made.__anext__() if did == "next" else made.asend(given) if did == "send" else made.athrow(given)
            items.append(await step)
    except StopAsyncIteration:
        return None, None
    except BaseException as error:
        return None, error
    finally:
        await made.aclose()
    return None


def drive(made, asked):
    """What a generator yields when it is asked as it was recorded, and its end, if it came to one."""
    items = []
    if hasattr(type(made), "__anext__"):
        return items, asyncio.run(asked_async(made, asked, items))
    made = iter(made)
    try:
        for did, given in asked:
            if did == "close":
                return items, (None, made.close())
            items.append(next(made) if did == "next" else made.send(given) if did == "send" else made.throw(given))
    except StopIteration as stop:
        return items, (stop.value, None)
    except BaseException as error:
        return items, (None, error)
    return items, None


'''
DRIVEN = """
            if asked is not None:
                items, end = drive(result, asked)
                played.append((call, (items, None), {}))
                result, raised = end or (None, None)"""
OWN = frozenset(re.findall(r"^(?:async )?def (\w+)\(", FILE.replace("{driving}", DRIVING), re.MULTILINE))
"""The functions of such a file beside the test, which is called as the file; they say that it is whole."""
NEAR = 2
"""Folders that two places must share, to be of one project: `/home` and `/tmp` are nobody's."""
MIXED = "The calls are of several objects, played on one: their own lives are not on record from their making on."


@dataclass(frozen=True, slots=True)
class Repro:
    """A difference that was reproduced.

    Attributes:
        path: The test file that would be written.
        text: Its text.
        case: The case as it was recorded.
        small: The case as it is in the file.
        found: The difference.
    """

    path: Path
    text: str
    case: Case
    small: Case
    found: Found


def reproduce(
    unit: UnitConfig,
    recorded: Recorded,
    which: str | None,
    folder: Path,
    told: Callable[[str], None] = lambda _: None,
) -> Repro:
    """Find a recorded case that differs, make it small, and write it down.

    Args:
        unit: The unit.
        recorded: The recorded calls.
        which: The id of a call; else the first that differs.
        folder: Where the file goes.
        told: Gets a line of progress.

    Raises:
        MigrateError: If there is no such call, or none that differs.
    """
    calls = recorded.of(unit.name)
    if not calls:
        why = "; ".join(recorded.problems) or "run it in shadow with record = 1 or more"
        raise MigrateError(f"{unit.name}: no call was recorded: {why}")
    sides = Sides(unit)
    cases = cases_of(sides, calls)
    if which is not None:
        cases = [case for case in cases if case.id.startswith(which)]
        if not cases:
            raise MigrateError(f"{unit.name}: no recorded call {which!r}: exuvia replay {unit.name} lists them")
    unread = []
    for number, case in enumerate(cases, 1):
        told(f"{unit.name}: looking for a difference, {number} of {len(cases)}")
        try:
            found = sides.compare(case)
        except UnreadError as error:
            unread.append(str(error))
            continue
        except CompareError:
            continue
        if found:
            told(f"{unit.name}: making {case.id} smaller")
            return _made(sides, case, found[0], folder)
    more = f"; {len(unread):,} cases are not known to be equal: {unread[0]}" if unread else ""
    what = f"the recorded call {which!r}" if which else f"none of {len(calls):,} recorded calls"
    mixed = not_rebuilt(cases)
    why = "".join(f"; {text}" for text in (mixed, going_on(cases), *recorded.problems) if text)
    why += "".join(f"; {text}" for text in recorded.missing(unit.name))
    raise MigrateError(f"{unit.name}: {what} differs now: there is nothing to reproduce{more}{why}")


def _made(sides: Sides, case: Case, found: Found, folder: Path) -> Repro:
    keys = {found.key}
    raised = _raised(sides.play(sides.legacy, case)[found.step][0])

    def shows(smaller: Case) -> bool:
        differences = sides.compare(smaller)
        if not any(one.key in keys for one in differences):
            return False
        # Legacy must not begin to raise: that would be another case than the recorded one.
        now = _raised(sides.play(sides.legacy, smaller)[differences[0].step][0])
        return type(now) is type(raised)

    small = smallest(case, shows)
    differences = [one for one in sides.compare(small) if one.key in keys]
    found = differences[0] if differences else found
    name = re.sub(r"\W+", "_", f"{sides.unit.qualname}_{case.id}").lower()
    path = folder / f"test_repro_{name}.py"
    return Repro(path, _text(sides, small, found, name, folder), case, small, found)


def _raised(outcome: Outcome) -> BaseException | None:
    """What a call raised; a generator raises at its end."""
    played = outcome[0]
    if isinstance(played, driven.Played):
        return None if played.end is None else played.end[1]
    return outcome[1]


def _text(sides: Sides, case: Case, found: Found, name: str, folder: Path) -> str:
    imports, lines = {"import asyncio", "import importlib", "import sys", "from pathlib import Path"}, []
    late: set[str] = set()
    generators = any(step.asked is not None for step in case.steps)
    for step in case.steps:
        args, more = written(step.args)
        kwargs, again = written(step.kwargs)
        asked = ""
        if generators:
            source, needed = _asked(step)
            more |= needed
            asked = f", {source}"
        for line in more | again:
            known = line.split()[1].partition(".")[0] in sys.stdlib_module_names
            (imports if known else late).add(line)
        lines.append(f"        ({step.call!r}, {args}, {kwargs}{asked}),")
    difference = found.difference
    rules = {step.call: sides.rules(step.call) for step in case.steps}
    return FILE.format(
        title=f"{sides.unit.name} and {sides.unit.candidate} differ at {difference.path}: {difference.kind}.".replace(
            '"""', "'''"
        ),
        unit=sides.unit.name,
        candidate=sides.unit.candidate,
        id=f" --id {case.id}",
        name=name,
        mixed="".join(f"{text}\n" for text in (case.mixed and MIXED, going_on([case])) if text),
        driving=DRIVING if generators else "",
        driven=DRIVEN if generators else "",
        more=", steps of a generator" if generators else "",
        asked=", asked" if generators else "",
        imports="\n".join(sorted(imports)),
        extra="".join(f"{line}  # noqa: E402 - the path is set above\n" for line in sorted(late)),
        roots=_written(_roots(sides), folder),
        rules=repr(rules),
        steps="\n".join(lines),
    )


def _asked(step: Step) -> tuple[str, set[str]]:
    """The steps of a generator as source, and the imports that it needs; equal steps in a row are written once."""
    if step.asked is None:
        return "None", set()
    parts: list[str] = []
    imports: set[str] = set()
    for plain, group in itertools.groupby(step.asked, key=lambda one: one[0] == "next"):
        asked = [one for one in group if one[0] != driven.CUT]
        if plain:
            parts.append(f'*[("next", None)] * {len(asked)}')
            continue
        for did, given in asked:
            source, needed = written(given)
            imports |= needed
            parts.append(f"({did!r}, {source})")
    return f"[{', '.join(parts)}]", imports


def _written(roots: dict[str, str], folder: Path) -> str:
    """The folders as an expression: found by what lies in them above the file, where all is of one project.

    So the file can be checked in, moved about in the project and run on another machine.
    """
    parts = []
    for root, held in roots.items():
        common = Path(os.path.commonpath([root, folder.resolve()]))
        if len(common.parts) <= NEAR:
            parts.append(repr(root))
            continue
        below = Path(root).relative_to(common)
        inside = "at" if below == Path() else f"at / {below.as_posix()!r}"
        looked = (below / held).as_posix()
        parts.append(f"*(str({inside}) for at in Path(__file__).resolve().parents if (at / {looked!r}).exists())")
    return f"[{', '.join(parts)}]"


def _roots(sides: Sides) -> dict[str, str]:
    """The folders from which both sides are imported, as far as they are no installed packages, and a file in each."""
    roots: dict[str, str] = {}
    for name in (sides.unit.name, sides.unit.candidate):
        module = name.partition(":")[0]
        file = getattr(sys.modules.get(module), "__file__", None)
        if file is None or "site-packages" in file:
            continue
        path = Path(file).resolve()
        depth = module.count(".") + (2 if path.name == "__init__.py" else 1)
        root = path.parents[depth - 1]
        roots.setdefault(str(root), path.relative_to(root).as_posix())
    return roots
