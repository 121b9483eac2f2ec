"""The standard library as exuvia found it: what a program patches later, exuvia does not call.

A back-test lets time pass by a clock of its own, a test counts what is opened, a mock raises: all by putting a function
of theirs into `time` or `os`. exuvia must neither be driven by it nor drive it. So what runs beside the program takes
these modules from here, `from exuvia.migrate.own import time`: copies of their names, made when exuvia was imported.
They are no modules and their functions stand in no module of exuvia, since some tools look for those in every module.

>>> import time as theirs
>>> from exuvia.migrate.own import time
>>> real, theirs.monotonic = theirs.monotonic, lambda: 7.0
>>> time.monotonic() == 7.0
False
>>> theirs.monotonic = real
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import _socket
    import json
    import marshal
    import os
    import pickle
    import queue
    import select
    import signal
    import socket
    import subprocess
    import threading
    import time
    from time import monotonic, perf_counter_ns

__all__ = [
    "KEPT", "_socket", "json", "marshal", "monotonic", "os", "perf_counter_ns", "pickle", "queue", "select", "signal",
    "socket", "subprocess", "threading", "time",
]  # fmt: skip

KEPT = frozenset(__all__) - {"KEPT", "monotonic", "perf_counter_ns"}
"""The modules whose functions exuvia takes from here."""

if not TYPE_CHECKING:
    import functools
    import importlib
    import time as _time
    import types

    # Called through objects of their own: a tool that looks for the very functions does not find them.
    monotonic = functools.partial(_time.monotonic)
    perf_counter_ns = functools.partial(_time.perf_counter_ns)

    def __getattr__(name: str) -> types.SimpleNamespace:
        """Keep a module when the first module of exuvia that uses it is imported."""
        if name not in KEPT:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = types.SimpleNamespace(**vars(importlib.import_module(name)))
        if name == "os":
            found.path = types.SimpleNamespace(**vars(found.path))
        return globals().setdefault(name, found)
