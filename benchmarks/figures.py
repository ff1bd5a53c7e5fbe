"""What a benchmark found: a ratio beside its target, printed for people and recorded for the table.

A script makes its figures, and ends with `sys.exit(tell(figures, args.record))`; `add_record` gives
its parser the option.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One ratio.

    Attributes:
        name: what was measured, on what: "infer, cold, 2,000 photos of 0.2 MP, local store".
        over: what the ratio is of, and over what: "end-to-end images/s over bare forward's".
        values: both sides, with their units: "98.1/s over 104.3/s".
        ratio: one over the other.
        target: that the ratio should reach, if there is one.
        at_least: the ratio should be no lower than the target; otherwise no higher.
    """

    name: str
    over: str
    values: str
    ratio: float
    target: float | None = None
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether the target is met; without one, it is."""
        if self.target is None:
            return True
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target

    @property
    def aim(self) -> str:
        """The target in words."""
        if self.target is None:
            return "none"
        return f"{'at least' if self.at_least else 'at most'} {self.target:g}"


def add_record(parser: argparse.ArgumentParser) -> None:
    """Give a benchmark the option that `run_all.py` uses."""
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="also append the figures to a file, as JSON"
    )


def tell(figures: Sequence[Figure], record: Path | None = None) -> int:
    """Print figures, record them if asked; 0 when all targets are met, 1 otherwise."""
    for figure in figures:
        verdict = "" if figure.target is None else f": {'met' if figure.met else 'not met'}"
        print(f"{figure.name}: {figure.over}: {figure.values} = {figure.ratio:.3g}")
        print(f"  target: {figure.aim}{verdict}", flush=True)
    if record is not None:
        with record.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(asdict(figure))}\n" for figure in figures)
    return 0 if all(figure.met for figure in figures) else 1
