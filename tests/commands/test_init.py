"""What `annoloop init` prints."""

from pathlib import Path

import pytest
from support.printed import printed

from annolooop.commands.init import print_init
from annolooop.loop.setup.init import init


@pytest.mark.parametrize(
    ("store", "name", "labels", "unset"),
    [
        ("local", None, None, "dataset.name, dataset.labels"),
        ("local", "pets", None, "dataset.labels"),
        ("s3", "pets", "cat,dog", "the bucket and its credentials"),
    ],
)
def test_what_is_still_of_the_example_comes_before_the_next_command(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    store: str,
    name: str | None,
    labels: str | None,
    unset: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    _, err = printed(monkeypatch, print_init, init(Path("a b"), store, name, labels))
    assert err[0] == f"First set in a b/annoloop.yaml: {unset}."
    command = "annoloop up" if store == "local" else "annoloop storage setup"
    assert err[1:] == [f"next: cd 'a b' && {command}"]


def test_nothing_is_to_be_set_where_all_is_given_or_the_file_was_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for report in (init(Path(), "local", "pets", "cat,dog"), init(Path(), "local")):
        assert printed(monkeypatch, print_init, report)[1] == ["next: annoloop up"]
