"""Environments that several stacks share: installed once, removed with the last user."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from annolooop.config.schema import DEFAULT_LABEL_STUDIO
from annolooop.errors import ConfigError
from annolooop.labelstudio.server import install
from annolooop.labelstudio.server.install import (
    LAUNCHER,
    command_of,
    ensure_environment,
    has_our_pages,
    installed_version,
    lock_file,
    release_environment,
)


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Makes an executable in the place of an installation; keeps what was to be run."""
    steps: list[list[str]] = []

    def run(step: list[str], *rest: object) -> None:
        steps.append(step)
        if "venv" in step:
            (Path(step[-1]) / "bin").mkdir(parents=True)
            (Path(step[-1]) / "bin" / "label-studio").write_text("#!python\n")

    monkeypatch.setattr(install, "run_installer", run)
    return steps


def ensure(root: Path, user: str) -> Path:
    return ensure_environment(root, "1.2.3", user, lambda text: None)


def test_environment_is_installed_once_for_all_users(
    installer: list[list[str]], tmp_path: Path
) -> None:
    first, second = ensure(tmp_path, "one"), ensure(tmp_path, "two")
    assert first == second == tmp_path / "1.2.3" / "bin" / "label-studio"
    assert sum("venv" in step for step in installer) == 1
    assert "label-studio==1.2.3" in installer[-1]


def test_environment_goes_with_its_last_user(installer: list[list[str]], tmp_path: Path) -> None:
    ensure(tmp_path, "one")
    ensure(tmp_path, "two")
    assert release_environment(tmp_path, "1.2.3", "one") is None
    assert release_environment(tmp_path, "1.2.3", "two") == tmp_path / "1.2.3"
    assert not (tmp_path / "1.2.3").exists()


def test_environment_that_is_not_there_needs_no_release(tmp_path: Path) -> None:
    assert release_environment(tmp_path, "1.2.3", "one") is None


def test_incomplete_environment_is_installed_again(
    installer: list[list[str]], tmp_path: Path
) -> None:
    (tmp_path / "1.2.3" / "bin").mkdir(parents=True)
    (tmp_path / "1.2.3" / "bin" / "label-studio").write_text("half")
    (tmp_path / "1.2.3.begun").touch()
    assert ensure(tmp_path, "one").read_text() == "#!python\n"


