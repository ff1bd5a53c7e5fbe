"""Count what the house promises, and say where it does not hold: python tests/limits.py."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, TESTS, DOCS = ROOT / "annolooop", ROOT / "tests", ROOT / "docs"

LINES = 42_500  # of the package
FILE = 400  # lines of a file of the package
FOLDER = 15  # files of a folder of the package
TEST = 40  # lines of a test that is no story
TESTED = 100  # lines of a module above which it has a test file of its own
README, ARCHITECTURE = 90, 150  # lines
# Words that say nothing, or something else; names that are bound to nothing better.
BAD_NAMES = {"told", "said", "wanted", "lacking", "straddling", "learner", "lesson", "flaw"}


def modules() -> list[Path]:
    """The Python files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def count(file: Path) -> int:
    """Lines of a file."""
    return len(file.read_text(encoding="utf-8").splitlines())


def name_of(file: Path) -> str:
    """A path from the project's root."""
    return file.relative_to(ROOT).as_posix()


def long_files() -> Iterator[str]:
    """Files of the package that are too long."""
    for file in modules():
        if count(file) > FILE:
            yield f"{name_of(file)}: {count(file)} lines"


def crowded_folders() -> Iterator[str]:
    """Folders of the package with too many files; commands are as many as the command line has."""
    for folder in {file.parent for file in modules()} - {PACKAGE / "commands"}:
        files = [file for file in folder.iterdir() if file.is_file() and file.name[0] != "_"]
        if len(files) > FOLDER:
            yield f"{name_of(folder)}: {len(files)} files"


def long_tests() -> Iterator[str]:
    """Tests with several behaviours that are no stories."""
    for file in sorted(TESTS.rglob("test_*.py")):
        if "stories" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > TEST and "pytest.mark.story" not in map(
                    ast.unparse, node.decorator_list
                ):
                    yield f"{name_of(file)}: {node.name}: {lines} lines"


def untested_modules() -> Iterator[str]:
    """Modules of some length without a test file of their name."""
    for file in modules():
        folder = TESTS / file.relative_to(PACKAGE).parent
        if count(file) > TESTED and not list(folder.glob(f"test_{file.stem}*.py")):
            yield f"{name_of(file)}: {count(file)} lines"


def bad_names() -> Iterator[str]:
    """Names that tell a reader nothing."""
    for file in modules():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        keys = {
            id(line.target)  # fields of a report are the keys of --json
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            for line in node.body
            if isinstance(line, ast.AnnAssign)
        }
        for node in ast.walk(tree):
            name = None
            if id(node) in keys:
                continue
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                name = node.id
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                name = node.name
            elif isinstance(node, ast.arg):
                name = node.arg
            if name in BAD_NAMES:
                yield f"{name_of(file)}:{getattr(node, 'lineno', 0)}: {name}"


def long_pages() -> Iterator[str]:
    """Pages that are to be read at once, and are too long for it."""
    for page, limit in ((ROOT / "README.md", README), (DOCS / "architecture.md", ARCHITECTURE)):
        if count(page) > limit:
            yield f"{name_of(page)}: {count(page)} lines"


def main() -> int:
    """Print each limit, and what is over it. Returns the exit code."""
    total = sum(map(count, modules()))
    over = [f"annolooop/: {total} lines"] if total > LINES else []
    limits = (
        (f"the package has at most {LINES} lines (now {total})", over),
        (f"a file has at most {FILE} lines", [*long_files()]),
        (f"a folder has at most {FOLDER} files", [*crowded_folders()]),
        (f"a test has at most {TEST} lines, unless it is a story", [*long_tests()]),
        (f"a module of over {TESTED} lines has a test file", [*untested_modules()]),
        ("no name tells nothing", [*bad_names()]),
        (f"README at most {README}, architecture at most {ARCHITECTURE} lines", [*long_pages()]),
    )
    for limit, breaches in limits:
        print(f"{'ok  ' if not breaches else 'over'} {limit}")
        for breach in breaches:
            print(f"       {breach}")
    return any(breaches for _, breaches in limits)


if __name__ == "__main__":
    sys.exit(main())
