"""Run the benchmarks, and write one table of all that they found.

Each script runs as a process of its own; what it records replaces its rows in docs/benchmarks.json,
and docs/benchmarks.md is written anew from there after each of them. So some can be run alone, the
others keep their rows, and one that fails loses none; its row says so. What is to be said of
figures that fall short stands in benchmarks/remarks.md, and is copied above the table.

Run it: python benchmarks/run_all.py [NAME ...] [--images DIR] [--command PATH] [--smoke]
[--labelled DIR ...] [--weights FILE] [--kept FOLDER] [--into FOLDER], or: make bench,
make bench BENCH="infer listing"

Exit status: 0 when all that ran met their targets, 1 otherwise.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from figures import Figure

from annolooop import __version__
from annolooop.config.schema import DEFAULT_LABEL_STUDIO

HERE = Path(__file__).parent
LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "scipy", "httpx")
LIMIT = 7200  # seconds that one script may take


@dataclass(frozen=True)
class Script:
    """A benchmark.

    Attributes:
        smoke: options that make it a matter of seconds.
        images: it takes ``--images DIR``.
        quality: it takes labelled images, ``--images`` several times, and ``--weights FILE``.
        command: it takes ``--command PATH``.
    """

    smoke: tuple[str, ...] = ()
    images: bool = False
    quality: bool = False
    command: bool = False


SCRIPTS: Mapping[str, Script] = {
    "cli_start": Script(("--repetitions", "1", "--help-only"), command=True),
    "first_start": Script(("--rounds", "1"), command=True),
    "people": Script(("--people", "2", "--answers", "2", "--rounds", "1"), command=True),
    "sheet": Script(("--tiles", "4", "--rounds", "1"), command=True),
    "infer": Script(("--count", "24", "--large", "4", "--rounds", "1"), images=True),
    "precision": Script(("--count", "32", "--generated", "16"), images=True),
    "decode": Script(("--count", "8"), images=True),
    "retrain": Script(("--count", "60", "--rounds", "1"), images=True),
    "label_efficiency": Script(
        ("--seeds", "2", "--budget", "60", "--strategies", "margin"), quality=True
    ),
    "memory": Script(("--few", "16", "--many", "48")),
    "push": Script(("--tasks", "50", "--rounds", "1"), command=True),
    "predictions": Script(("--tasks", "50", "--singly", "10"), command=True),
    "pull": Script(("--tasks", "50", "--annotations", "10"), command=True),
    "stats": Script(("--tasks", "50", "--few", "10", "--rounds", "1"), command=True),
    "listing": Script(("--keys", "2000", "--small", "500", "--rounds", "1")),
    "embeddings": Script(("--count", "4000", "--few", "1000")),
    "bucket_read": Script(("--objects", "40", "--rounds", "1")),
    "calibration": Script(("--seeds", "1", "--labels", "60"), quality=True),
    "accept": Script(("--draws", "2", "--labels", "300"), quality=True),
    "review": Script(("--seeds", "1", "--labels", "200"), quality=True),
    "target": Script(("--draws", "1", "--most", "100"), quality=True),
}


def main() -> int:
    """Run what was asked for; tell by the exit status whether all targets were met."""
    args = _arguments()
    args.into.mkdir(parents=True, exist_ok=True)
    kept = args.into / "benchmarks.json"
    rows: dict[str, Any] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    met = True
    for name in args.names:
        print(f"\n== {name}", flush=True)
        rows[name] = run(name, args)
        met &= rows[name]["status"] == 0
        ordered = {key: rows[key] for key in SCRIPTS if key in rows}
        kept.write_text(json.dumps(ordered, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (args.into / "benchmarks.md").write_text(page(ordered), encoding="utf-8")
    return 0 if met else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="All benchmarks, one table.")
    there = [name for name in SCRIPTS if (HERE / f"{name}.py").exists()]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(there)}")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="photos to use; default: generated ones"
    )
    parser.add_argument(
        "--labelled",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="labelled images for the benchmarks of quality, repeatable; default: digits",
    )
    parser.add_argument("--weights", type=Path, metavar="FILE", help="MobileNetV2's, for them")
    parser.add_argument("--kept", type=Path, metavar="FOLDER", help="where they keep embeddings")
    parser.add_argument("--command", metavar="PATH", help="label-studio executable to start")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: does everything run?")
    parser.add_argument(
        "--into",
        type=Path,
        default=HERE.parent / "docs",
        metavar="FOLDER",
        help="where benchmarks.md and benchmarks.json are; default: docs",
    )
    args = parser.parse_args()
    args.names = args.names or there
    if unknown := [name for name in args.names if name not in there]:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(there)}")
    if args.images and not args.images.is_dir():
        parser.error(f"--images {args.images}: there is no such folder")
    for folder in args.labelled:
        if not folder.is_dir():
            parser.error(f"--labelled {folder}: there is no such folder")
    if args.labelled and not args.weights:
        parser.error("--labelled needs --weights FILE: random weights tell nothing")
    if args.command and not shutil.which(Path(args.command).expanduser().absolute()):
        parser.error(f"--command {args.command}: there is no such executable")
    if args.smoke and args.into == parser.get_default("into"):
        parser.error("--smoke measures nothing: name another folder for its table, --into FOLDER")
    return args


def run(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Run one script, which may fail. Returns what is to be kept of it."""
    script = SCRIPTS[name]
    options = list(script.smoke) if args.smoke else []
    if script.images and args.images:
        options += ["--images", str(args.images.absolute())]
    if script.quality:
        for folder in args.labelled:
            options += ["--images", str(folder.absolute())]
        if args.labelled:
            options += ["--weights", str(args.weights.absolute())]
        if args.labelled and args.kept:
            options += ["--kept", str(args.kept.absolute())]
    if script.command and args.command:
        options += ["--command", args.command]
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    begun = time.monotonic()
    with TemporaryDirectory() as folder:
        record = Path(folder) / "figures"
        words = [sys.executable, str(HERE / f"{name}.py"), *options, "--record", str(record)]
        status = _call(words, environ)
        lines = record.read_text("utf-8").splitlines() if record.exists() else []
    return {
        "status": status,
        "options": list(script.smoke) if args.smoke else [],  # paths say nothing elsewhere
        "seconds": round(time.monotonic() - begun),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "annoloop": f"{__version__} ({commit()})",
        "machine": machine(),
        "versions": versions(),
        "figures": [json.loads(line) for line in lines],
    }


