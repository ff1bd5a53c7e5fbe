"""Which stack files a folder has, their names, and which one is chosen."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from annolooop.config.text import NotText, read_text
from annolooop.errors import ConfigError, did_you_mean

STACK_VARIABLE = "ANNOLOOP_STACK"
SEARCHED = ("annoloop.yaml", "configs/default.yaml")
MARKER = ".annoloop-stack"  # holds the path of the stack file that `annoloop stack use` chose
SUFFIX = ".annoloop.yaml"
CONFIGS = "configs"


@dataclass(frozen=True)
class NamedStack:
    """A stack file of a folder, by the name that ``--stack`` and `annoloop stack` take."""

    name: str
    file: Path


@dataclass(frozen=True)
class ChosenStack:
    """The chosen stack file.

    Attributes:
        file: its path.
        by: what chose it: ``--stack``, ``$ANNOLOOP_STACK``, the marker file or ``its name``.
    """

    file: Path
    by: str


def list_stacks(folder: Path) -> list[NamedStack]:
    """The stack files of a project folder, by name.

    They are ``annoloop.yaml``, ``NAME.annoloop.yaml`` and ``configs/NAME.yaml``. Where two would
    have one name, the first of this order has it, and the other is called by its path.
    """
    files = [
        *(file for file in (folder / SEARCHED[0],) if file.is_file()),
        *sorted(file for file in folder.glob(f"*{SUFFIX}") if file.is_file()),
        *sorted(file for file in (folder / CONFIGS).glob("*.yaml") if file.is_file()),
    ]
    named: dict[str, NamedStack] = {}
    for file in files:
        name = file.name.removesuffix(SUFFIX if file.parent == folder else ".yaml")
        if file == folder / SEARCHED[0]:
            name = file.stem
        if not name or name.startswith("."):
            continue
        if name in named:
            name = file.relative_to(folder).as_posix()
        named[name] = NamedStack(name, file)
    return sorted(named.values(), key=lambda stack: stack.name)


def find_stack(name: str, folder: Path) -> Path | None:
    """The stack file of this path, or else of this name in the folder."""
    file = folder / name
    if file.is_file():
        return file
    return next((stack.file for stack in list_stacks(folder) if stack.name == name), None)


def choose_stack(explicit: str | None, environ: Mapping[str, str] = os.environ) -> ChosenStack:
    """The stack file that commands in this folder use.

    ``--stack`` goes first, then ``$ANNOLOOP_STACK``, then what `annoloop stack use` chose, then
    the usual names.

    Raises:
        ConfigError: there is none.
    """
    here = Path()
    for name, by in ((explicit, "--stack"), (environ.get(STACK_VARIABLE), f"${STACK_VARIABLE}")):
        if name:
            file = find_stack(name, here)
            if file is None:
                raise ConfigError(
                    f"{by} names {name}, which is neither a file nor a stack of this folder"
                    + did_you_mean(name, stack_names(here)),
                    "List them: annoloop stack list; or make one: annoloop init",
                )
            return ChosenStack(file, by)
    marked = read_marker(here)
    if marked:
        return ChosenStack(marked, MARKER)
    for candidate in SEARCHED:
        if (here / candidate).is_file():
            return ChosenStack(here / candidate, "its name")
    others = [stack.name for stack in list_stacks(here)]
    raise ConfigError(
        f"No stack file: there is no {' and no '.join(SEARCHED)} in {Path.cwd()}",
        f"Choose one of {', '.join(others)}: annoloop stack use {quote(others[0])}"
        if others
        else "Make one: annoloop init",
    )


def read_marker(folder: Path) -> Path | None:
    """The stack file that `annoloop stack use` chose for a folder, or ``None``.

    Raises:
        ConfigError: the marker cannot be read, or names a file that is not there.
    """
    marker = folder / MARKER
    try:
        name = read_text(marker).strip()
        file = folder / name
        if name and file.is_file():
            return file
        problem = f"names {name!r}, which does not exist" if name else "names no stack file"
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except NotText:
        problem = "cannot be read: it is not text"
    raise ConfigError(
        f"{marker} {problem}",
        f"Choose another: annoloop stack use NAME; or remove {marker}",
    )


def stack_names(folder: Path) -> list[str]:
    """Names of the stack files of a folder."""
    return [stack.name for stack in list_stacks(folder)]
