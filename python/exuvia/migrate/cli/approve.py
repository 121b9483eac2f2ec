"""`exuvia approve`: a person says that a group may take a step, on this code and this evidence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.migrate.cli.shared import Shown, config_of, print_json, say

if TYPE_CHECKING:
    import argparse

    from exuvia.migrate.config import Config, GroupConfig

__all__ = ["add"]

SPANS = {"h": 3_600, "d": 86_400, "min": 60}

EXAMPLE = """examples:
  exuvia approve bot.bars:mean --to canary
  exuvia approve paper_trading --to rust --key ~/.ssh/id_ed25519 --expires 2d"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    approve = commands.add_parser(
        "approve",
        parents=[shared],
        help="say that a group may take a step",
        description="Approves a step of a group whose gate passes, as the OS user who runs this or with an SSH key. "
        "The approval names the step, F (the fingerprint of all that decides what runs: source, candidate, rules, "
        "build), the digest of the evidence and an expiry; a new difference, another F or a rollback voids it. "
        "Elsewhere: --statement FILE writes what is approved, ssh-keygen -Y sign -n exuvia-approval -f KEY FILE signs "
        "it, --signed FILE takes it with FILE.sig.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    approve.add_argument("group", metavar="NAME", help="a unit or group")
    approve.add_argument("--to", choices=("shadow", "canary", "rust"), dest="mode", help="the step")
    approve.add_argument("--key", metavar="FILE", help="sign with this SSH key")
    approve.add_argument(
        "--expires", metavar="SPAN", default="7d", help="how long it holds: 12h, 7d (the default), 30d"
    )
    approve.add_argument("--statement", metavar="FILE", help="write what is to be signed, and record nothing")
    approve.add_argument("--person", metavar="NAME", help="with --statement: whose it is, by the configuration")
    approve.add_argument("--signed", metavar="FILE", help="record a statement that was signed elsewhere")
    approve.add_argument("--revoke", metavar="REASON", help="make every approval of the group void")
    approve.add_argument("--export", action="store_true", help="print one line for each approval that holds, for a log")
    approve.add_argument("--json", action="store_true", help="print JSON")
    approve.set_defaults(handler=_approve)


def _approve(options: argparse.Namespace) -> int:
    from exuvia.migrate.modes import approvals, judging, requirements, steps
    from exuvia.migrate.modes.names import group_named

    config = config_of(options)
    group = group_named(config, options.group)
    if options.revoke is not None:
        approvals.revoke(config, group, options.revoke)
        _tell(options, {"overall": "PASS", "revoked": group.name}, [f"{group.name}: every approval is void"])
        return 0
    journal = steps.trusted(config)
    to = _step(options)
    judged = judging.judge(config, group, journal, to or "rust")
    entry: dict[str, Any] | None = None
    if to is not None:
        if judged.verdict != "PASS":
            return _refuse(options, group, judged)
        text, signature = _statement(options, config, group, to, judged)
        if text is None:
            return 0
        entry = approvals.record(config, text, signature, judged)
        journal = steps.trusted(config)
    good, bad = approvals.standing_ones(config, journal, group, to, judged)
    lines = approvals.export([entry] if entry is not None else good)
    if not options.export:
        wanted = requirements.approvers(group, to) if to else 0
        if entry is not None:
            lines = [f"{group.name}: {to} approved by {entry['person']}; {len(good)} of {wanted} approvals"]
        lines += [f"does not count, {old['person']}'s for {old['step']}: {why}" for old, why in bad]
        lines = lines or [f"{group.name}: no approvals"]
    void = [{"approval": old, "why": why} for old, why in bad]
    _tell(options, {"overall": "PASS", "recorded": entry, "standing": good, "void": void}, lines)
    return 0


def _step(options: argparse.Namespace) -> str | None:
    """The step that is approved now, if any is."""
    from exuvia.errors import MigrateError
    from exuvia.migrate.modes import approvals

    if options.signed is not None:
        said = approvals.read(_text(options.signed))
        if options.mode not in (None, said["step"]) or said["unit"] != options.group:
            raise MigrateError(f"{options.signed} approves {said['unit']} for {said['step']}, which is not asked here")
        return str(said["step"])
    if options.mode is None and not options.export and not options.json:
        raise MigrateError("say which step is approved: --to canary or rust")
    return None if options.mode is None else str(options.mode)


def _text(path: str) -> str:
    from exuvia.errors import MigrateError

    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise MigrateError(f"{path} is no text: --signed takes the statement that --statement wrote") from None


def _statement(
    options: argparse.Namespace, config: Config, group: GroupConfig, to: str, judged: Any
) -> tuple[str | None, str | None]:
    """What is approved and its signature; nothing where it is only written down."""
    from exuvia.migrate.modes import approvals, identity, steps

    if options.signed is not None:
        return _text(options.signed), _text(f"{options.signed}.sig")
    key = Path(options.key) if options.key else None
    person = options.person if options.statement and options.person else approvals.person_of(config, key)[0]
    text = approvals.statement(
        config, group, steps.trusted(config), to, person=person, lasts_ns=_span(options.expires), judged=judged
    )
    if options.statement:
        Path(options.statement).write_text(text, encoding="utf-8")
        say(f"{options.statement}: sign it with ssh-keygen -Y sign -n {identity.NAMESPACE} -f KEY {options.statement}")
        return None, None
    return text, None if key is None else identity.sign(text, key)


def _span(text: str) -> int:
    from exuvia.errors import MigrateError

    found = re.fullmatch(r"(\d{1,6})\s*(h|d|min)", text)
    if found is None:
        raise MigrateError(f"--expires {text!r} is no span: write 12h, 7d or 30d")
    return int(found[1]) * SPANS[found[2]] * 1_000_000_000


def _refuse(options: argparse.Namespace, group: GroupConfig, judged: Any) -> int:
    from exuvia.migrate.gates.verdict import EXIT

    why = f"{group.name}: there is nothing to approve, {judged.verdict}: {'; '.join(judged.reasons)}"
    _tell(options, {"overall": judged.verdict, "recorded": None, "reasons": judged.reasons}, [why])
    return EXIT[judged.verdict]


def _tell(options: argparse.Namespace, value: dict[str, Any], lines: list[str]) -> None:
    if options.json:
        print_json(value)
        return
    for line in lines:
        say(line)
