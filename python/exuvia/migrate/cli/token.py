"""`exuvia token status | keep | takeover | cutover`: who renews a token, and whether all is well."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from exuvia.migrate.cli.shared import Shown, print_json, said_why, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from types import FrameType

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia token status run/saxo.json
  exuvia token keep run/saxo.json --refresh bot.auth:refresh
  exuvia token takeover run/saxo.json --by ann --reason "the keeper on nas hangs\""""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    top = commands.add_parser(
        "token",
        help="who renews a token file, and whether all is well with it",
        description="Looks after a token file that one process renews and many read. status ends with 1 if something "
        "is wrong. No secret is taken as an argument or printed.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    deeds = top.add_subparsers(dest="deed", metavar="status | keep | takeover | cutover", required=True)
    for name, handler, told, described, example in (
        (
            "status",
            _status,
            "pair, lease, counts and what is wrong, from the files alone",
            "Shows until when the pair is good, who keeps it, its counts and what is wrong. Only files are read.",
            "exuvia token status run/saxo.json --json",
        ),
        (
            "keep",
            _keep,
            "renew it in time, by a function of yours, until Ctrl-C",
            "Renews the pair in time, until Ctrl-C or SIGTERM. The function is called with the Token of now, makes one "
            "request and returns (status, body); see exuvia.tokens.Keeper.",
            "exuvia token keep run/saxo.json --refresh bot.auth:refresh",
        ),
        (
            "takeover",
            _takeover,
            "take the lease from whoever has it and leave it free",
            "Takes the lease from whoever has it: its keeper stops at its next look, the next one that starts gets it.",
            'exuvia token takeover run/saxo.json --by ann --reason "it hangs"',
        ),
        (
            "cutover",
            _cutover,
            "put what was kept under the parallel name into the file",
            "Puts the pair of FILE's parallel name (saxo.exuvia.json beside saxo.json) into FILE, after both keepers "
            "have ended. What FILE held is kept beside it.",
            'exuvia token cutover run/saxo.json --by ann --reason "gate passed"',
        ),
    ):
        deed = deeds.add_parser(
            name, help=told, description=described, epilog=f"example:\n  {example}", formatter_class=Shown
        )
        deed.add_argument("file", metavar="FILE", help="the token file")
        if name in {"takeover", "cutover"}:
            deed.add_argument("--by", metavar="NAME", required=True, type=said_why, help="who orders it")
            deed.add_argument("--reason", metavar="WHY", required=True, type=said_why, help="kept in the lease")
        if name == "keep":
            deed.add_argument("--refresh", metavar="MODULE:FUNCTION", required=True, help="the way to the venue")
            deed.add_argument("--parallel", action="store_true", help="keep the parallel name of FILE")
        if name == "status":
            deed.add_argument("--json", action="store_true", help="print JSON")
        deed.set_defaults(handler=handler)
    _ = shared  # a token file needs no configuration


def _status(options: argparse.Namespace) -> int:
    from exuvia import tokens

    seen = tokens.look(options.file)
    if options.json:
        print_json(seen)
    else:
        for line in _lines(seen):
            say(line)
    return 0 if seen["healthy"] else 1


def _lines(seen: dict[str, Any]) -> list[str]:
    """Say what was seen, a line for each thing."""
    lines = [f"{seen['path']}: {'well' if seen['healthy'] else 'NOT WELL'}"]
    if token := seen["token"]:
        left = token["seconds_left"]
        lines.append(
            f"  access token   until {token['expires_at'] or 'unknown'}" + (f", {left} s left" if left else "")
        )
        lines.append(f"  refresh token  until {token['refresh_token_expires_at'] or 'unknown'}")
    if lease := seen["lease"]:
        lines.append(f"  lease          {lease['fencing_token']}, {lease['holder']} ({lease['taken']})")
    if keeper := seen["keeper"]:
        lines.append(f"  keeper         {keeper['state']}, process {keeper['pid']}, heartbeat {keeper['heartbeat']}")
        counts = ", ".join(f"{keeper[name]} {name}" for name in ("refreshes", "failures", "unauthorized", "foreign"))
        lines.append(f"  counts         {counts}")
    return lines + [f"  ! {problem}" for problem in seen["problems"]]


def _keep(options: argparse.Namespace) -> int:
    from exuvia import tokens
    from exuvia.errors import TokenError

    path = tokens.parallel(options.file) if options.parallel else options.file
    loud: list[str] = []

    def told(code: str, words: str, is_loud: bool) -> None:
        print(f"{'! ' if is_loud else ''}{code}: {words}", flush=True)
        if code in {"fenced", "contended"}:
            loud.append(words)

    keeper = tokens.Keeper(path, _function(options.refresh), tell=told)

    def end(_number: int, _frame: FrameType | None) -> None:
        keeper.end()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    keeper.run()
    if loud:
        raise TokenError(loud[-1])
    return 0


def _function(named: str) -> Callable[..., Any]:
    """Import `module:function`, from this folder too."""
    import importlib
    import sys

    from exuvia.errors import TokenError

    module, _, name = named.partition(":")
    if not module or not name:
        raise TokenError(f"--refresh {named!r} is not MODULE:FUNCTION")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise TokenError(f"--refresh {named!r}: there is no module {error.name}") from None
    function = getattr(found, name, None)
    if not callable(function):
        raise TokenError(f"--refresh {named!r}: {module} has no function {name}")
    return function  # type: ignore[no-any-return]  # the keeper judges each answer


def _takeover(options: argparse.Namespace) -> int:
    from exuvia import tokens

    number = tokens.takeover(options.file, by=options.by, reason=options.reason)
    say(f"{options.file}: taken over with fencing token {number}; its keeper stops at its next look, start the new one")
    return 0


def _cutover(options: argparse.Namespace) -> int:
    from exuvia import tokens

    number = tokens.cutover(options.file, by=options.by, reason=options.reason)
    say(f"{options.file}: holds what was kept beside it, fencing token {number}; start its keeper")
    return 0