def test_interrupted_installation_is_known_by_its_mark(
    installer: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(step: list[str], *rest: object) -> None:
        (tmp_path / "1.2.3" / "half").mkdir(parents=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(install, "run_installer", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ensure(tmp_path, "one")
    assert ensure(tmp_path, "one").exists()
    assert not (tmp_path / "1.2.3" / "half").exists()


@pytest.mark.parametrize("as_link", [False, True])
def test_folder_of_somebody_else_is_not_removed_for_an_environment(
    installer: list[list[str]], tmp_path: Path, as_link: bool
) -> None:
    theirs = tmp_path / ("precious" if as_link else "1.2.3")
    theirs.mkdir()
    (theirs / "thesis.txt").touch()
    if as_link:
        (tmp_path / "1.2.3").symlink_to(theirs)
    with pytest.raises(ConfigError, match="is not removed"):
        ensure(tmp_path, "one")
    assert (theirs / "thesis.txt").exists()
    assert installer == []


def test_link_in_the_place_of_an_environment_is_not_removed_with_its_last_user(
    installer: list[list[str]], tmp_path: Path
) -> None:
    ensure(tmp_path, "one")
    (tmp_path / "1.2.3").rename(tmp_path / "elsewhere")
    (tmp_path / "1.2.3").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="it is a link to"):
        release_environment(tmp_path, "1.2.3", "one")
    assert (tmp_path / "elsewhere" / "bin").is_dir()


def test_pip_is_tried_where_uv_fails(
    installer: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = install.run_installer

    def no_uv(step: list[str], *rest: object) -> None:
        if step[0] == "uv":
            raise ConfigError("no index for uv")
        run(step, *rest)

    monkeypatch.setattr(install, "find_uv", lambda: "uv")
    monkeypatch.setattr(install, "run_installer", no_uv)
    said: list[str] = []
    ensure_environment(tmp_path, "1.2.3", "one", said.append)
    assert "no index for uv\nTrying again with pip …" in said
    assert installer[-1][1:4] == ["-I", "-m", "pip"]


def executable(folder: Path, first_line: str, python: str) -> Path:
    """An executable beside a Python that answers in this way."""
    folder.mkdir()
    (folder / "python").write_text(f"#!/bin/sh\n{python}\n")
    (folder / "python").chmod(0o755)
    (folder / "label-studio").write_text(first_line)
    return folder / "label-studio"


def test_version_is_asked_of_the_python_beside_it(tmp_path: Path) -> None:
    assert installed_version(executable(tmp_path / "bin", "#!/bin/sh\n", "echo 1.2.3")) == "1.2.3"


def test_version_of_a_python_without_the_package_is_not_known(tmp_path: Path) -> None:
    found = executable(tmp_path / "bin", f"#!{sys.executable}x\n", "exit 1")
    assert installed_version(found) is None


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Label Studio of one line, in a folder that stands for the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    file = folder / "label_studio-1.2.3-py3-none-any.whl"
    about = "label_studio-1.2.3.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("label_studio.py", "def main(): print('here')\n")
        archive.writestr(f"{about}/METADATA", METADATA)
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{about}/entry_points.txt", ENTRY_POINT)
        archive.writestr(f"{about}/RECORD", "")
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, str(folder))
    for name in ("UV_OFFLINE", "PIP_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(install, "LOCKS", tmp_path)
    return file


METADATA = "Metadata-Version: 2.1\nName: label-studio\nVersion: 1.2.3\n"
ENTRY_POINT = "[console_scripts]\nlabel-studio = label_studio:main\n"


def lock(wheel: Path, digest: str) -> None:
    lock_file("1.2.3").write_text(f"label-studio==1.2.3 \\\n    --hash=sha256:{digest}\n")


def test_locked_version_is_installed_if_the_hashes_are_those_of_the_lock(
    wheel: Path, tmp_path: Path
) -> None:
    lock(wheel, hashlib.sha256(wheel.read_bytes()).hexdigest())
    installed = ensure(tmp_path / "cache", "one")
    assert subprocess.run([installed], capture_output=True, text=True).stdout == "here\n"


@pytest.mark.slow
def test_file_that_is_not_that_of_the_lock_is_not_installed(wheel: Path, tmp_path: Path) -> None:
    lock(wheel, "0" * 64)
    with pytest.raises(ConfigError, match=r"Label Studio 1\.2\.3 could not be installed"):
        ensure(tmp_path / "cache", "one")
    assert not (tmp_path / "cache" / "1.2.3" / "users").exists()


def test_default_version_has_a_lock_that_names_hashes_only() -> None:
    (file,) = install.LOCKS.glob(f"{DEFAULT_LABEL_STUDIO}-cpython311-glibc-x86_64.txt")
    lines = file.read_text().splitlines()
    names = [line for line in lines if not line.startswith(" ")]
    assert f"label-studio=={DEFAULT_LABEL_STUDIO} \\" in names
    assert all("==" in name and name.endswith("\\") for name in names)
    assert all(line.strip().startswith("--hash=sha256:") for line in lines if line[0] == " ")


def test_python_starts_an_executable_by_itself(tmp_path: Path) -> None:
    """So that modules of the working directory, and of PYTHONPATH, are not run."""
    found = executable(tmp_path / "bin", f"#!{sys.executable}\n", "exit 1")
    assert command_of(found) == [sys.executable, "-I", "-u", str(LAUNCHER), str(found)]
    assert has_our_pages(str(found))
    assert has_our_pages(None)


@pytest.mark.parametrize(
    "first_line", ["#!/bin/sh\n", "#!/usr/bin/env python3\n", "#!/nowhere/python\n", "\x7fELF", ""]
)
def test_other_executables_start_themselves(tmp_path: Path, first_line: str) -> None:
    found = executable(tmp_path / "bin", first_line, "exit 1")
    assert command_of(found) == [str(found)]
    assert not has_our_pages(str(found))
