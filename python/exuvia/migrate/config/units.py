"""The tables `[unit."package.module:name"]`."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from exuvia.errors import CompareError
from exuvia.migrate.config.place import line_of
from exuvia.migrate.config.tables import MIB, Caps, Divergence, UnitConfig
from exuvia.migrate.modes.journal import MODES

if TYPE_CHECKING:
    from exuvia.migrate.config.check import Checker

__all__ = ["read", "split_method"]

AIMS = ("speed", "retire", "safety")
KINDS = ("function", "method", "class")
EFFECTS = ("pure", "reads", "writes", "orders")
KEYS = (
    "candidate", "aim", "mode", "effect", "compare", "kind", "attributes", "isolation", "pickling", "sample",
    "deadline", "memory", "budget", "queue", "when_full", "key", "share", "caps", "strata", "record", "fallback",
    "diverges", "override", "activity",
)  # fmt: skip
CAPS = ("calls", "calls_a_key", "amount", "amount_a_key", "amount_at")
DIVERGES = ("path", "legacy", "candidate", "owner", "reason", "expires", "budget")
RETIRED = (
    "mode 'retired' takes legacy's code away, which needs a deletion certificate that says who still imports it; "
    "exuvia cannot write one yet (prove-deletable): leave the unit in rust"
)
_NAME = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")
_ARGUMENT = re.compile(r"^\$args(\.[A-Za-z_]\w*|\[\d+\])(\.[A-Za-z_]\w*|\[\d+\])*$")


def read(check: Checker, name: str, table: Any, *, rehearsal: bool, rules: bool) -> UnitConfig:
    """Read one unit.

    Args:
        check: The file.
        name: The unit's name.
        table: Its table.
        rehearsal: Whether this is a rehearsal.
        rules: Whether the comparator reads the rules.

    Raises:
        ConfigError: Naming file and line.
    """
    here = ("unit", name)
    if not isinstance(table, dict):
        raise check.refuse(("unit",), name, f'unit {name!r} is a table: write [unit."{name}"]')
    if not _NAME.match(name):
        raise check.refuse(here, None, f"unit {name!r} is not written as package.module:name")
    for key in table:
        check.known(here, key, KEYS, "key")
    mode = check.word(here, table, "mode", MODES, "legacy")
    if mode == "retired":
        raise check.refuse(here, "mode", RETIRED)
    when_full = check.word(here, table, "when_full", ("drop", "wait"), "drop")
    if when_full == "wait" and not rehearsal:
        raise check.refuse(here, "when_full", "when_full = 'wait' holds the program up: only a rehearsal may")
    key = check.typed(here, table, "key", str, "") or None
    if key is not None and not _ARGUMENT.match(key):
        raise check.refuse(here, "key", f"key {key!r} is no path into the arguments, as $args.account or $args[0]")
    if mode == "canary" and key is None:
        raise check.refuse(
            here, "mode", 'a canary needs a key that keeps one account on one side: key = "$args.account"'
        )
    return UnitConfig(
        name=name,
        candidate=_candidate(check, here, name, table),
        aim=check.word(here, table, "aim", AIMS, "speed"),
        mode=mode,
        effect=_effect(check, here, table),
        compare=_compare(check, name, table.get("compare", {}), rules=rules),
        kind=check.word(here, table, "kind", KINDS, None) if "kind" in table else None,
        attributes=check.texts(here, table, "attributes"),
        line=line_of(check.text, here),
        isolation=check.word(here, table, "isolation", ("process", "thread"), "process"),
        pickling=check.word(here, table, "pickling", ("refuse", "run"), "refuse"),
        sample=check.share(here, table, "sample", 1.0),
        deadline=check.seconds(here, table, "deadline", 1.0),
        memory=check.size(here, table, "memory", 512 * MIB),
        budget=check.share(here, table, "budget", 1.0),
        queue=check.whole(here, table, "queue", 4096, 1),
        when_full=when_full,
        key=key,
        share=check.share(here, table, "share", 0.05),
        caps=_caps(check, here, table),
        strata=_strata(check, here, table),
        record=check.whole(here, table, "record", 1),
        fallback=check.typed(here, table, "fallback", bool, True),
        divergences=_divergences(check, here, table, rules=rules),
        override=check.typed(here, table, "override", str, "") or None,
        activity=_activity(check, here, table),
    )


def _activity(check: Checker, here: tuple[str, ...], table: dict[str, Any]) -> float:
    """Seconds of a stretch in which it must have been at work; 0 of a unit that is called once a day by nature."""
    if table.get("activity") == "daily":
        return 0.0
    seconds = check.seconds(here, table, "activity", 60.0)
    if seconds < 60.0:
        raise check.refuse(
            here, "activity", f'activity = {table["activity"]!r} must be "daily", or at least a minute: "15 min"'
        )
    return seconds


def _candidate(check: Checker, here: tuple[str, ...], name: str, table: dict[str, Any]) -> str:
    if "candidate" not in table:
        raise check.refuse(
            here, None, f"unit {name!r}: candidate is missing: name what replaces it, as package.module:name"
        )
    candidate = check.typed(here, table, "candidate", str, "")
    if not _NAME.match(candidate):
        raise check.refuse(here, "candidate", f"candidate {candidate!r} is not written as package.module:name")
    if candidate == name:
        raise check.refuse(here, "candidate", f"unit {name!r} names itself as its candidate")
    return candidate


def _effect(check: Checker, here: tuple[str, ...], table: dict[str, Any]) -> str:
    effect = check.word(here, table, "effect", EFFECTS, None)
    if effect != "pure":
        raise check.refuse(
            here,
            "effect",
            f"effect {effect!r} needs the tape, which keeps a candidate from acting and comes later: "
            "only 'pure' units move now",
        )
    return effect


def _compare(check: Checker, name: str, table: Any, *, rules: bool) -> tuple[tuple[str, str], ...]:
    here = ("unit", name)
    if not isinstance(table, dict):
        raise check.refuse(here, "compare", 'compare is a table of path and rule: { "$.price" = "tick:0.01" }')
    for path, rule in table.items():
        inside = (*here, "compare")
        in_table = line_of(check.text, inside, path) > 1
        where, key = (inside, path) if in_table else (here, "compare")
        if not isinstance(rule, str):
            raise check.refuse(where, key, f"rule {rule!r} for {path!r} is not text")
        if rules:
            from exuvia._exuvia import Comparator  # noqa: PLC0415 - a rollback must not need the extension

            try:
                Comparator({split_method(path)[1]: rule})
            except CompareError as error:
                raise check.refuse(where, key, str(error)) from None
    return tuple(table.items())


def _caps(check: Checker, here: tuple[str, ...], table: dict[str, Any]) -> Caps:
    caps = check.typed(here, table, "caps", dict, {})
    inside = (*here, "caps")
    for key in caps:
        check.known(inside, key, CAPS, "key")
    for key in ("amount", "amount_a_key"):
        if key in caps:
            try:
                good = isinstance(caps[key], str) and Decimal(caps[key]) > 0
            except InvalidOperation:
                good = False
            if not good:
                raise check.refuse(inside, key, f'{key} = {caps[key]!r} must be a decimal text above zero: "50000"')
            if "amount_at" not in caps:
                raise check.refuse(
                    inside, key, f'{key} needs amount_at, the path of a call\'s amount: "$args.notional"'
                )
    at = caps.get("amount_at")
    if at is not None and not (isinstance(at, str) and _ARGUMENT.match(at)):
        raise check.refuse(inside, "amount_at", f"amount_at = {at!r} is no path into the arguments, as $args.notional")
    calls = check.whole(inside, caps, "calls", 0) if "calls" in caps else None
    a_key = check.whole(inside, caps, "calls_a_key", 0) if "calls_a_key" in caps else None
    return Caps(calls, a_key, caps.get("amount"), caps.get("amount_a_key"), at)


def _strata(check: Checker, here: tuple[str, ...], table: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    strata = check.typed(here, table, "strata", dict, {})
    for name, path in strata.items():
        if not isinstance(path, str) or not _ARGUMENT.match(path):
            raise check.refuse(
                (*here, "strata"), name, f"stratum {name!r} = {path!r} is no path into the arguments, as $args.side"
            )
    return tuple(strata.items())


def _divergences(
    check: Checker, here: tuple[str, ...], table: dict[str, Any], *, rules: bool
) -> tuple[Divergence, ...]:
    rows = check.typed(here, table, "diverges", list, [])
    made = []
    for row in rows:
        if not isinstance(row, dict):
            raise check.refuse(here, "diverges", f'diverges is a list of tables: [[unit."{here[1]}".diverges]]')
        for key in row:
            check.known((*here, "diverges"), key, DIVERGES, "key")
        for key in ("path", "owner", "reason"):
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise check.refuse(here, "diverges", f"a declared divergence names its {key}: {row!r}")
        expires, budget = row.get("expires"), row.get("budget")
        if not isinstance(expires, date):
            raise check.refuse(
                here, "diverges", f"a declared divergence expires on a day, expires = 2027-01-31: {row!r}"
            )
        if not isinstance(budget, int) or isinstance(budget, bool) or budget < 1:
            raise check.refuse(here, "diverges", f"a declared divergence has a budget of hits, budget = 10: {row!r}")
        values = [None if row.get(key) is None else str(row[key]) for key in ("legacy", "candidate")]
        made.append(Divergence(row["path"], row["owner"], row["reason"], expires, budget, *values))
        if rules:
            from exuvia._exuvia import Comparator  # noqa: PLC0415 - a rollback must not need the extension

            try:
                Comparator(divergences=[replace(made[-1], path=split_method(row["path"])[1])])
            except CompareError as error:
                raise check.refuse(here, "diverges", str(error)) from None
    return tuple(made)


def split_method(path: str) -> tuple[str | None, str]:
    """Split a rule's path into the method it is for, if any, and the path proper.

    >>> split_method("on_quote:$.price"), split_method("$.price")
    (('on_quote', '$.price'), (None, '$.price'))

    Args:
        path: As written in `compare`.
    """
    method, found, rest = path.partition(":$")
    return (method, f"${rest}") if found else (None, path)
