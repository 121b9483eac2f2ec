"""Reads profiles that other tools wrote: py-spy (collapsed stacks, speedscope) and cProfile."""

from __future__ import annotations

import json
import marshal
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.worth.stacks import Frame, Profile, kind_of_call, kind_of_leaf

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read"]

_FRAME = re.compile(r"^(?P<name>.*?) \((?P<file>[^()]*?)(?::(?P<line>\d+))?\)$")
_UNITS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
_BRACES = (b"{", b"\xfb")
"""How JSON begins, and a marshalled dictionary, with and without its flag."""
_BUSY = "py-spy leaves out threads that wait unless it is run with --idle: then no wait or sleep is known"


def read(path: Path) -> Profile:
    """Read a profile; which tool wrote it is told by what is in it.

    Args:
        path: A file of `py-spy record -f raw`, `py-spy record -f speedscope` or `python -m cProfile -o`.

    Raises:
        MigrateError: If it is none of these, or cProfile mixed up several threads.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MigrateError(f"{path}: the profile cannot be read: {error.strerror}") from None
    try:
        if data[:1] in _BRACES:
            parsed = _maybe_json(data)
            return _statistics(path, data) if parsed is None else _speedscope(parsed)
        text = data.decode()
    except (UnicodeDecodeError, ValueError, EOFError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise _unknown(path, f": {error}") from None
    profile = _collapsed(text)
    if profile is None:
        raise _unknown(path, "")
    return profile


def _unknown(path: Path, why: str) -> MigrateError:
    return MigrateError(
        f"{path}: neither collapsed stacks, nor speedscope JSON, nor cProfile statistics{why}: write one by "
        "`py-spy record -f raw|speedscope -o FILE …` or `python -m cProfile -o FILE …`"
    )


def _maybe_json(data: bytes) -> dict[str, Any] | None:
    """JSON begins with a brace as marshalled dictionaries do."""
    try:
        parsed = json.loads(data)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _collapsed(text: str) -> Profile | None:
    profile = Profile("py-spy, collapsed stacks", weights=True, notes=[_BUSY])
    for line in text.splitlines():
        if not line.strip():
            continue
        stack, _, count = line.rpartition(" ")
        if not stack or not count.isdecimal():
            return None
        thread, frames = "MainThread", []
        for part in stack.split(";"):
            found = _FRAME.match(part.strip())
            if found is None or found["line"] is None:
                if part.startswith(("thread", "Thread", "MainThread")):
                    thread = part
                continue
            frames.append(Frame(found["file"], int(found["line"]), found["name"]))
        if frames:
            profile.add(tuple(frames), kind_of_leaf(frames[-1]), float(count), thread)
    return profile if profile.times else None


def _speedscope(data: dict[str, Any]) -> Profile:
    profile = Profile("speedscope", notes=[_BUSY])
    frames = [
        Frame(str(found.get("file", "")), int(found.get("line") or 0), str(found.get("name", "")))
        for found in data["shared"]["frames"]
    ]
    for one in data["profiles"]:
        profile.weights = profile.weights or one.get("unit") not in _UNITS
        scale = _UNITS.get(one.get("unit"), 1.0)
        thread = str(one.get("name") or "MainThread")
        if one["type"] == "sampled":
            for stack, weight in zip(one["samples"], one["weights"], strict=True):
                _add(profile, [frames[at] for at in stack], float(weight) * scale, thread)
        elif one["type"] == "evented":
            open_frames: list[Frame] = []
            last = float(one.get("startValue", 0.0))
            for event in one["events"]:
                at = float(event["at"])
                _add(profile, open_frames, (at - last) * scale, thread)
                last = at
                if event["type"] == "O":
                    open_frames.append(frames[event["frame"]])
                elif open_frames:
                    open_frames.pop()
        else:
            raise ValueError(f"a profile of type {one['type']!r}")
    return profile


def _add(profile: Profile, stack: list[Frame], seconds: float, thread: str) -> None:
    if stack and seconds > 0.0:
        profile.add(tuple(stack), kind_of_leaf(stack[-1]), seconds, thread)


_Key = tuple[str, int, str]


@dataclass(slots=True)
class _Table:
    """The statistics of cProfile, and what was derived of them."""

    rows: dict[_Key, Any]
    below: dict[_Key, list[tuple[_Key, float]]] = field(default_factory=dict)
    blocked: dict[_Key, dict[str, float]] = field(default_factory=dict)


def _statistics(path: Path, data: bytes) -> Profile:
    """The statistics of cProfile: no stacks, but who called whom for how long."""
    table = _Table(marshal.loads(data))  # noqa: S302 - plain values only, and the user's own file
    _refuse_mixed(path, table.rows)
    profile = Profile("cProfile", notes=["cProfile makes Python itself slower: shares of small functions are too high"])
    for key, (_, calls, own, whole, callers) in table.rows.items():
        profile.calls[Frame(*key)] += calls
        profile.add((Frame(*key),), _kind(key), own)
        for caller, edge in callers.items():
            table.below.setdefault(caller, []).append((key, float(edge[3])))
            profile.edges[Frame(*caller), Frame(*key)] += edge[3]
        if not callers:
            profile.edges[None, Frame(*key)] += whole
    for key in table.rows:
        _blocked(key, table, 0)
    for key, split in table.blocked.items():
        whole = table.rows[key][3]
        shares = {kind: min(seconds / whole, 1.0) if whole > 0.0 else 0.0 for kind, seconds in split.items()}
        shares["compute"] = max(1.0 - sum(shares.values()), 0.0)
        profile.splits[Frame(*key)] = shares
    profile.seconds = sum(row[2] for row in table.rows.values())
    return profile


def _refuse_mixed(path: Path, rows: dict[_Key, Any]) -> None:
    """Since Python 3.12 cProfile sees all threads but keeps one stack: calls land under another thread's caller.

    It shows where a function took longer by itself than with all that it called, which one thread cannot bring about.
    """
    for (file, line, name), (_, _, own, whole, _) in rows.items():
        if own > whole * 1.0001 + 1e-6:
            place = name if file == "~" else f"{name} ({file}:{line})"
            raise MigrateError(
                f"{path}: {place} took {own:.6f} s by itself and {whole:.6f} s in all: cProfile of Python 3.12 and "
                "later mixes the calls of threads that run at once; run `exuvia worth` on the program itself or "
                "take the profile with py-spy"
            )


def _kind(key: _Key) -> str:
    return kind_of_call(key[2]) if key[0] == "~" else "compute"


def _blocked(key: _Key, table: _Table, depth: int) -> dict[str, float]:
    """Seconds that a function and what it calls waited and slept, shared out by the time on each edge."""
    if key in table.blocked:
        return table.blocked[key]
    split = table.blocked[key] = {"wait": 0.0, "sleep": 0.0}
    if _kind(key) != "compute":
        split[_kind(key)] += table.rows[key][2]
    for callee, seconds in table.below.get(key, ()):
        whole = table.rows[callee][3]
        if callee != key and whole > 0.0 and depth < 200:
            inner = _blocked(callee, table, depth + 1)
            for kind in split:
                split[kind] += inner[kind] * min(seconds / whole, 1.0)
    return split
