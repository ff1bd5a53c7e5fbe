"""The stack file: read, filled in, validated; where each of its values came from."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from shlex import quote
from typing import Any

import yaml
from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr, ValidationError

from annolooop.config.choose import choose_stack
from annolooop.config.references import MASK, References
from annolooop.config.schema import StackConfig
from annolooop.config.text import NotText, read_text
from annolooop.domain.versions import Setting
from annolooop.errors import ConfigError, UsageError, did_you_mean

Path_ = tuple[str | int, ...]

# What PyYAML raises where a value is not what its tag says.
ODD_VALUES = (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
UNBUILT = "this is not a value of its kind"
MOST_VALUES = 10_000  # in a file, with what aliases repeat
DEEPEST = 20  # keys within keys
SHALLOW = ("dataset", "store")  # the sections that a look without secrets validates


@dataclass(frozen=True)
class LoadedStack:
    """A validated stack file.

    Attributes:
        file: the file it was read from.
        folder: the project folder, against which relative paths are resolved.
        config: the validated values.
        settings: each value with its origin, secrets masked.
        chosen_by: why it is this file, see :class:`annolooop.config.choose.ChosenStack`.
    """

    file: Path
    folder: Path
    config: StackConfig
    settings: tuple[Setting, ...]
    chosen_by: str

    def path(self, value: str) -> Path:
        """Resolve a path of the stack file against the project folder.

        Raises:
            ConfigError: it begins with the home of nobody, or links lead in a circle.
        """
        try:
            return (self.folder / Path(value).expanduser()).resolve()
        except (RuntimeError, OSError) as error:
            raise ConfigError(
                f"{self.file}: the path {value} leads nowhere: {error}", "Write the whole path."
            ) from None


def load_stack(
    explicit: str | None = None,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    shallow: bool = False,
    unread: bool = False,
) -> LoadedStack:
    """Read, fill in and validate the stack file.

    Args:
        explicit: value of ``--stack``.
        overrides: values of ``--set``, each ``dotted.key=value``.
        environ: the environment; a ``.env`` in the project folder fills what it lacks.
        shallow: look only at the sections ``dataset`` and ``store``; read no secrets, and let
            variables be unset.
        unread: read no secrets, and let variables be unset, in all sections.

    Raises:
        ConfigError: the file is missing, is not YAML, or holds a wrong key or value; or ``.env`` is
            not text.
        UnreachableError: the cloud that keeps a secret does not answer.
        UsageError: an override has no ``=``.
    """
    choice = choose_stack(explicit, environ)
    file = choice.file
    # A stack file kept in a folder called configs belongs to the folder above it.
    here = file.resolve().parent
    folder = here.parent if here.name == "configs" else here
    dotenv = _read_dotenv(folder / ".env")
    known = {name: environ.get(name) or dotenv.get(name) or "" for name in {*dotenv, *environ}}
    check = "annoloop stack check" + (f" --stack {quote(explicit)}" if explicit else "")
    references = References(known, folder, lenient=shallow or unread)
    references.files_outside = "allow_files_outside=true" in overrides
    raw = _RawFile(file, check, references)
    for override in overrides:
        raw.override(override)
    values = raw.values
    if shallow:
        values = {key: value for key, value in values.items() if key in SHALLOW}
    for path, text in _texts(values):
        if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text):
            raise ConfigError(
                f"{_place(raw, path)}: holds what is no character", "Write it as plain text."
            )
    try:
        config = StackConfig.model_validate(values)
    except ValidationError as error:
        problems = [_explain(raw, problem) for problem in error.errors()]
        from_flags = all(line.startswith("--set ") for line in problems)
        raise ConfigError(
            "\n".join(problems),
            "List the keys: annoloop stack show" if from_flags else f"Correct it, then: {check}",
        ) from None
    settings = tuple(
        Setting(".".join(map(str, path)), MASK if raw.hides(path) else value, _origin_of(raw, path))
        for path, value in _leaves(config)
    )
    loaded = LoadedStack(file, folder, config, settings, choice.by)
    for label, place in config.dataset.examples.items():
        if not shallow and not place.startswith("store:") and not loaded.path(place).is_file():
            raise ConfigError(
                f"{_place(raw, ('dataset', 'examples', label))}: there is no file "
                f"{loaded.path(place)}",
                f"Name an image, or a key in the store as store:KEY; then: {check}",
            )
    return loaded


def _read_dotenv(file: Path) -> Mapping[str, str | None]:
    """The variables of a file of such, if there is one."""
    try:
        return dotenv_values(stream=StringIO(read_text(file)))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return {}
    except NotText as error:
        raise ConfigError(f"{file}:{error.line}: {error.problem}", "Save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}", "Make it readable, or remove it."
        ) from None


class _Loader(yaml.SafeLoader):
    """A loader that ends where aliases repeat what is there without end."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put in what ``<<`` names."""
        super().flatten_mapping(node)
        if len(node.value) > MOST_VALUES:
            raise _problem(node, f"aliases make more than {MOST_VALUES} values of it")


