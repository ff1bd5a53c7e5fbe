"""Points in time are text that names one."""

import pytest

from annolooop.domain.annotations import is_identity, is_watermark
from annolooop.domain.moments import is_moment


@pytest.mark.parametrize(
    "text", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456+00:00", "2026-01-02T03:04+02:00"]
)
def test_moment_is_taken_as_it_is(text: str) -> None:
    assert is_moment(text) == text
    assert is_watermark(text) == text


@pytest.mark.parametrize(
    "text", ["now", "2026-13-01T00:00:00Z", "2026-01-02", "2026-01-02T03:04:05", "7"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        is_moment(text)


def test_first_snapshot_has_no_watermark() -> None:
    assert is_watermark("") == ""


@pytest.mark.parametrize("text", ["", "then", "0 then", "-1 then", f"{10**30} then"])
def test_identity_begins_with_the_number_of_a_project(text: str) -> None:
    assert is_identity("7 2026-01-02T03:04:05Z")
    with pytest.raises(ValueError, match=r"^"):
        is_identity(text)
