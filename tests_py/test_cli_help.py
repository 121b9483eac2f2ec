"""What a newcomer reads first: `exuvia SUB --help` and `exuvia help SUB`."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator

import pytest
from exuvia.migrate.cli.main import COMMANDS, LATER, main, parser


def commands(at: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command, those of a command too, with its help."""
    if words:
        yield words, at.format_help()
    for action in at._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from commands(below, (*words, name))


EVERY = dict(commands(parser()))


def test_every_command_is_looked_at() -> None:
    assert {words[0] for words in EVERY} == set(COMMANDS)
    assert ("lake", "verify") in EVERY
    assert ("venue", "saxo") in EVERY


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_help_begins_with_what_the_command_is_for_and_shows_a_line_that_parses(words: tuple[str, ...]) -> None:
    usage, said, *_ = EVERY[words].split("\n\n")
    assert usage.startswith(f"usage: exuvia {' '.join(words)}")
    assert re.match(r"[A-Z][^\n]*[a-z]", said), said
    first = " ".join(said.split()).partition(". ")[0]
    assert len(first.split()) >= 4, first
    examples = [line for line in EVERY[words].splitlines() if line.startswith(f"  exuvia {' '.join(words)}")]
    assert examples, "an example"
    for line in examples:
        given = shlex.split(re.split(r" {3,}", line.strip())[0])[1:]
        if given[0] not in {"run", "worth"}:
            assert parser().parse_args(given).command == words[0]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_no_line_of_a_help_is_wider_than_a_terminal(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "122")
    text = dict(commands(parser()))[words]
    assert [line for line in text.splitlines() if len(line) > 120] == []


@pytest.mark.parametrize("words", [("run",), ("eject",), ("iv-rank",), ("venue", "saxo"), ("lake", "seal"), ()])
def test_help_of_a_command_says_what_the_command_says_itself(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for given in (["help", *words], [*words, "--help"], ["help", *words, "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(given)
        assert ended.value.code == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] == said[2]
    assert said[0].startswith("usage: exuvia")


def test_help_of_what_is_no_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "statsu"]) == 2
    assert "did you mean exuvia status?" in capsys.readouterr().err
    for later in LATER:
        assert main(["help", later]) == 2
        assert "not in this version" in capsys.readouterr().err
