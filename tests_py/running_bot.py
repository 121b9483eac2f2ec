"""A process that runs the desk's bot under exuvia, and a desk whose units stand in rust."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from commands import environment
from desk import desk
from exuvia.migrate.modes import journal as modes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exuvia.migrate.config import Config

__all__ = ["Bot", "bots", "in_rust"]

PRICE = "bot:price"
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")

PROGRAM = """
import sys, time
import exuvia.migrate
exuvia.migrate.install()
import bot
print("up", flush=True)
for line in sys.stdin:
    print(bot.price("a", 1), flush=True)
exuvia.migrate.uninstall()
"""
SHIM = "def price(account, n=1):\n    return -1.0\ndef size(account, n=1):\n    return -1\n"


class Bot:
    """A process that runs the desk's bot under exuvia."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=folder,
            env=environment(PYTHONPATH=str(folder)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self.read() != "up":
            raise AssertionError(self.close())

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def price(self) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.read())

    def until(self, price: float, seconds: float = 8.0) -> float:
        began = time.monotonic()
        while self.price() != price:
            assert time.monotonic() - began < seconds, f"{price} was not served in {seconds} s"
            time.sleep(0.02)
        return time.monotonic() - began

    def close(self) -> str:
        self.process.kill() if self.process.stdin is None else self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        finally:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return said


@pytest.fixture
def bots() -> Iterator[Callable[[Path], Bot]]:
    with contextlib.ExitStack() as stack:

        def start(folder: Path) -> Bot:
            bot = Bot(folder)
            stack.callback(lambda: bot.process.poll() is None and bot.close())
            return bot

        yield start


def in_rust(folder: Path, general: str = "", groups: str = "") -> Config:
    """A desk whose journal has its units in rust, with a candidate that shows who served."""
    config = desk(folder, general, groups)
    (folder / "shim.py").write_text(SHIM)
    for unit in config.units:
        modes.append(config.evidence, unit, "rust", "for the test")
    return config
