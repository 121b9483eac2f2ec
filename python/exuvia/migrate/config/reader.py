"""`exuvia.toml`: which units move, to what, how far, and how their results are compared.

Data only and validated whole: what is unknown is an error that names file, line and the nearest known
word.

```toml
[exuvia]
evidence = "evidence/"
rehearsal = true
endpoints = ["http://127.0.0.1:8080"]

[unit."legacy_bot.bars:aggregate"]
candidate = "exuvia_bot.bars:aggregate"
mode = "shadow"
effect = "pure"
compare = { "$[*]" = "record" }

[group.bars]
units = ["legacy_bot.bars:*"]
sessions = 5
```
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from exuvia.errors import ConfigError
from exuvia.migrate.config import groups, units
from exuvia.migrate.config.check import Checker
from exuvia.migrate.config.find import find, text_of
from exuvia.migrate.config.tables import CALENDARS, MIB, Config
from exuvia.migrate.modes.journal import refuse_writable_by_others

if TYPE_CHECKING:
    from exuvia.migrate.own import os

__all__ = ["load"]

GENERAL = (
    "calendar",
    "evidence",
    "rehearsal",
    "endpoints",
    "packages",
    "quota",
    "rotate",
    "redact",
    "hooks",
    "approvers",
    "kill_file",
)


def load(given: str | os.PathLike[str] | None = None, *, rules: bool = True) -> Config:
    """Read and validate a configuration.

    Args:
        given: The file, else as `find` does.
        rules: Whether the comparator reads the rules; a rollback does without it.

    Raises:
        ConfigError: Naming file and line.
    """
    path = find(given)
    refuse_writable_by_others(path)
    text = text_of(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        place = line.group(1) if line else str(len(text.splitlines()) or 1)
        raise ConfigError(f"{path}:{place}: not TOML: {error}") from None
    return _read(Checker(path, text), data, rules=rules)


def _read(check: Checker, data: dict[str, Any], *, rules: bool) -> Config:
    here = ("exuvia",)
    for name in data:
        check.known((), name, ("exuvia", "unit", "group"), "table")
    general = data.get("exuvia", {})
    for name in ("exuvia", "unit", "group"):
        if not isinstance(data.get(name, {}), dict):
            raise check.refuse((), name, "[exuvia], [unit] and [group] are tables")
    for key in general:
        check.known(here, key, GENERAL, "key")
    rehearsal = check.typed(here, general, "rehearsal", bool, False)
    endpoints = check.texts(here, general, "endpoints")
    if rehearsal:
        for endpoint in endpoints:
            _loopback(check, endpoint)
    calendar = check.word(here, general, "calendar", CALENDARS, "24/7")
    declared = {
        name: units.read(check, name, table, rehearsal=rehearsal, rules=rules)
        for name, table in data.get("unit", {}).items()
    }
    for name in declared:
        for other in declared:
            if other.startswith(f"{name}."):
                raise check.refuse(("unit", other), None, f"unit {other!r} lies inside unit {name!r}: name one of them")
    folder = check.path.parent
    kill_file = check.typed(here, general, "kill_file", str, "")
    return Config(
        path=check.path,
        evidence=folder / check.typed(here, general, "evidence", str, "evidence/"),
        calendar=calendar,
        rehearsal=rehearsal,
        endpoints=endpoints,
        units=declared,
        groups=groups.read(check, data.get("group", {}), declared, calendar),
        packages=check.texts(here, general, "packages"),
        quota=check.size(here, general, "quota", 2048 * MIB),
        rotate=check.size(here, general, "rotate", 64 * MIB),
        redact=check.texts(here, general, "redact"),
        hooks=_hooks(check, general),
        approvers=_approvers(check, general),
        kill_file=folder / kill_file if kill_file else None,
    )


def _loopback(check: Checker, endpoint: str) -> None:
    host = urlsplit(endpoint).hostname if "://" in endpoint else None
    if host is None:
        raise check.refuse(("exuvia",), "endpoints", f"endpoint {endpoint!r} is not a URL with a host")
    if host == "localhost":
        return
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise check.refuse(
            ("exuvia",),
            "endpoints",
            f"rehearsal = true is refused: endpoint {endpoint!r} is not loopback (127.0.0.0/8, ::1, "
            "localhost); a rehearsal must not be able to reach a broker",
        )


def _hooks(check: Checker, general: dict[str, Any]) -> tuple[str, ...]:
    hooks = check.texts(("exuvia",), general, "hooks")
    for hook in hooks:
        if not re.match(r"^(cmd:.+|https?://.+|py:[\w.]+:\w+)$", hook):
            raise check.refuse(
                ("exuvia",), "hooks", f"hook {hook!r} is none of cmd:COMMAND, http(s)://URL, py:module:function"
            )
    return hooks


def _approvers(check: Checker, general: dict[str, Any]) -> dict[str, str]:
    table = check.typed(("exuvia",), general, "approvers", dict, {})
    for name, identity in table.items():
        if not isinstance(identity, str) or not re.match(r"^(os:.+|ssh:\S+ \S+.*)$", identity):
            raise check.refuse(
                ("exuvia", "approvers"), name, f"approver {name!r} = {identity!r} is neither os:USER nor ssh:TYPE KEY"
            )
    return dict(table)
