"""What the shell offers after Tab: names of stacks, datasets, model versions, keys of --set.

A source is a function from the loaded stack to candidates, made ready for Typer by
:func:`completes`; a command names it: ``typer.Argument(autocompletion=completion.datasets)``.

Tab must be quick, silent and without consequences. So sources read stack files and folders and
nothing else: no network, no secrets, none of the heavy packages, which rules out the rooms that
own the store. Whatever fails, nothing is offered.
"""

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer

if TYPE_CHECKING:
    from annolooop.config.load import LoadedStack

SHELL = "_ANNOLOOP_COMPLETE"  # Typer's: which shell asks

Candidate = tuple[str, str]  # what is typed, and what it means
Source = Callable[[typer.Context], Iterable[Candidate]]
Completer = Callable[[typer.Context, str], list[Candidate]]


def completes(source: Source) -> Completer:
    """Make a source what Typer asks: those of its candidates that begin with what was typed."""

    def offered(ctx: typer.Context, incomplete: str) -> list[Candidate]:
        candidates: list[Candidate] = []
        silence = io.StringIO()
        with (
            contextlib.suppress(Exception),
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
        ):
            candidates += (
                (value, meaning)
                for value, meaning in source(ctx)
                if value.startswith(incomplete) and _can_be_printed(value + meaning)
            )
        return candidates

    return offered


@completes
def stacks(ctx: typer.Context) -> Iterator[Candidate]:
    """Names of the stack files of this folder."""
    from annolooop.config.choose import list_stacks

    for stack in list_stacks(Path()):
        yield stack.name, str(stack.file)


@completes
def datasets(ctx: typer.Context) -> Iterator[Candidate]:
    """The dataset of the stack, and those of its store."""
    from annolooop.storage.artifacts.prefixes import DATASETS, MODELS

    loaded = _stack(ctx)
    name = loaded.config.dataset.name
    yield name, "the stack's"
    for folder in sorted({*_folders(loaded, DATASETS), *_folders(loaded, MODELS)} - {name}):
        yield folder, "in the store"


@completes
def strategies(ctx: typer.Context) -> Iterator[Candidate]:
    """What chooses images to ask about."""
    from annolooop.model.choosing.names import NAMES

    yield from NAMES.items()


@completes
def model_versions(ctx: typer.Context) -> Iterator[Candidate]:
    """Versions of the stack's dataset, the newest first."""
    from annolooop.domain.versions import version_name
    from annolooop.storage.artifacts.prefixes import MODELS

    loaded = _stack(ctx)
    store = _store(loaded)
    if store is None:
        return
    folder = store / MODELS / loaded.config.dataset.name / "versions"
    for file in sorted(folder.glob("*.json"), reverse=True):
        with contextlib.suppress(OSError, ValueError, KeyError):
            version = json.loads(file.read_text(encoding="utf-8"))
            yield version_name(int(file.stem), version["head"]), version["created_at"][:16]


@completes
def settings(ctx: typer.Context) -> Iterator[Candidate]:
    """``KEY=`` for all keys of the stack file, with the value where there are only a few."""
    from annolooop.config.json_schema import descriptions
    from annolooop.config.schema import StackConfig

    yield from _keys(StackConfig, descriptions())


def _keys(
    model: Any, meanings: Mapping[tuple[str, str], str], prefix: str = ""
) -> Iterator[Candidate]:
    from pydantic import BaseModel

    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _keys(kind, meanings, f"{prefix}{name}.")
            continue
        meaning = " ".join(meanings.get((model.__name__, name), "").split())
        values = ("true", "false") if kind is bool else _literals(kind)
        for value in values or ("",):
            yield f"{prefix}{name}={value}", meaning


def _literals(kind: Any) -> tuple[str, ...]:
    """The values of a Literal, also of one in a union; of another type, none."""
    values: list[str] = []
    for part in get_args(kind):
        values += [part] if isinstance(part, str) else _literals(part)
    return tuple(values)


def _stack(ctx: typer.Context) -> "LoadedStack":
    """The stack that the words before the cursor name, without its secrets."""
    from annolooop.config.load import load_stack

    options = ctx.params
    return load_stack(options.get("stack_file"), options.get("overrides") or (), shallow=True)


def _store(loaded: "LoadedStack") -> Path | None:
    """The folder of the store; ``None`` where it is not on this machine."""
    url = loaded.config.store.url
    return None if "://" in url else loaded.path(url)


def _folders(loaded: "LoadedStack", below: str) -> list[str]:
    store = _store(loaded)
    if store is None or not (store / below).is_dir():
        return []
    return [entry.name for entry in os.scandir(store / below) if entry.is_dir()]


def _can_be_printed(text: str) -> bool:
    """Whether the shell can print it: a name may have a newline or other letters."""
    encoding = sys.__stdout__.encoding if sys.__stdout__ else "utf-8"
    return text.isprintable() and text.encode(encoding, "replace").decode(encoding) == text


@contextlib.contextmanager
def bash_spelling() -> Iterator[None]:
    """Stand between Bash and Typer, while the program answers Tab; otherwise do nothing.

    Bash takes ``key=val`` for three words, ``key``, ``=`` and ``val``, wants only what replaces
    the last, and does not quote what it is given. Typer knows of neither.
    """
    line, at = os.environ.get("COMP_WORDS", ""), os.environ.get("COMP_CWORD", "")
    if os.environ.get(SHELL) != "complete_bash" or not at.isdecimal():
        yield
        return
    words = [*line.split("\n"), ""][: int(at) + 1]  # one to a line; up to the cursor
    joined = words[:1]
    for before, word in pairwise(words):
        if word == "=" or before == "=":
            joined[-1] += word
        else:
            joined.append(word)
    if len(joined) < len(words):
        os.environ |= {"COMP_WORDS": "\n".join(joined), "COMP_CWORD": str(len(joined) - 1)}
    piece = "" if words[-1] == "=" else words[-1]  # what Bash replaces
    known = joined[-1][: len(joined[-1]) - len(piece)]
    if known.startswith("-"):  # --option=: Typer's answer is without it
        known = known.partition("=")[2]
    answer = io.StringIO()
    try:
        with contextlib.redirect_stdout(answer):
            yield
    finally:
        quoted = piece[:1] in ("'", '"')
        for line in answer.getvalue().splitlines():
            value = line.removeprefix(known)
            sys.stdout.write((value if quoted else _SPECIAL.sub(r"\\\1", value)) + "\n")


_SPECIAL = re.compile(r"([^\w@%+=:,./-])")
