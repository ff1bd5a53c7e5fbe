"""Write the pages that are made from the code: cli.md, stack.md, stack.schema.json.

python docs/generate.py            write them
python docs/generate.py --check    write nothing; exit 1 if one of them is out of date
"""

import argparse
import sys
from pathlib import Path

import typer.main
from cli_page import build_cli_page
from markdown import MEND
from stack_page import build_stack_page

from annolooop.cli import app
from annolooop.config.json_schema import stack_schema
from annolooop.loop.setup.init import schema_text

DOCS = Path(__file__).resolve().parent


def main() -> int:
    """Write or check the pages. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the reference pages from the code.")
    parser.add_argument(
        "--check", action="store_true", help="Write nothing; exit 1 if a page is out of date."
    )
    check = parser.parse_args().check
    schema = stack_schema()
    pages = {
        "cli.md": build_cli_page(typer.main.get_command(app)),
        "stack.md": build_stack_page(schema),
        "stack.schema.json": schema_text(),
    }
    stale = [name for name, text in pages.items() if _read(DOCS / name) != text]
    for name in stale:
        if check:
            print(f"docs/{name} is not what the code says. Mend it: {MEND}", file=sys.stderr)
        else:
            (DOCS / name).write_text(pages[name], encoding="utf-8", newline="\n")
            print(f"wrote docs/{name}")
    return 1 if check and stale else 0


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


if __name__ == "__main__":
    sys.exit(main())
