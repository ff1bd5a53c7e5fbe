"""Secrets of the stack file that come from a file or from the keyring."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from support.file_keyring import FileKeyring

from annolooop.config.load import LoadedStack, load_stack
from annolooop.errors import ConfigError

SECRET = "s3cr3t-value"


def load(folder: Path, value: str, shallow: bool = False, first: str = "") -> LoadedStack:
    file = folder / "annoloop.yaml"
    file.write_text(
        f"{first}label_studio:\n  url: http://x\n  api_key: {value}\nmodel:\n  weights: {value}\n",
        encoding="utf-8",
    )
    return load_stack(str(file), environ={"A": "env"}, shallow=shallow)


def key_of(loaded: LoadedStack) -> str:
    key = loaded.config.label_studio.api_key
    assert key
    return key.get_secret_value()


def refused(folder: Path, value: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(folder, value)
    assert "annoloop.yaml:3: label_studio.api_key: " in caught.value.message
    assert caught.value.hint
    assert SECRET not in caught.value.message + caught.value.hint
    return caught.value


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a keyring with one entry."""
    file = tmp_path / "keyring.json"
    file.write_text(json.dumps({"http://labels/a me": SECRET}))
    monkeypatch.setenv("TEST_KEYRING", str(file))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())
    yield file
    keyring.set_keyring(before)


@pytest.mark.parametrize("path", ["deep/a:b", "~/a:b", "{tmp}/deep/a:b"])
def test_content_of_a_file_is_filled_in_without_its_last_newline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "deep"))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a:b").write_bytes(b"\xef\xbb\xbf " + SECRET.encode() + b"\r\n")
    loaded = load(tmp_path, f"x${{file:{path.format(tmp=tmp_path)}}}-${{A}}")
    assert key_of(loaded) == loaded.config.model.weights == f"x {SECRET}-env"


def test_secret_is_masked_also_where_no_secret_is_expected(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET)
    loaded = load(tmp_path, "${A}${file:token}")
    shown = {s.key: (s.value, s.origin) for s in loaded.settings}
    assert shown["label_studio.api_key"] == ("********", "env:A,file:token")
    assert shown["model.weights"] == ("********", "env:A,file:token")
    assert shown["label_studio.url"] == ("http://x", "file:2")


def test_list_with_a_secret_item_is_masked_and_a_flag_unmasks(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET)
    file = tmp_path / "annoloop.yaml"
    file.write_text("dataset:\n  labels: [a, '${file:token}']\n")
    values = {s.key: s.value for s in load_stack(str(file), environ={}).settings}
    assert values["dataset.labels"] == "********"
    loaded = load_stack(str(file), ["dataset.labels=[a, b]"], environ={})
    assert {s.key: s.value for s in loaded.settings}["dataset.labels"] == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), (b"\n", "empty"), (b"\xfc", "not UTF-8"), (b"a\0b", "zero byte")],
)
def test_file_that_holds_no_text_is_named(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    error = refused(tmp_path, "${file:token}")
    assert "${file:token}" in error.message
    assert message in error.message


@pytest.mark.parametrize(
    "value",
    ["${file:}", "${file:~nobody-at-all/x}", "${file:${A}/x}", "${env:A}", "'${A'", "${keyring:x}"],
)
def test_reference_that_is_none_is_refused(tmp_path: Path, value: str) -> None:
    refused(tmp_path, value)


def test_entry_of_the_keyring_is_filled_in(tmp_path: Path, entries: Path) -> None:
    loaded = load(tmp_path, "${keyring:http://labels/a/me}")
    assert key_of(loaded) == SECRET
    shown = {s.key: (s.value, s.origin) for s in loaded.settings}
    assert shown["model.weights"] == ("********", "keyring:http://labels/a/me")


def test_missing_entry_is_told_with_the_command_that_makes_it(
    tmp_path: Path, entries: Path
) -> None:
    error = refused(tmp_path, "${keyring:my service/you}")
    assert error.hint == "Make it: keyring set 'my service' you"


def test_broken_keyring_is_told_without_what_it_says(tmp_path: Path, entries: Path) -> None:
    entries.write_text(SECRET)
    assert "cannot be read (JSONDecodeError)" in refused(tmp_path, "${keyring:a/b}").message


def test_missing_extra_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    error = refused(tmp_path, "${keyring:a/b}")
    assert error.exit_code == 3
    assert "annolooop[keyring]" in error.hint


def test_shallow_look_reads_no_secret_and_needs_no_variable(tmp_path: Path) -> None:
    loaded = load(tmp_path, "${file:gone}${keyring:a/b}${NOT_SET}${odd:x}", shallow=True)
    assert loaded.config.dataset.name == "aria_detector"


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder beside which a file with a secret lies, at home."""
    (tmp_path / "token").write_text(SECRET)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "token")
    return folder


PATHS = ["../token", "~/token", "link", "x/../../token"]


@pytest.mark.parametrize("path", PATHS)
def test_file_outside_of_the_project_folder_is_not_read(outside: Path, path: str) -> None:
    error = refused(outside, f"${{file:{path}}}")
    assert "the file is outside of the project folder" in error.message
    assert "allow_files_outside: true" in error.hint


@pytest.mark.parametrize("path", PATHS)
def test_file_outside_is_read_where_the_stack_file_says_so(outside: Path, path: str) -> None:
    first = "allow_files_outside: true\n"
    assert key_of(load(outside, f"${{file:{path}}}", first=first)) == SECRET


@pytest.mark.parametrize("value", ["false", "[true]", "{a: true}", "x"])
def test_nothing_else_allows_files_outside(outside: Path, value: str) -> None:
    with pytest.raises(ConfigError, match="outside of the project folder"):
        load(outside, "${file:../token}", first=f"allow_files_outside: {value}\n")


def test_one_run_may_read_files_outside(outside: Path) -> None:
    with pytest.raises(ConfigError, match="outside of the project folder"):
        load(outside, "${file:../token}")
    overrides = ["allow_files_outside=true"]
    loaded = load_stack(str(outside / "annoloop.yaml"), overrides, environ={})
    assert key_of(loaded) == SECRET
