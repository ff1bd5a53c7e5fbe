"""Records of the page have what is not known as empty."""

from annolooop.page.content import Content, Reliability


def test_an_empty_page_needs_only_its_head() -> None:
    content = Content("set", "", "no annotations yet", "", (), False)
    assert (content.versions, content.rounds, content.map, content.missing) == ((), (), None, {})
    assert content.alpha.value is None


def test_two_pages_share_no_counts() -> None:
    one, other = (Content("set", "", "", "", (), False) for _ in range(2))
    one.counts["a"] = 1
    assert other.counts == {}


def test_reliability_without_a_holdout_has_no_figure() -> None:
    assert Reliability((), ()).holdout.value is None
