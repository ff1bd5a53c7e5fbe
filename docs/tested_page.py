"""The page of what is tested: a table for each file of tests, made from the tests' names."""

import ast
from collections.abc import Iterator
from pathlib import Path

from markdown import GENERATED, table

TESTS = Path(__file__).parent.parent / "tests"

INTRO = f"""\
# What is tested

{GENERATED}

Each line is the name of a test. They run against a real Label Studio server, with torch on real
images, and in a real browser where a page matters.
"""


def build_tested_page() -> str:
    """The page."""
    parts = [INTRO]
    for file in sorted(TESTS.rglob("test_*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        about = (ast.get_docstring(module) or file.stem).splitlines()[0]
        where = file.relative_to(TESTS.parent).as_posix()
        parts += [f"## {about.rstrip('.')}\n", f"`{where}`\n"]
        parts.append(table(["tested"], ([_sentence(name)] for name in _tests(module))))
    return "\n".join(parts)


def _tests(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name


def _sentence(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")
