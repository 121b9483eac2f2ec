"""`exuvia venue`: a simulated broker on 127.0.0.1."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown

if TYPE_CHECKING:
    from exuvia.venues import SaxoVenue

__all__ = ["add"]

EXAMPLE = """example:
  exuvia venue saxo --port 0 --source sim:7     prints its URL and serves until Ctrl-C"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:  # noqa: ARG001 - every command is declared alike
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    venue = commands.add_parser(
        "venue",
        help="serve a simulated broker on 127.0.0.1",
        description="Serves a simulated broker on 127.0.0.1, to run a program against in tests.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    brokers = venue.add_subparsers(dest="broker", metavar="BROKER", required=True)
    saxo = brokers.add_parser(
        "saxo",
        help="REST and WebSocket as Saxo OpenAPI has them, in lock-step",
        description="Serves a broker as Saxo OpenAPI has it until Ctrl-C, and prints its URL. The clock moves only "
        "when the client asks.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    saxo.add_argument("--port", type=_port, default=0, help="0 takes a free one (default)")
    saxo.add_argument("--source", default="sim:7", help="sim:SEED or lean:ZIP[,ZIP…] (default: %(default)s)")
    saxo.set_defaults(handler=_venue)


def _port(text: str) -> int:
    """Read a port number."""
    if not (text.isdecimal() and text.isascii() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a whole number from 0 to 65535")
    return int(text)


def _venue(options: argparse.Namespace) -> int:
    from exuvia.venues import serve_saxo

    def ready(venue: SaxoVenue) -> None:
        print(venue.url, flush=True)

    serve_saxo(options.source, port=options.port, ready=ready)
    return 0
