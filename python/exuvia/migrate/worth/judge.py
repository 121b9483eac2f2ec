"""The verdict on a unit: migrate it, or why not, with the gain end to end that Amdahl's law leaves.

Only compute can be removed. With a measured candidate the gain is what it is; without one it is a bound, and
the report says so.

>>> round(gain(0.5, 10.0), 3), round(gain(0.02, None), 3)
(0.45, 0.02)
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.migrate.worth.border import OBJECT_NS

if TYPE_CHECKING:
    from exuvia.migrate.worth.counting import Counted
    from exuvia.migrate.worth.imports import Users
    from exuvia.migrate.worth.source import UnitSource
    from exuvia.migrate.worth.stacks import Profile

__all__ = ["LEAST", "VERDICTS", "Measured", "UnitWorth", "Unwritten", "gain", "judge"]

LEAST = 0.02
"""The share of the time below which a move is not worth it."""

VERDICTS = (
    "migrate", "no: under 2 %", "no: nobody calls it", "no: it waits", "vectorise instead", "delete instead",
)  # fmt: skip


def gain(share: float, speedup: float | None) -> float:
    """Return the part of the whole time that goes if a share of it gets faster (Amdahl 1967).

    Args:
        share: The share that can get faster, 0 … 1.
        speedup: How many times faster, `None` for infinitely.
    """
    return share if speedup is None else share * (1.0 - 1.0 / speedup)


@dataclass(frozen=True, slots=True)
class Measured:
    """A candidate that was timed.

    Attributes:
        speedup: Legacy's time over the candidate's.
        source: Where that comes from.
        crosses: Whether it reaches compiled code, so that its arguments cross a border; `None` if nobody looked.
    """

    speedup: float
    source: str
    crosses: bool | None = None


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A candidate that is named and is none yet.

    Attributes:
        why: Where that is seen, and by what.
    """

    why: str


@dataclass(slots=True)
class UnitWorth:
    """What is known of a unit, and the verdict.

    Attributes:
        unit: Its name.
        verdict: One of `VERDICTS`.
        why: The figures that decide it, in a sentence.
        compute_s: Seconds of compute, callees included.
        wait_s: Seconds of waiting.
        sleep_s: Seconds of sleep.
        cpu_share: Compute as a share of the program's compute.
        blocked_share: Waiting and sleep in the thread where it waits most, as a share of the same.
        wall_share: Compute in the thread where it computes most, as a share of the time from beginning to end.
        calls: Calls, if they were counted.
        bytes: Bytes across the border in one call.
        objects: Objects converted one by one in one call.
        importers: Files that import it, tests left out.
        tests: Test files that import it.
        mentions: Files that name it in a text.
        cover: Share of its lines that tests execute.
        speedup: Of the measured candidate.
        measured: Where that was measured, or why it was not.
        gain: Part of the whole time that a move removes: predicted with the measured candidate, else a bound.
        notes: What else should be known.
    """

    unit: str
    verdict: str = ""
    why: str = ""
    compute_s: float = 0.0
    wait_s: float = 0.0
    sleep_s: float = 0.0
    cpu_share: float = 0.0
    wall_share: float = 0.0
    blocked_share: float = 0.0
    calls: int | None = None
    bytes: float | None = None
    objects: float | None = None
    importers: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    cover: float | None = None
    speedup: float | None = None
    measured: str = "no candidate was measured: the gain is a bound"
    gain: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def waiting(self) -> float:
        """The share of its own time that the unit waits or sleeps."""
        blocked = self.wait_s + self.sleep_s
        whole = self.compute_s + blocked
        return blocked / whole if whole > 0.0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {**plain, "gain_is": "predicted" if self.speedup is not None else "at most"}


