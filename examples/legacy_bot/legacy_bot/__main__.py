"""Command line: `python -m legacy_bot --url http://127.0.0.1:PORT --out DIR`."""

import argparse
import logging
import os
import sys
from contextlib import closing
from pathlib import Path

from .client import VenueClient
from .config import load_config
from .model import parse_ns
from .runner import Runner
from .stream import Stream

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"


def main(arguments: list[str] | None = None) -> int:
    """Run the bot once against a venue and print what came of it."""
    parser = argparse.ArgumentParser(prog="legacy_bot", description=__doc__)
    parser.add_argument("--url", required=True, help="the venue, such as http://127.0.0.1:8080")
    parser.add_argument("--out", required=True, type=Path, help="folder for bars, trades, equity and state")
    parser.add_argument("--scenarios", type=Path, default=SCENARIOS, help="folder of base.yaml and scenarios")
    parser.add_argument("--until", type=parse_ns, help="stop at this time, such as 2014-05-07T06:00:00Z")
    parser.add_argument("--progress", action="store_true", help="report progress on stderr")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=os.environ.get("LEGACY_BOT_LOG", "ERROR"))

    config = load_config(options.scenarios)
    key, secret, code = (os.environ.get(f"SAXO_{name}", "demo") for name in ("APP_KEY", "APP_SECRET", "CODE"))
    with closing(VenueClient(options.url, {"client_id": key, "client_secret": secret})) as client:
        client.login(code)
        with Stream(client.stream_url, client.token, client.context_id) as stream:
            runner = Runner(config, client, stream, options.out, show_progress if options.progress else None)
            summary = runner.run(options.until)
    trades = sum(summary["closed_trades"].values())
    print(f"{summary['ticks']} ticks, {summary['bars']} bars, {trades} closed trades: see {options.out}")
    return 0


def show_progress(done: int, total: int) -> None:
    """Print how many of the ticks are done."""
    print(f"progress {done} {total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
