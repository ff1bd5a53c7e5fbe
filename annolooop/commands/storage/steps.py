"""The steps of `storage setup` and `teardown`: their lines, and the question before them."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.storage import SetupReport

YES = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def print_steps(console: Console, report: "SetupReport") -> None:
    """Print a line for each step, and the fix below those that need one."""
    for line in _lines(report):
        console.print(line, " " * 16)


def confirm_steps(console: Console, plan: "SetupReport", question: str) -> bool:
    """Whether a person at a terminal said yes to the plan; without a terminal, no."""
    return console.confirm([plan.store, *_lines(plan)], question)


def _lines(report: "SetupReport") -> list[str]:
    lines = []
    for step in report.steps:
        lines.append(f"{step.status:<6} {step.name:<8} {step.detail}")
        if step.fix:
            lines.append(f"       {'':<8} fix: {step.fix}")
    return lines
