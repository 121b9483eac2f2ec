"""How a module moults: swap, shadow, evidence, gate, rollback.

`install()` at the top of a program, or `python -m exuvia run -m bot`, puts the units of `exuvia.toml` into
their modes. In `shadow` legacy serves and the Rust candidate runs after it on copies; what differs is on
record with its path and both values. In `rust` the candidate serves. What is here:

| name | what it is |
|---|---|
| `install(config)`, `uninstall()` | puts the units of `exuvia.toml` into their modes, and takes them out again |
| `status()`, `overall(states)` | what this process compared, a `UnitStatus` for each unit; the verdict on all |
| `set_mode(unit, mode)` | flips a unit in this process; raising it needs a rehearsal |
| `original(function)` | legacy's own function, whatever serves |
| `load(path)` | reads and checks an `exuvia.toml`: a `Config` with a `UnitConfig` for each unit |
| `compare(legacy, candidate, rules)` | a `Verdict` with a `Difference` for each place that differs |
| `register(cls, how)` | teaches the comparison a class that it cannot look into |
| `self_test(rules)` | injects known faults under the rules and counts those that are caught: a `SelfTest` |
| `Comparator`, `Switch` | what compares by compiled rules; what a call goes through |

From a shell: `exuvia --help`. The rules of comparison: `help("exuvia.migrate.comparator.comparing")`.

>>> from exuvia.migrate import compare
>>> verdict = compare({"fills": [{"price": 1.10}]}, {"fills": [{"price": 1.11}]})
>>> verdict.equal, verdict.differences[0].path, verdict.differences[0].kind
(False, '$.fills[0].price', 'value')
>>> compare({"price": 1.10}, {"price": 1.1000001}, {"$.price": "tick:0.01"}).equal
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exuvia._exuvia import Comparator, Difference, Switch, Verdict
    from exuvia.migrate.comparator.comparing import SelfTest, compare, register, self_test
    from exuvia.migrate.config import Config, UnitConfig, load
    from exuvia.migrate.gates.verdict import UnitStatus, overall
    from exuvia.migrate.starting import install, set_mode, status, uninstall
    from exuvia.migrate.workbench.originals import original

__all__ = [
    "Comparator",
    "Config",
    "Difference",
    "SelfTest",
    "Switch",
    "UnitConfig",
    "UnitStatus",
    "Verdict",
    "compare",
    "install",
    "load",
    "original",
    "overall",
    "register",
    "self_test",
    "set_mode",
    "status",
    "uninstall",
]

# Loaded at first use: a rollback must not load the extension, nor `import exuvia` the rest.
_HOME = {
    "Comparator": "exuvia._exuvia",
    "Difference": "exuvia._exuvia",
    "Switch": "exuvia._exuvia",
    "Verdict": "exuvia._exuvia",
    "SelfTest": "exuvia.migrate.comparator.comparing",
    "compare": "exuvia.migrate.comparator.comparing",
    "register": "exuvia.migrate.comparator.comparing",
    "self_test": "exuvia.migrate.comparator.comparing",
    "Config": "exuvia.migrate.config",
    "UnitConfig": "exuvia.migrate.config",
    "load": "exuvia.migrate.config",
    "UnitStatus": "exuvia.migrate.gates.verdict",
    "overall": "exuvia.migrate.gates.verdict",
    "install": "exuvia.migrate.starting",
    "set_mode": "exuvia.migrate.starting",
    "status": "exuvia.migrate.starting",
    "uninstall": "exuvia.migrate.starting",
    "original": "exuvia.migrate.workbench.originals",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The documented names, so that `help()` shows those that are not loaded yet."""
    return sorted(__all__)
