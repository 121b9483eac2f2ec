"""The configuration, `exuvia.toml`: found, read, and validated whole."""

from __future__ import annotations

from exuvia.migrate.config.again import same_or_refuse
from exuvia.migrate.config.find import NAME, find
from exuvia.migrate.config.reader import load
from exuvia.migrate.config.tables import Caps, Config, Divergence, GateConfig, GroupConfig, UnitConfig
from exuvia.migrate.config.units import split_method

__all__ = [
    "NAME",
    "Caps",
    "Config",
    "Divergence",
    "GateConfig",
    "GroupConfig",
    "UnitConfig",
    "find",
    "load",
    "same_or_refuse",
    "split_method",
]