def judge(  # noqa: PLR0917 - all that a verdict needs
    source: UnitSource,
    profile: Profile,
    users: Users,
    counted: Counted | None = None,
    measured: Measured | Unwritten | str | None = None,
    cover: float | None = None,
) -> UnitWorth:
    """Judge a unit.

    Args:
        source: Where it stands.
        profile: Where the program's time went.
        users: Who imports it.
        counted: Its calls, if they were counted.
        measured: The candidate's speed, or why it is not known.
        cover: Share of its lines that tests execute.
    """
    worth = UnitWorth(source.name, importers=users.importers, tests=users.tests, mentions=users.mentions, cover=cover)
    _times(worth, source, profile, counted)
    _calls(worth, source, profile, counted)
    if isinstance(measured, Measured):
        worth.speedup, worth.measured = measured.speedup, measured.source
    elif isinstance(measured, Unwritten):
        worth.measured = (
            f"there is no candidate yet that could be measured: {measured.why}; write its body and run this again: "
            "until then the gain is a bound"
        )
    elif measured is not None:
        worth.measured = f"no candidate was measured ({measured}): the gain is a bound"
    worth.gain = gain(worth.wall_share, worth.speedup)
    used = bool(users.importers or users.inside or users.mentions)
    crosses = measured.crosses if isinstance(measured, Measured) else None
    worth.verdict, worth.why = _verdict(worth, source, used=used, crosses=crosses)
    if users.mentions and not users.importers:
        worth.notes.append(f"nobody imports it, but it is named in {', '.join(users.mentions[:3])}")
    return worth


def _times(worth: UnitWorth, source: UnitSource, profile: Profile, counted: Counted | None) -> None:
    threads = profile.spent(source.holds)
    if counted is not None and counted.wall_s:
        # The thread's clock knows what the unit computed; the samples know how it waited.
        blocked_s = counted.wall_s - counted.cpu_s if source.compiled else 0.0
        for kinds in threads.values():
            kinds["compute"] = 0.0
        busy = threads.setdefault(max(threads, key=lambda name: sum(threads[name].values()), default="MainThread"), {})
        busy["compute"] = counted.cpu_s
        busy["wait"] = busy.get("wait", 0.0) + max(blocked_s, 0.0)
    for kinds in threads.values():
        worth.compute_s += kinds.get("compute", 0.0)
        worth.wait_s += kinds.get("wait", 0.0)
        worth.sleep_s += kinds.get("sleep", 0.0)
    compute, wall = profile.cpu or profile.total("compute"), profile.wall
    worth.cpu_share = worth.compute_s / compute if compute > 0.0 else 0.0
    busiest = max((kinds.get("compute", 0.0) for kinds in threads.values()), default=0.0)
    blocked = max((kinds.get("wait", 0.0) + kinds.get("sleep", 0.0) for kinds in threads.values()), default=0.0)
    worth.wall_share = min(busiest / wall, 1.0) if wall > 0.0 else 0.0
    worth.blocked_share = min(blocked / wall, 1.0) if wall > 0.0 else 0.0


def _calls(worth: UnitWorth, source: UnitSource, profile: Profile, counted: Counted | None) -> None:
    if profile.calls:
        # What a function holds inside of it, such as a generator expression, is called for itself.
        name = source.name.partition(":")[2].rpartition(".")[2]
        alone = not source.compiled and not isinstance(source.node, (ast.ClassDef, ast.Module, type(None)))
        worth.calls = sum(
            count
            for frame, count in profile.calls.items()
            if source.holds(frame) and (not alone or frame.name.rpartition(".")[2] == name)
        )
    if counted is not None and counted.problem is None:
        worth.calls, worth.bytes, worth.objects = counted.calls, counted.bytes, counted.objects
    elif counted is not None and counted.problem:
        worth.notes.append(f"calls were not counted: {counted.problem}")


