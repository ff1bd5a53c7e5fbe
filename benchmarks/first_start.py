"""How fast a first start of Label Studio is: from the shipped database against its migrations.

Measured: wall time of `up` on an empty data folder, until the server answers, with the database
that is shipped, over the same with all migrations of Label Studio, which is installed already. Both
in turn, `--rounds` times; the ratio of the medians should be at most 0.2.

Run it: python benchmarks/first_start.py [--rounds N] [--command PATH]

Exit status: 0 within the target, 1 beyond it.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from figures import Figure, add_record, tell
from server import add_command, make_stack, remove_server, say

from annolooop.labelstudio.server import database
from annolooop.loop.setup.server import up

TARGET = 0.2


def main() -> int:
    """Measure, print, and tell by the exit status whether the target is met."""
    parser = argparse.ArgumentParser(description="Time of a first start of Label Studio.")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    add_command(parser)
    add_record(parser)
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    start(args.command, shipped=True)  # compiles what was not compiled yet
    taken = [
        (start(args.command, shipped=True), start(args.command, shipped=False))
        for _ in range(args.rounds)
    ]
    with_it, without = (statistics.median(times) for times in zip(*taken, strict=True))
    figure = Figure(
        "`annoloop up` on an empty data folder",
        "time from the shipped database over that of all migrations",
        f"{with_it:.1f} s over {without:.1f} s",
        with_it / without,
        TARGET,
        at_least=False,
    )
    return tell([figure], args.record)


def start(command: str | None, shipped: bool) -> float:
    """Seconds of wall time of one first start."""
    with TemporaryDirectory(prefix="annoloop-benchmark-") as folder:
        stack = make_stack(Path(folder), command, {})
        try:
            with patch.object(
                database, "begin_migrated", database.begin_migrated if shipped else _nothing
            ):
                begun = time.monotonic()
                up(stack, say)
                return time.monotonic() - begun
        finally:
            remove_server(stack)


def _nothing(file: Path, version: str | None) -> bool:
    return False


if __name__ == "__main__":
    sys.exit(main())
