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
```
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from exuvia.errors import CompareError, ConfigError
from exuvia.migrate.modes import MODES, refuse_writable_by_others
from exuvia.migrate.tomlplace import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_T = TypeVar("_T")

__all__ = ["NAME", "Config", "UnitConfig", "find", "load", "split_method"]

NAME = "exuvia.toml"
AIMS = ("speed", "retire", "safety")
KINDS = ("function", "method", "class")
EFFECTS = ("pure", "reads", "writes", "orders")
GENERAL = ("calendar", "evidence", "rehearsal", "endpoints")
UNIT = ("candidate", "aim", "mode", "effect", "compare", "kind", "attributes")
_UNIT_NAME = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")
LATER = {
    "canary": "a canary needs keys and caps, which come with the gates: use shadow, or rust in a rehearsal",
    "retired": "retired needs a deletion certificate, which comes with the gates: leave the unit in rust",
}


@dataclass(frozen=True, slots=True)
class UnitConfig:
    """One unit as declared.

    Attributes:
        name: `package.module:name` of the legacy function, method or class.
        candidate: The same for what replaces it.
        aim: `speed`, `retire` or `safety`.
        mode: The ceiling.
        effect: `pure`.
        compare: Rules by path; a class may put `method:` before the path.
        kind: `function`, `method` or `class` if declared.
        attributes: Attributes of a class that are compared after every call.
        line: Where the unit is declared.
    """

    name: str
    candidate: str
    aim: str = "speed"
    mode: str = "legacy"
    effect: str = "pure"
    compare: tuple[tuple[str, str], ...] = ()
    kind: str | None = None
    attributes: tuple[str, ...] = ()
    line: int = 1

    @property
    def module(self) -> str:
        """The legacy module."""
        return self.name.partition(":")[0]

    @property
    def qualname(self) -> str:
        """The name inside the module."""
        return self.name.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration.

    Attributes:
        path: The file.
        evidence: The evidence folder, absolute.
        calendar: The calendar that sessions are counted by.
        rehearsal: Whether this is a rehearsal: all endpoints are loopback, evidence does not count.
        endpoints: The URLs that the program talks to.
        units: Units by name.
    """

    path: Path
    evidence: Path
    calendar: str = "24/7"
    rehearsal: bool = False
    endpoints: tuple[str, ...] = ()
    units: Mapping[str, UnitConfig] = field(default_factory=dict)

    def refuse(self, unit: str, text: str, key: str | None = None) -> ConfigError:
        """Make the error that names the line of a unit or of one of its keys.

        Args:
            unit: The unit's name.
            text: What is wrong and what to do.
            key: The key it stands in.
        """
        line = line_of(self.path.read_text(encoding="utf-8"), ("unit", unit), key) if self.path.exists() else 1
        return ConfigError(f"{self.path}:{line}: unit {unit!r}: {text}")


def find(given: str | os.PathLike[str] | None = None) -> Path:
    """Find the configuration: as given, by `EXUVIA_CONFIG`, beside `pyproject.toml`, in this folder.

    Args:
        given: A path that settles it.

    Raises:
        ConfigError: If there is none; it names every place that was looked at.
    """
    named = given or os.environ.get("EXUVIA_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise ConfigError(f"{path}: there is no such configuration file")
        return path.absolute()
    here = Path.cwd()
    places = [folder / NAME for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file()][:1]
    places.append(here / NAME)
    for place in places:
        if place.is_file():
            return place
    looked = ", ".join(str(place) for place in dict.fromkeys(places))
    raise ConfigError(f"no {NAME}: looked at {looked}; pass --config FILE or set EXUVIA_CONFIG")


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
    text = _text(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        place = line.group(1) if line else str(len(text.splitlines()) or 1)
        raise ConfigError(f"{path}:{place}: not TOML: {error}") from None
    return _Reader(path, text, rules).config(data)


def _text(path: Path) -> str:
    """Read a file that must be UTF-8 without a byte order mark."""
    raw = path.read_bytes()
    marks = (("UTF-8 with a byte order mark", b"\xef\xbb\xbf"), ("UTF-16", b"\xff\xfe"), ("UTF-16", b"\xfe\xff"))
    for name, mark in marks:
        if raw.startswith(mark):
            raise ConfigError(f"{path}:1: this is {name}: save it as UTF-8 without a byte order mark")
    try:
        return raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8: save the file as UTF-8"
        ) from None


class _Reader:
    """Validates what was read; every refusal names the line."""

    def __init__(self, path: Path, text: str, rules: bool) -> None:
        self.path, self.text, self.rules = path, text, rules

    def refuse(self, table: tuple[str, ...], key: str | None, text: str) -> ConfigError:
        return ConfigError(f"{self.path}:{line_of(self.text, table, key)}: {text}")

    def config(self, data: dict[str, Any]) -> Config:
        for name in data:
            if name == "group":
                raise self.refuse((), "group", "groups come with the gates, in a later version: declare units only")
            self.known((), name, ("exuvia", "unit"), "table")
        general = data.get("exuvia", {})
        if not isinstance(general, dict) or not isinstance(data.get("unit", {}), dict):
            raise self.refuse((), "exuvia", "[exuvia] and [unit] are tables")
        for key in general:
            self.known(("exuvia",), key, GENERAL, "key")
        rehearsal = self.typed(("exuvia",), general, "rehearsal", bool, False)
        endpoints = self.texts(("exuvia",), general, "endpoints")
        if rehearsal:
            for endpoint in endpoints:
                self.loopback(endpoint)
        units = {name: self.unit(name, table, rehearsal) for name, table in data.get("unit", {}).items()}
        for name in units:
            for other in units:
                if other.startswith(f"{name}."):
                    raise self.refuse(
                        ("unit", other), None, f"unit {other!r} lies inside unit {name!r}: name one of them"
                    )
        evidence = self.typed(("exuvia",), general, "evidence", str, "evidence/")
        return Config(
            path=self.path,
            evidence=self.path.parent / evidence,
            calendar=self.typed(("exuvia",), general, "calendar", str, "24/7"),
            rehearsal=rehearsal,
            endpoints=endpoints,
            units=units,
        )

    def unit(self, name: str, table: Any, rehearsal: bool) -> UnitConfig:
        here = ("unit", name)
        if not isinstance(table, dict):
            raise self.refuse(("unit",), name, f'unit {name!r} is a table: write [unit."{name}"]')
        if not _UNIT_NAME.match(name):
            raise self.refuse(here, None, f"unit {name!r} is not written as package.module:name")
        for key in table:
            self.known(here, key, UNIT, "key")
        if "candidate" not in table:
            raise self.refuse(
                here, None, f"unit {name!r}: candidate is missing: name what replaces it, as package.module:name"
            )
        candidate = self.typed(here, table, "candidate", str, "")
        if not _UNIT_NAME.match(candidate):
            raise self.refuse(here, "candidate", f"candidate {candidate!r} is not written as package.module:name")
        if candidate == name:
            raise self.refuse(here, "candidate", f"unit {name!r} names itself as its candidate")
        effect = self.word(here, table, "effect", EFFECTS, None)
        if effect != "pure":
            raise self.refuse(
                here,
                "effect",
                f"effect {effect!r} needs the tape, which keeps a candidate from acting and comes later: "
                "only 'pure' units move now",
            )
        mode = self.word(here, table, "mode", MODES, "legacy")
        if mode in LATER:
            raise self.refuse(here, "mode", LATER[mode])
        if mode == "rust" and not rehearsal:
            raise self.refuse(
                here,
                "mode",
                "mode 'rust' outside of a rehearsal needs the gates, which come later: use 'shadow', "
                "or set rehearsal = true with loopback endpoints",
            )
        return UnitConfig(
            name=name,
            candidate=candidate,
            aim=self.word(here, table, "aim", AIMS, "speed"),
            mode=mode,
            effect=effect,
            compare=self.compare(name, table.get("compare", {})),
            kind=self.word(here, table, "kind", KINDS, None) if "kind" in table else None,
            attributes=self.texts(here, table, "attributes"),
            line=line_of(self.text, here),
        )

    def compare(self, name: str, table: Any) -> tuple[tuple[str, str], ...]:
        here = ("unit", name)
        if not isinstance(table, dict):
            raise self.refuse(here, "compare", 'compare is a table of path and rule: { "$.price" = "tick:0.01" }')
        for path, rule in table.items():
            inside = (*here, "compare")
            in_table = line_of(self.text, inside, path) > 1
            where, key = (inside, path) if in_table else (here, "compare")
            if not isinstance(rule, str):
                raise self.refuse(where, key, f"rule {rule!r} for {path!r} is not text")
            if self.rules:
                from exuvia._exuvia import Comparator  # noqa: PLC0415 - a rollback must not need the extension

                try:
                    Comparator({split_method(path)[1]: rule})
                except CompareError as error:
                    raise self.refuse(where, key, str(error)) from None
        return tuple(table.items())

    def loopback(self, endpoint: str) -> None:
        host = urlsplit(endpoint).hostname if "://" in endpoint else None
        if host is None:
            raise self.refuse(("exuvia",), "endpoints", f"endpoint {endpoint!r} is not a URL with a host")
        if host == "localhost":
            return
        try:
            local = ipaddress.ip_address(host).is_loopback
        except ValueError:
            local = False
        if not local:
            raise self.refuse(
                ("exuvia",),
                "endpoints",
                f"rehearsal = true is refused: endpoint {endpoint!r} is not loopback (127.0.0.0/8, ::1, "
                "localhost); a rehearsal must not be able to reach a broker",
            )

    def known(self, table: tuple[str, ...], name: str, words: Iterable[str], what: str) -> None:
        words = tuple(words)
        if name not in words:
            where = f"[{'.'.join(table)}]" if table else "the file"
            raise self.refuse(table, name, f"unknown {what} {name!r} in {where}{_nearest(name, words)}")

    def word(
        self,
        table: tuple[str, ...],
        data: dict[str, Any],
        key: str,
        words: tuple[str, ...],
        default: str | None,
    ) -> str:
        if key not in data:
            if default is None:
                raise self.refuse(table, None, f"unit {table[-1]!r} declares no {key}: one of {', '.join(words)}")
            return default
        value = data[key]
        if value not in words:
            raise self.refuse(table, key, f"unknown {key} {value!r}{_nearest(str(value), words)}")
        return str(value)

    def typed(self, table: tuple[str, ...], data: dict[str, Any], key: str, kind: type[_T], default: _T) -> _T:
        value = data.get(key, default)
        if not isinstance(value, kind):
            raise self.refuse(table, key, f"{key} = {value!r} must be a {kind.__name__}")
        return value

    def texts(self, table: tuple[str, ...], data: dict[str, Any], key: str) -> tuple[str, ...]:
        value = data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refuse(table, key, f"{key} = {value!r} must be a list of texts")
        return tuple(value)


def split_method(path: str) -> tuple[str | None, str]:
    """Split a rule's path into the method it is for, if any, and the path proper.

    >>> split_method("on_quote:$.price"), split_method("$.price")
    (('on_quote', '$.price'), (None, '$.price'))

    Args:
        path: As written in `compare`.
    """
    method, found, rest = path.partition(":$")
    return (method, f"${rest}") if found else (None, path)


def _nearest(name: str, words: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, words, n=1)
    return f": did you mean {close[0]!r}?" if close else f": one of {', '.join(words)}"