def _problem(node: yaml.Node, text: str) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=text, problem_mark=node.start_mark)


class _RawFile:
    """The file as plain values, with the line and origin of every key.

    Attributes:
        values: nested plain values, references filled in.
        lines: key path -> line number, from 1.
        origins: key path -> where its value came from.
        secret: key paths of values that came from a file, a keyring or a cloud.
    """

    def __init__(self, file: Path, check: str, references: References) -> None:
        self.file = file
        self.references = references
        self.lines: dict[Path_, int] = {}
        self.origins: dict[Path_, str] = {}
        self.secret: set[Path_] = set()
        self._built = 0
        try:
            self._loader = _Loader(read_text(file))
            node = self._loader.get_single_node()
            references.files_outside |= _allows_files_outside(node)
            built = {} if node is None else self._build(node, ())
        except NotText as error:
            raise ConfigError(
                f"{file}:{error.line}: {error.problem}", f"Save it as UTF-8, then: {check}"
            ) from None
        except OSError as error:
            raise ConfigError(
                f"{file} cannot be read: {error.strerror}", "Make it readable, or name another one."
            ) from None
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{file}:{mark.line + 1}" if mark else str(file)
            problem = getattr(error, "problem", None) or str(error)
            if isinstance(error, RecursionError):
                problem = "it is nested too deeply"
            raise ConfigError(
                f"{where}: not valid YAML: {problem}",
                f"Correct that line, then: {check}",
            ) from None
        if built is None:
            built = {}
        if not isinstance(built, dict):
            raise ConfigError(
                f"{file}:1: a stack file holds keys and values, not a {type(built).__name__}",
                "Look at a complete one: annoloop init example",
            )
        self.values: dict[str, Any] = built

    def _build(self, node: yaml.Node, path: Path_) -> Any:
        self.lines[path] = node.start_mark.line + 1
        self._built += 1
        if len(path) > DEEPEST:
            raise _problem(node, "it is nested too deeply, or holds an alias of itself")
        if self._built > MOST_VALUES:
            raise _problem(node, f"it has more than {MOST_VALUES} values, with those of aliases")
        if isinstance(node, yaml.MappingNode):
            return self._build_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(child, (*path, i)) for i, child in enumerate(node.value)]
        try:
            value = self._loader.construct_object(node)
        except ODD_VALUES as error:
            name = ".".join(map(str, path))
            problem = getattr(error, "problem", error if isinstance(error, ValueError) else UNBUILT)
            raise ConfigError(
                f"{self.file}:{self.lines[path]}: {name}: {problem}",
                "Write a plain value; put quotes around text.",
            ) from None
        if isinstance(value, str):
            return self._interpolate(value, path)
        self.origins[path] = f"file:{self.lines[path]}"
        return value

    def _build_mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _problem(key_node, "a key is text")
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in seen:
                name = ".".join(map(str, (*path, key)))
                raise ConfigError(
                    f"{self.file}:{line}: {name} is given twice (first on line {seen[key]})",
                    "Keep one of the two lines.",
                )
            seen[key] = line
        self._loader.flatten_mapping(node)
        built = {}
        for key_node, child in node.value:
            key = str(key_node.value)
            below: Path_ = (*path, key)
            built[key] = self._build(child, below)
            self.lines[below] = key_node.start_mark.line + 1
        return built

    def _interpolate(self, text: str, path: Path_) -> str:
        line = self.lines[path]
        filled = self.references.fill(text, f"{self.file}:{line}: {'.'.join(map(str, path))}")
        self.origins[path] = ",".join(filled.origins) or f"file:{line}"
        if filled.secret:
            self.secret.add(path)
        return filled.text

    def override(self, override: str) -> None:
        """Set one value, given as ``dotted.key=value``. Errors do not repeat the value."""
        key, equals, text = override.partition("=")
        path: Path_ = tuple(key.strip().split("."))
        if not equals or not key.strip():
            raise UsageError(
                f"--set {_KEY.match(override)[0]} is not key=value",  # type: ignore[index]
                "For example: --set label_studio.port=8094",
            )
        try:
            value = yaml.load(text, _PlainLoader)
        except (*ODD_VALUES, RecursionError):
            raise UsageError(
                f"--set {key}: the value is not valid YAML", "Quote it: --set 'KEY=VALUE'"
            ) from None
        below = self.values
        for part in path[:-1]:
            if below.get(str(part)) is None:  # also a section whose keys are all commented out
                below[str(part)] = {}
            below = below[str(part)]
            if not isinstance(below, dict):
                raise UsageError(f"--set {key}: {part} holds no keys", "See: annoloop stack show")
        below[str(path[-1])] = value
        self.secret = {place for place in self.secret if place[: len(path)] != path}
        self.origins |= dict.fromkeys(_paths(value, path), "flag")

    def hides(self, path: Path_) -> bool:
        """Whether a value, or an item of it, came from a file, a keyring or a cloud."""
        return any(place[: len(path)] == path for place in self.secret)


