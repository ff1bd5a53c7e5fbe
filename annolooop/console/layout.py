"""How lines and tables fit a terminal: pure functions of text and width."""

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

GAP = "  "  # between two columns
# A command inside a sentence is not broken over two lines: it is there to be copied.
_COMMAND = re.compile(r"annoloop(?: [^\s,;]+)+")
_KEPT_SPACE = "\0"


def text_width(text: str) -> int:
    """Number of terminal cells that a text takes: wide East Asian characters take two."""
    if text.isascii():
        return len(text)
    cells = 0
    for char in text:
        if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Me", "Mn"):
            continue
        cells += 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
    return cells


def wrap(text: str, width: int | None, indent: str = "") -> str:
    """Wrap each line of a text at words; no word, path or command is broken.

    Args:
        text: one or more lines; a line keeps the spaces that it begins with.
        width: cells of a line; ``None`` leaves the text as it is.
        indent: begins all lines that follow from wrapping, after the line's own spaces.
    """
    if width is None:
        return text
    return "\n".join(_wrap_line(line, width, indent) for line in text.split("\n"))


def _wrap_line(line: str, width: int, indent: str) -> str:
    if text_width(line) <= width:
        return line
    start = line[: len(line) - len(line.lstrip())]
    kept = _COMMAND.sub(lambda match: match[0].replace(" ", _KEPT_SPACE), line.strip())
    wrapped = textwrap.wrap(
        kept,
        max(width, 20),
        initial_indent=start,
        subsequent_indent=start + indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(wrapped).replace(_KEPT_SPACE, " ")


def lay_out_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    width: int | None,
    optional: Sequence[str] = (),
) -> list[str]:
    """Lines of a table: the header, then a line for each row. No cell is ever cut.

    Args:
        columns: names, one for each cell of a row.
        rows: cells; ``None`` is an empty one.
        width: cells of a line; ``None`` where nothing limits it, such as in a pipe.
        optional: columns that are left out while the table is too wide, the first one first. If
            it is too wide even so, the last column is wrapped at words.
    """
    cells = [[*columns], *([_cell(cell) for cell in row] for row in rows)]
    kept = list(range(len(columns)))
    for name in optional:
        if width is None or _table_width(cells, kept) <= width:
            break
        kept = [column for column in kept if columns[column] != name]
    widths = {c: max(text_width(row[c]) for row in cells) for c in kept}
    *_, last = kept
    before = sum(widths[c] + len(GAP) for c in kept[:-1])
    lines: list[str] = []
    for row in cells:
        start = "".join(f"{row[c]}{' ' * (widths[c] - text_width(row[c]))}{GAP}" for c in kept[:-1])
        text = row[last]
        if width is not None and before + text_width(text) > width and before + 20 <= width:
            text = wrap(text, width - before).replace("\n", f"\n{' ' * before}")
        lines.append(f"{start}{text}".rstrip())
    return lines


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _table_width(cells: Sequence[Sequence[str]], columns: Sequence[int]) -> int:
    widest = (max(text_width(row[c]) for row in cells) for c in columns)
    return sum(widest) + len(GAP) * (len(columns) - 1)


def format_rate(per_second: float) -> str:
    """Things a second, in three digits or so; slow ones by the minute."""
    if per_second < 0.1:
        return f"{60 * per_second:.1f}/min"
    return f"{per_second:.0f}/s" if per_second >= 100 else f"{per_second:.1f}/s"
