"""The pages name what exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.project import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULE = re.compile(r"`((?:[a-z_0-9]+/)*[a-z_0-9]+(?:\.py|/))`")
LINK = re.compile(r"\]\((?!https?://)([^)#\s]+)?(?:#([^)\s]+))?\)")
PLACES = (ROOT, ROOT / "annolooop")


def named_modules(page: Path) -> Iterator[str]:
    text = page.read_text(encoding="utf-8")
    yield from MODULE.findall(text)


@pytest.mark.parametrize(
    "page",
    [ROOT / "docs" / "architecture.md", *sorted((ROOT / "docs" / "design").glob("*.md"))],
    ids=lambda page: page.stem,
)
def test_every_module_that_a_page_names_exists(page: Path) -> None:
    folder = "stack.py"  # of each cloud, and such, are named after their folder
    names = [name for name in named_modules(page) if "/" in name.rstrip("/") or name == folder]
    missing = [name for name in names if not any((place / name).exists() for place in PLACES)]
    stored = ("images/", "datasets/", "annotations/", "models/", "locks/", "backups/")
    assert [name for name in missing if not name.startswith(stored)] == []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), (target, anchor)


def test_tree_of_the_architecture_is_the_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = text[text.index("    annolooop/\n") : text.index("Beside the package")]
    named = set(re.findall(r"(?m)^      ([a-z_]+(?:\.py|/))", tree))
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "annolooop").iterdir()
        if not path.name.startswith("_")
    }
    assert named == there


def test_every_fault_is_shown_by_a_test_that_exists() -> None:
    text = (ROOT / "docs" / "design" / "faults.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| .+ \| .+ \| (.+) \|$", text)
    named = [row.strip("`").split("::") for row in rows if row not in ("test", "---")]
    assert len(named) >= 40
    for file, test in named:
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert f"def {test}(" in source, f"{file}::{test}"
