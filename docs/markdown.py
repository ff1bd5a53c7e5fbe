"""What the generated pages share."""

from collections.abc import Iterable, Sequence

MEND = "python docs/generate.py"
PROGRAM = "annoloop"
GENERATED = f"<!-- Written by `{MEND}`. Do not edit: change the code, or the generator. -->"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
