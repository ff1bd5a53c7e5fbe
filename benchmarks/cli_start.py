"""How fast commands are: `annoloop --help` and `annoloop dataset stats` against bare imports.

Measured: wall time of `python -m annolooop --help`, and of `python -m annolooop dataset stats NAME`
with a real Label Studio on this machine and a small project in it, each a process of its own, over
that of `python -c "import typer, rich"` with the same interpreter. `import typer, rich` loads
little of rich (typer and rich both import the rest when something is printed), so the first ratio
counts what annoloop imports itself, the building of the commands, and the printing of the help; the
second also what checks the stack file, the requests, the server's work and the table.

All are run in turn, forwards and backwards, after one run of each that is not counted and compiles
what was not compiled yet. The ratios of the medians should be at most 1.5 and 4.

Run it: python benchmarks/cli_start.py [--repetitions N] [--command PATH] [--tasks N] [--help-only]

Exit status: 0 within the targets, 1 beyond one of them.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from figures import Figure, add_record, tell
from server import VERSION, add_command, generate, running

from annolooop.loop.project import ensure_project
from annolooop.loop.push import push
from annolooop.records import untracked

HELP_TARGET, STATS_TARGET = 1.5, 4
IMPORTS = (sys.executable, "-c", "import typer, rich")
HELP = (sys.executable, "-m", "annolooop", "--help")

Command = Sequence[str]


def main() -> int:
    """Measure, print, and tell by the exit status whether the targets are met."""
    args = _arguments()
    if args.help_only:
        return tell(_figures(medians((IMPORTS, HELP), args.repetitions)), args.record)
    with running(args.command) as stack:
        push(stack, ensure_project(stack), generate(stack, args.tasks), VERSION, False, untracked)
        name, file = stack.config.dataset.name, str(stack.loaded.file)
        stats = (*HELP[:-1], "dataset", "stats", name, "--stack", file)
        taken = medians((IMPORTS, HELP, stats), args.repetitions)
    return tell(_figures(taken, stats, f"{args.tasks} tasks"), args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time of commands over their libraries'.")
    parser.add_argument("--repetitions", type=int, default=15, metavar="N", help="default: 15")
    add_command(parser)
    parser.add_argument("--tasks", type=int, default=100, metavar="N", help="default: 100")
    parser.add_argument("--help-only", action="store_true", help="start no Label Studio")
    add_record(parser)
    args = parser.parse_args()
    if min(args.repetitions, args.tasks) < 1:
        parser.error("--repetitions and --tasks must be at least 1")
    return args


def _figures(
    taken: Mapping[Command, float], stats: Command | None = None, project: str = ""
) -> list[Figure]:
    base = taken[IMPORTS]
    over = 'over `python -c "import typer, rich"`'

    def figure(name: str, command: Command, target: float) -> Figure:
        values = f"{1e3 * taken[command]:.0f} ms over {1e3 * base:.0f} ms"
        ratio = taken[command] / base
        return Figure(name, f"time of the process {over}", values, ratio, target, False)

    found = [figure("`annoloop --help`", HELP, HELP_TARGET)]
    if stats:
        found.append(figure(f"`annoloop dataset stats`, {project}", stats, STATS_TARGET))
    return found


def medians(commands: Sequence[Command], repetitions: int) -> dict[Command, float]:
    """Median wall time of each command in seconds."""
    times: dict[Command, list[float]] = {command: [] for command in commands}
    for command in commands:
        seconds(command)
    for repetition in range(repetitions):
        for command in commands if repetition % 2 else reversed(commands):
            times[command].append(seconds(command))
    return {command: statistics.median(taken) for command, taken in times.items()}


def seconds(command: Command) -> float:
    """Wall time of one run; its output is read and thrown away.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    # As it is for users: what was compiled once is not compiled again.
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
