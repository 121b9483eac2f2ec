"""What the program sets on an object from outside of its methods is no difference of the candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from exuvia.migrate.shadow.outside import look, since, slots_of
from test_cli import exuvia

if TYPE_CHECKING:
    from pathlib import Path

BOT = """
class {name}:
    {slots}
    def __init__(self, start):
        self.total = start
        self.note = ""
    def add(self, n):
        self.total += {factor} * n
        return self.total
{more}
"""
STATE = """
    def export_state(self):
        return self.total
    @classmethod
    def import_state(cls, state):
        return cls(state)
"""
MAIN = """
import bot
for number in range(30):
    book = bot.Book(number)
    book.add(1)
    {change}
    for _ in range(3):
        book.add(2)
"""


def ran(
    folder: Path, change: str, *, slots: str = "", more: str = "", factor: str = "1", isolation: str = "process"
) -> str:
    """Run a program that sets something from outside; what status says of it."""
    config = (
        '[exuvia]\nrehearsal = true\nendpoints = ["http://127.0.0.1:1"]\n[unit."bot:Book"]\ncandidate = "shim:Book"\n'
        f'effect = "pure"\nmode = "shadow"\nisolation = "{isolation}"\n'
    )
    texts = {
        "bot.py": BOT.format(name="Book", factor="1", slots=slots, more=more),
        "shim.py": BOT.format(name="Book", factor=factor, slots="", more=more),
        "main.py": MAIN.format(change=change),
        "exuvia.toml": config,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    done = exuvia(folder, "run", "main.py")
    assert done.returncode == 0, done
    return " ".join(exuvia(folder, "status").stdout.split())


@pytest.mark.parametrize("isolation", ["process", "thread"])
@pytest.mark.parametrize("slots", ["", "__slots__ = ('total', 'note', '__weakref__')"])
def test_what_was_set_from_outside_is_named_and_no_difference_of_the_candidate(
    tmp_path: Path, isolation: str, slots: str
) -> None:
    said = ran(tmp_path, "book.total = 1000", slots=slots, isolation=isolation)
    assert "FAIL" not in said, said
    assert "INCONCLUSIVE" in said
    assert "attributes of its object were set from outside of its methods" in said
    assert ": total" in said
    assert "export_state and import_state" in said, "what to do about it"


def test_with_export_state_the_twin_is_made_anew_and_all_is_compared(tmp_path: Path) -> None:
    said = ran(tmp_path, "book.total = 1000", more=STATE)
    assert "PASS" in said, said
    assert "outside" not in said


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_what_the_results_do_not_hang_on_may_be_set(tmp_path: Path, isolation: str) -> None:
    said = ran(tmp_path, "book.note = 'mine'", isolation=isolation)
    assert "PASS" in said, said


@pytest.mark.parametrize("more", ["", STATE])
def test_a_difference_from_before_stays_the_candidates(tmp_path: Path, more: str) -> None:
    said = ran(tmp_path, "book.total = 1000", factor="3", more=more)
    assert "FAIL" in said, said


def test_nothing_is_seen_where_nothing_was_set() -> None:
    class Slotted:
        __slots__ = ("ask", "bid")

    made, slots = Slotted(), slots_of(Slotted)
    made.bid = 1.5
    before = look(made, slots)
    assert since(before, look(made, slots), made) == ""
    made.ask = 2.5
    assert since(before, look(made, slots), made) == "ask"
    del made.bid
    assert since(before, look(made, slots), made) == "bid, ask"
