"""What a command prints of a report, on a terminal of some width and in a pipe."""

from collections.abc import Callable
from typing import Any

import pytest
from support.terminal import fake_terminal

from annolooop.console.console import Console, Options


def printed(
    monkeypatch: pytest.MonkeyPatch,
    show: Callable[[Console, Any], None],
    report: object,
    columns: int = 80,
    verbose: bool = False,
    typed: str = "",
) -> tuple[list[str], list[str]]:
    """Lines of stdout and of stderr."""
    out, err = fake_terminal(monkeypatch, columns, "dumb")
    show(Console(Options(verbose=verbose, typed=tuple(typed.split()))), report)
    return out.getvalue().splitlines(), err.getvalue().splitlines()
