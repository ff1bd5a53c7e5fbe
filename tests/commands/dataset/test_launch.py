"""What `annoloop dataset launch` prints."""

import pytest
from support.printed import printed

from annolooop.commands.dataset.launch import print_launch
from annolooop.loop.dataset.datasets import LaunchReport


@pytest.mark.parametrize("twice", [True, False])
def test_login_that_was_asked_for_twice_is_told_with_what_ends_it(
    monkeypatch: pytest.MonkeyPatch, twice: bool
) -> None:
    url = "http://127.0.0.1:8093/projects/1/data?tab=2"
    report = LaunchReport(url=url, dataset="cats", opened=True, login_used_twice=twice)
    out, err = printed(monkeypatch, print_launch, report)
    assert out == [url]
    assert ("http://127.0.0.1:8093/admin/password_change/" in " ".join(err)) == twice
