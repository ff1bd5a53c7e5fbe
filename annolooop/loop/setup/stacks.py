"""Several stack files in one folder: which there are, which is current, a copy to start from."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from annolooop.config.choose import (
    CONFIGS,
    MARKER,
    SEARCHED,
    STACK_VARIABLE,
    SUFFIX,
    ChosenStack,
    NamedStack,
    choose_stack,
    list_stacks,
    stack_names,
)
from annolooop.config.load import load_stack
from annolooop.domain.versions import Setting
from annolooop.errors import AnnoloopError, ConfigError, UsageError, did_you_mean
from annolooop.files.whole import replacing


@dataclass(frozen=True)
class StackReport:
    """A valid stack file and its effective values.

    ``chosen_by`` is ``--stack``, ``$ANNOLOOP_STACK``, ``.annoloop-stack`` or ``its name``.
    """

    file: str
    chosen_by: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class StackRow:
    """One line of `stack list`. ``error`` says what is wrong with the file, if anything is."""

    name: str
    file: str
    active: bool
    dataset: str | None
    store: str | None
    error: str | None


@dataclass(frozen=True)
class StackListReport:
    """The stack files of a folder.

    Attributes:
        stacks: by name.
        chosen_by: what made one of them active, see :class:`StackReport`.
        problem: why none is, if none is.
    """

    stacks: tuple[StackRow, ...]
    chosen_by: str | None
    problem: str | None


@dataclass(frozen=True)
class StackUseReport:
    """What `stack use` chose. ``overruled_by`` goes before it, where it is set."""

    name: str
    file: str
    overruled_by: str | None


@dataclass(frozen=True)
class StackCopyReport:
    """What `stack copy` wrote. ``dataset`` is the one that both describe, where it is known."""

    name: str
    file: str
    source: str
    dataset: str | None


NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def list_named(explicit: str | None) -> StackListReport:
    """The stack files of this folder, by name; a file that is wrong is listed with its error.

    Args:
        explicit: value of ``--stack``.
    """
    choice, problem = None, None
    try:
        choice = choose_stack(explicit)
    except AnnoloopError as error:
        problem = f"{error.message}. {error.hint}"
    rows = [_row(stack, choice) for stack in list_stacks(Path())]
    if choice and not any(row.active for row in rows):  # named by its path, from elsewhere
        rows.insert(0, _row(NamedStack(str(choice.file), choice.file), choice))
    return StackListReport(tuple(rows), choice.by if choice else None, problem)


def show(explicit: str | None, overrides: Sequence[str]) -> StackReport:
    """The effective settings of the current stack, and where each comes from.

    Args:
        explicit: value of ``--stack``.
        overrides: values of ``--set``.

    Raises:
        ConfigError: there is none, or it is wrong.
    """
    loaded = load_stack(explicit, overrides)
    return StackReport(str(loaded.file), loaded.chosen_by, loaded.settings)


def use(name: str, environ: Mapping[str, str] = os.environ) -> StackUseReport:
    """Make a stack the current one in this folder.

    Raises:
        UsageError: there is no stack of this name.
        ConfigError: the folder cannot be written.
    """
    stack = _named(name)
    try:
        with replacing(Path(MARKER)) as part:
            part.write_text(f"{stack.file.as_posix()}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{MARKER} cannot be written: {error.strerror}",
            f"Name the stack in each command instead: --stack {quote(name)}",
        ) from error
    overruled = f"${STACK_VARIABLE}" if environ.get(STACK_VARIABLE) else None
    return StackUseReport(stack.name, str(stack.file), overruled)


def copy(source: str | None, new: str, explicit: str | None) -> StackCopyReport:
    """Copy a stack file as it is, with its comments.

    The copy lies beside its source, so that relative paths mean the same in both. It describes
    the same loop until its ``dataset.name`` or ``store.url`` is changed.

    Args:
        source: name of the stack to copy; ``None`` for the current one.
        new: name of the copy.
        explicit: value of ``--stack``.

    Raises:
        UsageError: there is no such stack, or the new name is no name or is taken.
        ConfigError: the file cannot be written.
    """
    file = _named(source).file if source else choose_stack(explicit).file
    target = _file_of(new, file)
    try:
        text = file.read_bytes()
        with target.open("xb") as out:
            out.write(text)
    except FileExistsError:
        raise UsageError(f"{target} is there already", "Choose another name.") from None
    except OSError as error:
        raise ConfigError(
            f"{target} cannot be written: {error.strerror}", "Make its folder writable."
        ) from error
    dataset, _ = _look(target)
    return StackCopyReport(new, str(target), str(file), dataset)


def _named(name: str) -> NamedStack:
    """A stack of this folder, by its name or its path in the folder."""
    for stack in list_stacks(Path()):
        if name in (stack.name, str(stack.file)):
            return stack
    raise UsageError(
        f"this folder has no stack {name}{did_you_mean(name, stack_names(Path()))}",
        "See which there are: annoloop stack list",
    )


def _file_of(new: str, source: Path) -> Path:
    if not NAME.fullmatch(new):
        raise UsageError(
            f"{new!r} is no name for a stack: it is made of letters, digits, _ and -",
            f"For example: annoloop stack copy night; its file is then night{SUFFIX}",
        )
    taken = next((stack.file for stack in list_stacks(Path()) if stack.name == new), None)
    if taken:
        raise UsageError(f"the stack {new} is there already: {taken}", "Choose another name.")
    folder = source.parent
    if folder.name == CONFIGS:
        return folder / f"{new}.yaml"
    return folder / (SEARCHED[0] if new == Path(SEARCHED[0]).stem else f"{new}{SUFFIX}")


def _row(stack: NamedStack, choice: ChosenStack | None) -> StackRow:
    try:
        load_stack(str(stack.file))
        error = None
    except AnnoloopError as wrong:
        error = " ".join(wrong.message.splitlines())
    active = choice is not None and stack.file.resolve() == choice.file.resolve()
    return StackRow(stack.name, str(stack.file), active, *_look(stack.file), error)


def _look(file: Path) -> tuple[str | None, str | None]:
    """Dataset and store of a stack file, as far as they are known without secrets."""
    try:
        settings = {s.key: str(s.value) for s in load_stack(str(file), shallow=True).settings}
    except AnnoloopError:
        return None, None
    return settings["dataset.name"], settings["store.url"]
