"""Configuration: `base.yaml` has the run's settings; every other file is a scenario, merged over `scenario:` there."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from .order_manager import Limits
from .strategies import SmaCross, Strategy, ZScoreReversion

_STRATEGIES: dict[Any, type[Strategy]] = {"sma_cross": SmaCross, "zscore_reversion": ZScoreReversion}
_T = TypeVar("_T")


class ConfigError(ValueError):
    """A configuration file has an unknown, missing or wrong key."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One strategy on one instrument, with its order, exit and entry rules; prices in price units."""

    name: str
    uic: int
    amount: int
    strategy: Strategy
    order_type: str
    limit_offset: float
    tick: float
    max_spread: float
    stop: float
    take: float
    max_hold_s: int
    cooldown_s: int
    order_ttl_s: int
    max_quote_age_s: int

    def __post_init__(self) -> None:
        if self.order_type not in ("market", "limit"):
            raise ValueError(f"order_type is {self.order_type!r}, expected 'market' or 'limit'")
        if self.amount <= 0 or self.tick <= 0:
            raise ValueError(f"amount is {self.amount} and tick {self.tick}, expected more than 0")


@dataclass(frozen=True, slots=True)
class Config:
    """What a run needs to know, apart from where the venue is."""

    start_equity: str
    scan_every_s: int
    equity_every_s: int
    state_every_s: int
    limits: Limits
    scenarios: tuple[Scenario, ...]


def load_config(folder: Path | str) -> Config:
    """Read `base.yaml` and the scenarios in the order of their names; ConfigError names the file and the key."""
    base_path = Path(folder) / "base.yaml"
    base = _read(base_path)
    defaults, limit_values = base.pop("scenario", {}), base.pop("limits", {})
    scenarios = []
    for path in sorted(path for path in Path(folder).glob("*.yaml") if path != base_path):
        values = deep_merge(defaults, _read(path))
        arguments = dict(values.pop("strategy", {}))
        kind = arguments.pop("kind", None)
        if kind not in _STRATEGIES:
            raise ConfigError(f"{path}: key 'kind' of the strategy is {kind!r}, expected one of {list(_STRATEGIES)}")
        strategy = _build(path, _STRATEGIES[kind], arguments)
        scenarios.append(_build(path, Scenario, values, name=path.stem, strategy=strategy))
    return _build(base_path, Config, base, limits=_build(base_path, Limits, limit_values), scenarios=tuple(scenarios))


def deep_merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `override` on top; sections merge, but one of another `kind` replaces the base's."""
    merged = base | override
    for key, value in override.items():
        old = base.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and value.get("kind") in (None, old.get("kind")):
            merged[key] = deep_merge(old, value)
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected keys and values, found a {type(document).__name__}")
    return document


def _build(path: Path, kind: type[_T], values: dict[str, Any], **given: object) -> _T:
    """Make a dataclass of YAML values, which must be its other fields and of the types that these declare."""
    wanted: dict[str, Any] = {field.name: field.type for field in fields(kind) if field.name not in given}  # type: ignore[arg-type]  # a dataclass
    for key in values.keys() ^ wanted.keys():
        raise ConfigError(f"{path}: {'unknown' if key in values else 'missing'} key {key!r} of {kind.__name__}")
    for key, declared in wanted.items():
        if type(values[key]) is not declared and (declared, type(values[key])) != (float, int):
            raise ConfigError(f"{path}: key {key!r} is {values[key]!r}, expected {declared.__name__}")
    try:
        return kind(**{key: declared(values[key]) for key, declared in wanted.items()}, **given)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
