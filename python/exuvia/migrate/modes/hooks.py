"""Hooks: FAIL, quarantine, rollback and expiry call a command, a URL or a Python function.

`call` only puts the event into a short queue; a thread of its own tries each hook three times. What fails is on
record in `hooks.log` beside the evidence. Nothing here raises, waits, or runs in the caller's thread.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import shlex
import sys
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from exuvia.migrate.background import Background, forget
from exuvia.migrate.own import json, os, queue, subprocess, threading, time

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config

__all__ = ["LOG", "call", "finish", "flush"]

LOG = "hooks.log"
WAITING = 64
TRIES = 3
BACK_OFF_S = (0.5, 2.0)
TIMEOUT_S = 3.0


def call(config: Config, event: dict[str, Any]) -> None:
    """Tell every hook of an event; returns at once.

    Args:
        config: The configuration, which names the hooks.
        event: What happened: `event`, `unit`, `cause` and what else is known.
    """
    if not config.hooks:
        return
    with contextlib.suppress(Exception):
        whole = {
            "at": datetime.fromtimestamp(time.time_ns() / 1e9, UTC).isoformat(),
            "config": str(config.path),
            "rehearsal": config.rehearsal,
            **event,
        }
        caller = _caller()
        for hook in config.hooks:
            caller.put(hook, whole, config.evidence)


def finish(timeout_s: float) -> None:
    """Wait as `flush` does; say on standard error that something is left, if it is.

    Args:
        timeout_s: How long at most.
    """
    if not flush(timeout_s):
        sys.stderr.write(f"exuvia: not every hook has answered in {timeout_s:g} s: see {LOG} beside the evidence\n")


def flush(timeout_s: float) -> bool:
    """Wait until every hook was called or given up.

    Args:
        timeout_s: How long at most.

    Returns:
        Whether none is left.
    """
    caller = _current
    return caller is None or caller.pid != os.getpid() or caller.flush(timeout_s)


class _Caller:
    """The queue and its thread, one a process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.waiting: queue.Queue[tuple[str, dict[str, Any], Path]] = queue.Queue(WAITING)
        self.open = 0
        self.changed = threading.Condition()
        Background(self._work)

    def put(self, hook: str, event: dict[str, Any], folder: Path) -> None:
        try:
            self.waiting.put_nowait((hook, event, folder))
        except queue.Full:
            _record(folder, hook, event, f"dropped: {WAITING} events wait already", 0)
            return
        with self.changed:
            self.open += 1

    def flush(self, timeout_s: float) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.open <= 0, timeout_s)

    def _work(self) -> None:
        while True:
            hook, event, folder = self.waiting.get()
            # A hook may also raise what ends programs: the thread is every hook's.
            with contextlib.suppress(BaseException):
                _deliver(hook, event, folder)
            # The hook's own code may have asked for the current thread, to log.
            forget()
            with self.changed:
                self.open -= 1
                self.changed.notify_all()


_current: _Caller | None = None
_lock = threading.Lock()


def _caller() -> _Caller:
    global _current  # noqa: PLW0603 - one queue a process
    with _lock:
        if _current is None or _current.pid != os.getpid():
            if _current is None:
                atexit.register(flush, 2.0)
            _current = _Caller()
        return _current


def _after_fork() -> None:
    """A lock that another thread held at the fork stays held for ever in the child."""
    global _lock  # noqa: PLW0603 - one queue a process
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _deliver(hook: str, event: dict[str, Any], folder: Path) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            _send(hook, event)
        except BaseException as error:
            trouble = f"{type(error).__name__}: {error}"
        else:
            _record(folder, hook, event, None, attempt)
            return
        if attempt < TRIES:
            time.sleep(BACK_OFF_S[attempt - 1])
    _record(folder, hook, event, trouble, TRIES)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"exuvia: hook {hook} failed {TRIES} times: {trouble}\n")


def _send(hook: str, event: dict[str, Any]) -> None:
    body = json.dumps(event, default=str).encode()
    scheme, _, rest = hook.partition(":")
    if scheme == "cmd":
        done = subprocess.run(shlex.split(rest), input=body, capture_output=True, timeout=TIMEOUT_S, check=False)
        if done.returncode:
            raise OSError(f"exit code {done.returncode}: {done.stderr.decode(errors='replace').strip()[:200]}")
    elif scheme == "py":
        module, _, name = rest.partition(":")
        getattr(importlib.import_module(module), name)(dict(event))
    else:
        _post(hook, body)


class _Straight(urllib.request.HTTPRedirectHandler):
    """An event is delivered where the configuration says, or not at all."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(url: str, body: bytes) -> None:
    handlers: list[urllib.request.BaseHandler] = [_Straight()]
    if urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1"):
        handlers.append(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 - the configuration admits http(s) only
    with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT_S) as answer:
        answer.read(1024)


def _record(folder: Path, hook: str, event: dict[str, Any], trouble: str | None, tries: int) -> None:
    """One line a hook and event; a disk that is full is no reason to disturb anyone."""
    line = {"at": time.time_ns(), "hook": hook, "event": event, "ok": trouble is None, "tries": tries, "error": trouble}
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(folder / LOG, flags, 0o600)
        try:
            os.write(descriptor, json.dumps(line, default=str).encode() + b"\n")
        finally:
            os.close(descriptor)
