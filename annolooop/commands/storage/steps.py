"""The steps of setting up and tearing down: their lines, and the question before them."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.storage import SetupReport


YES = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def _show_steps(console: Console, report: "SetupReport") -> None:
    for line in _lines(report):
        console.print(line)


def _lines(report: "SetupReport") -> list[str]:
    lines = []
    for step in report.steps:
        lines.append(f"{step.status:<6} {step.name:<8} {step.detail}")
        if step.fix:
            lines.append(f"       {'':<8} fix: {step.fix}")
    return lines


def _confirmed(console: Console, plan: "SetupReport", question: str) -> bool:
    """Whether someone at a terminal said yes to the plan; without one, nobody did."""
    if not sys.stdin.isatty():
        return False
    try:
        return typer.confirm("\n".join([plan.store, *_lines(plan), question]), err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None