def _call(words: Sequence[str], environ: Mapping[str, str]) -> int:
    process = subprocess.Popen(words, env=environ)
    try:
        return process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.terminate()  # it stops its servers
        process.wait()
        return 1


def page(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The Markdown page."""
    remarks = HERE / "remarks.md"
    parts = [
        "# Benchmarks",
        "Written by `make bench`, which runs every script of `benchmarks/`; "
        '`make bench BENCH="infer listing"` runs some and keeps the other rows. Each figure is a '
        "ratio of two things that were measured in one run; what exactly stands at the top of the "
        "script.",
        *_circumstances(rows),
    ]
    if remarks.exists():
        parts.append(remarks.read_text("utf-8").strip())
    table = [
        "| benchmark | figure | values | ratio | target | met |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in rows.items():
        table += [_line(name, Figure(**figure)) for figure in row["figures"]]
        if not row["figures"]:
            failed = (f"it failed ({row['status']})", "no")
            told, met = failed if row["status"] else ("nothing to compare on this machine", "")
            table.append(f"| {name} | {told} | | | | {met} |")
    parts.append("\n".join(table))
    return "\n\n".join(parts) + "\n"


def _circumstances(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Machine, versions and date, once for all scripts that ran in the same ones."""
    groups: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for name, row in rows.items():
        same = (row["machine"], row["versions"], row["annoloop"])
        groups.setdefault(same, []).append((name, row["date"]))
    return [
        f"- Scripts: {', '.join(name for name, _ in ran)}\n"
        f"- Date: {min(date for _, date in ran)} to {max(date for _, date in ran)}\n"
        f"- Machine: {where}\n"
        f"- Versions: annoloop {annoloop}, {libraries}"
        for (where, libraries, annoloop), ran in groups.items()
    ]


def _line(script: str, figure: Figure) -> str:
    met = "" if figure.target is None else "yes" if figure.met else "**no**"
    cells = (
        f"{figure.name} (`{script}.py`)",
        figure.over,
        figure.values,
        f"{figure.ratio:.3g}",
        figure.aim,
        met,
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def machine() -> str:
    """Processor, cores that this process may use, memory, system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> str:
    """Of Python, of what computes, and of the Label Studio that annoloop installs."""
    found = [f"Python {platform.python_version()}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join([*found, f"Label Studio {DEFAULT_LABEL_STUDIO}"])


def commit() -> str:
    """The commit that is checked out, and whether files differ from it."""
    asked = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        return _output(asked)
    except (OSError, subprocess.CalledProcessError):
        return "not in git"


def _output(words: Sequence[str]) -> str:
    done = subprocess.run(words, cwd=HERE, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
