"""The last calls of all: made by destructors while the interpreter takes itself apart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MAIN = """
import atexit
import exuvia.migrate, old
exuvia.migrate.install("exuvia.toml")
for number in range(20):
    old.price(number)
book = old.Book()
class Last:
    def __init__(self, where):
        self.where = where
    def __del__(self, price=old.price, count=book.add, made=old.Book):
        # As late as this nothing can be imported, print is gone perhaps, and exuvia's own modules may be empty.
        write(f"{self.where} {price(5)} {count(7) > 0} {made().add(1)}\\n")
import os
def write(text, out=os.write):
    out(1, text.encode())
atexit.register(lambda: write(f"atexit {old.price(4)}\\n"))
held = Last("module")
def main(): pass
main.held = Last("attribute")
Last.__del__.__globals__["cycle"] = cycle = [Last("cycle")]
cycle.append(cycle)
"""
OLD = """
def price(n):
    return n * 2
class Book:
    def __init__(self):
        self.rows = 0
    def add(self, n):
        self.rows += n
        return self.rows
"""


@pytest.mark.parametrize("mode", ["shadow", "thread", "rust"])
def test_a_call_as_late_as_the_interpreter_s_end_is_served_as_without_exuvia(tmp_path: Path, mode: str) -> None:
    (tmp_path / "old.py").write_text(OLD)
    (tmp_path / "new.py").write_text(OLD)
    more = 'isolation = "thread"\n' if mode == "thread" else ""
    units = "".join(
        f'[unit."old:{name}"]\ncandidate = "new:{name}"\neffect = "pure"\n'
        f'mode = "{"shadow" if mode == "thread" else mode}"\n{more}'
        for name in ("price", "Book")
    )
    config = tmp_path / "exuvia.toml"
    config.write_text(f"[exuvia]\nrehearsal = true\nendpoints = []\n{units}")
    config.chmod(0o600)
    plain = MAIN.replace('exuvia.migrate.install("exuvia.toml")', "").replace(
        "import exuvia.migrate, old", "import old"
    )
    said = []
    for name, text in (("plain.py", plain), ("main.py", MAIN)):
        (tmp_path / name).write_text(text)
        ran = subprocess.run(
            [sys.executable, name], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
        assert "Exception ignored" not in ran.stderr, ran.stderr
        said.append(sorted(ran.stdout.splitlines()))
    assert said[0] == said[1]
    assert len(said[0]) == 4
