"""How fast the command line starts: `annoloop --help` against the libraries it is made of.

Measured: wall time of `python -m annolooop --help`, a process of its own, over that of
`python -c "import typer, rich"`, with the same interpreter. `import typer, rich` loads little of
rich (typer and rich both import the rest when something is printed), so the ratio counts what
annoloop imports itself, the building of the commands, and the printing of the help.

The two are run in turn, and take turns in going first, after one run of each that is not counted.
The ratio of the medians should be at most 1.5.

Run it: python benchmarks/cli_start.py [--repetitions N]

Exit status: 0 within the target, 1 beyond it.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

TARGET = 1.5
HELP = (sys.executable, "-m", "annolooop", "--help")
IMPORTS = (sys.executable, "-c", "import typer, rich")


def main() -> int:
    """Measure, print, and tell by the exit status whether the target is met."""
    parser = argparse.ArgumentParser(description="Time of annoloop --help over its libraries'.")
    parser.add_argument("--repetitions", type=int, default=15, metavar="N", help="default: 15")
    repetitions = parser.parse_args().repetitions
    if repetitions < 1:
        parser.error("--repetitions must be at least 1")

    times: dict[Sequence[str], list[float]] = {HELP: [], IMPORTS: []}
    for command in times:
        seconds(command)
    for repetition in range(repetitions):
        for command in (HELP, IMPORTS) if repetition % 2 else (IMPORTS, HELP):
            times[command].append(seconds(command))

    print(f"{'':<28} {'median':>9} {'minimum':>9}   of {repetitions}")
    for command, taken in times.items():
        name = " ".join(("python", *command[1:]))
        print(f"{name:<28} {1e3 * statistics.median(taken):6.0f} ms {1e3 * min(taken):6.0f} ms")
    ratio = statistics.median(times[HELP]) / statistics.median(times[IMPORTS])
    print(f"{'ratio':<28} {ratio:9.2f} {min(times[HELP]) / min(times[IMPORTS]):9.2f}")
    met = ratio <= TARGET
    print(f"target: at most {TARGET} by the medians: {'met' if met else 'not met'}")
    return 0 if met else 1


def seconds(command: Sequence[str]) -> float:
    """Wall time of one run; its output is read and thrown away.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