def _verdict(worth: UnitWorth, source: UnitSource, *, used: bool, crosses: bool | None) -> tuple[str, str]:  # noqa: PLR0911 - one verdict after the other
    spent = worth.compute_s + worth.wait_s + worth.sleep_s
    called = worth.calls if worth.calls is not None else (1 if spent > 0.0 else 0)
    if not called and not spent:
        if not used:
            return "delete instead", "nothing imports it and nothing called it"
        seen = "imported, but not called" if worth.calls is not None else "imported, but on no stack"
        return "no: nobody calls it", f"{seen} while the program was watched"
    if worth.cpu_share < LEAST:
        if worth.waiting > 0.5 and worth.blocked_share >= LEAST:
            return "no: it waits", f"{worth.waiting:.0%} of its time is waiting, which Rust cannot remove"
        return "no: under 2 %", f"it is {worth.cpu_share:.1%} of the CPU time"
    if worth.wall_share < LEAST:
        if worth.waiting > 0.5:
            return "no: it waits", f"{worth.waiting:.0%} of its time is waiting, which Rust cannot remove"
        return "no: under 2 %", (
            f"the program waits: all of the unit's compute is {worth.wall_share:.1%} of the time from beginning to end"
        )
    if not used:
        return "no: nobody calls it", "it was called, but no file of the project imports or names it"
    if worth.speedup is not None and worth.gain < LEAST:
        return _lost(worth, crosses=crosses)
    row_wise = _row_wise(source.node)
    if row_wise is not None and worth.speedup is None:
        return "vectorise instead", f"it goes through a table row by row ({row_wise}): whole columns need no Rust"
    if worth.speedup is None and _lists_lose(worth):
        return "vectorise instead", (
            f"{worth.objects:,.0f} objects would cross the border in each call, which costs about what it computes"
        )
    sure = "predicted" if worth.speedup is not None else "at most"
    return "migrate", f"{worth.cpu_share:.0%} of the CPU time; {sure} {worth.gain:.1%} of the whole time goes"


def _lost(worth: UnitWorth, *, crosses: bool | None) -> tuple[str, str]:
    """The verdict on a candidate that was timed and brings too little; only what is known is named as the cause."""
    speed, share = f"{worth.speedup:.2g}× as fast as legacy", f"the unit is {worth.cpu_share:.0%} of the CPU time"
    objects = f"{worth.objects or 0:,.0f} objects"
    if crosses and _lists_lose(worth):
        return "vectorise instead", (
            f"the candidate is {speed} because {objects} cross the border in each call: hand over buffers, or keep "
            "the state in Rust"
        )
    change = round(worth.gain, 3) + 0.0
    if change < 0.0:
        why = f"the candidate is slower: {speed}, which adds {-change:.1%} to the whole time ({share})"
    else:
        why = f"the candidate is {speed}, which takes {change:.1%} off the whole time ({share})"
    if crosses is None and _lists_lose(worth):
        why += f"; {objects} go in with each call: if they cross into Rust one by one, hand over buffers"
    return "no: under 2 %", why


def _lists_lose(worth: UnitWorth) -> bool:
    """Whether converting what crosses costs at least half of what one call computes."""
    if worth.objects is None or not worth.calls or worth.objects < 16:
        return False
    return worth.objects * OBJECT_NS * 1e-9 * worth.calls > 0.5 * worth.compute_s > 0.0


def _row_wise(node: ast.AST | None) -> str | None:
    """What in the source goes through a table row by row inside of a loop."""
    for loop in ast.walk(node) if node is not None else ():
        if isinstance(loop, (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)):
            for inner in ast.walk(loop):
                if isinstance(inner, ast.Attribute) and inner.attr in ("iterrows", "iloc", "loc", "iat", "at"):
                    return f".{inner.attr} in a loop"
        if isinstance(loop, ast.Call) and isinstance(loop.func, ast.Attribute) and loop.func.attr == "apply":
            axis = next((word for word in loop.keywords if word.arg == "axis"), None)
            if axis is not None and isinstance(axis.value, ast.Constant) and axis.value.value in (1, "columns"):
                return ".apply(axis=1)"
    return None
