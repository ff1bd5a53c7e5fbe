"""A terminal of some width, in place of stdout and stderr."""

import io
import sys

import pytest


class Terminal(io.StringIO):
    """Text that thinks it is a terminal."""

    def isatty(self) -> bool:
        return True


def fake_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int, term: str = "xterm"
) -> tuple[Terminal, Terminal]:
    """Stdout and stderr become terminals of so many columns."""
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return out, err
