"""What `dataset sheet` prints, and what does not go together."""

import pytest
from support.printed import printed
from support.project import Project

from annolooop.commands.dataset.sheet import SheetReport, print_sheet

URL = "http://annoloop-1.localhost:9/"


def test_judged_images_lead_to_the_next_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = printed(monkeypatch, print_sheet, SheetReport("pets", URL, 24, 100))
    assert out == ["24 images judged, 100 are left"]
    assert err[-1].startswith("next: annoloop next --sheet")


def test_sheet_without_images_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = printed(monkeypatch, print_sheet, SheetReport("pets", "", 0, 0))
    assert out == ["no image is left that can be judged on such a page"]
    assert err[-1].startswith("next: annoloop stats")


@pytest.mark.parametrize("words", [("--least-sure", "--blind"), ("--label", "aria", "--blind")])
def test_kinds_of_pages_do_not_go_together(
    tmp_path_factory: pytest.TempPathFactory, words: tuple[str, ...]
) -> None:
    project = Project(tmp_path_factory.mktemp("p"), {"dataset": {"name": "pets", "labels": ["a"]}})
    _, error = project.printed("dataset", "sheet", *words, code=2)
    assert "do not go together" in error