class _PlainLoader(yaml.SafeLoader):
    """A loader for one value on the command line, which needs no aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A value; an error where it stands for another one."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError
        return super().compose_node(parent, index)


def _allows_files_outside(node: yaml.Node | None) -> bool:
    """Whether the file says so itself; known before any reference in it is filled in."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return any(
        key.value == "allow_files_outside" and str(value.value).lower() == "true"
        for key, value in pairs
    )


_KEY = re.compile(r"[\w.]*")


def _paths(value: object, path: Path_) -> Iterator[Path_]:
    """The path of a value, and of all below it."""
    yield path
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _paths(below, (*path, str(key)))


def _texts(value: object, path: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    """All texts in a value, keys too, with their places."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield path, str(key)
            yield from _texts(below, (*path, str(key)))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _texts(below, (*path, number))


def _place(raw: _RawFile, path: Path_) -> str:
    """File and line, or option, and key of a value."""
    key = ".".join(map(str, path)) or "stack"
    if any(raw.origins.get(path[:n]) == "flag" for n in range(len(path) + 1)):
        return f"--set {key}"
    lines = raw.lines
    nearest = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in lines), ())
    return f"{raw.file}:{lines.get(nearest, 1)}: {key}"


def _explain(raw: _RawFile, problem: Any) -> str:
    path: Path_ = tuple(problem["loc"])
    where = _place(raw, path)
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key{did_you_mean(str(path[-1]), _fields_at(path[:-1]))}"
    if problem["type"] == "string_type" and isinstance(problem["input"], (bool, int, float, date)):
        # Not what it is: it may be a secret.
        return f"{where}: is not text for YAML, but a number, yes or no, or a date; quote it"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message[0].lower()}{message[1:]}"


def _fields_at(path: Path_) -> list[str]:
    model: Any = StackConfig
    for part in path:
        field = model.model_fields.get(str(part))
        model = field.annotation if field else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
    return list(model.model_fields)


def _leaves(config: BaseModel, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, (*path, name))
        elif isinstance(value, SecretStr):
            yield (*path, name), MASK
        elif isinstance(value, tuple):
            yield (*path, name), list(value)
        else:
            yield (*path, name), value


def _origin_of(raw: _RawFile, path: Path_) -> str:
    if path in raw.origins:
        return raw.origins[path]
    # That of a list, or of keys, is that of the first below it.
    below = (origin for place, origin in raw.origins.items() if place[: len(path)] == path)
    return next(below, "default")
