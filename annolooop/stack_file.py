"""The stack file: found, read, filled in, validated; where each of its values came from."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr, ValidationError

from annolooop.config import StackConfig
from annolooop.errors import ConfigError, UsageError
from annolooop.records import Setting

Path_ = tuple[str | int, ...]

STACK_VARIABLE = "ANNOLOOP_STACK"
SEARCHED = ("annoloop.yaml", "configs/default.yaml")


@dataclass(frozen=True)
class LoadedStack:
    """A validated stack file.

    Attributes:
        file: the file it was read from.
        folder: the project folder, against which relative paths are resolved.
        config: the validated values.
        settings: each value with its origin, secrets masked.
    """

    file: Path
    folder: Path
    config: StackConfig
    settings: tuple[Setting, ...]

    def path(self, value: str) -> Path:
        """Resolve a path of the stack file against the project folder."""
        return (self.folder / Path(value).expanduser()).resolve()


def find_stack(explicit: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Find the stack file: ``--stack``, ``$ANNOLOOP_STACK``, or a usual name in this folder.

    Raises:
        ConfigError: there is none.
    """
    for name, origin in (
        (explicit, "--stack"),
        (environ.get(STACK_VARIABLE), f"${STACK_VARIABLE}"),
    ):
        if name:
            file = Path(name)
            if not file.is_file():
                raise ConfigError(
                    f"{origin} names {name}, which is not a file",
                    "Name an existing stack file, or make one: annoloop init",
                )
            return file
    for candidate in SEARCHED:
        if Path(candidate).is_file():
            return Path(candidate)
    raise ConfigError(
        f"No stack file: there is no {' and no '.join(SEARCHED)} in {Path.cwd()}",
        "Make one: annoloop init",
    )


def load_stack(
    explicit: str | None = None,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> LoadedStack:
    """Read, interpolate and validate the stack file.

    Args:
        explicit: value of ``--stack``.
        overrides: values of ``--set``, each ``dotted.key=value``.
        environ: the environment; a ``.env`` in the project folder fills what it lacks.

    Raises:
        ConfigError: the file is missing, is not YAML, or holds a wrong key or value.
        UsageError: an override has no ``=``.
    """
    file = find_stack(explicit, environ)
    # A stack file kept in a folder called configs belongs to the folder above it.
    here = file.resolve().parent
    folder = here.parent if here.name == "configs" else here
    dotenv = dotenv_values(folder / ".env")
    known = {name: environ.get(name) or dotenv.get(name) or "" for name in {*dotenv, *environ}}
    raw = _RawFile(file, known)
    values = raw.values
    origins = dict(raw.origins)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise UsageError(
                f"--set {override} is not key=value", "For example: --set label_studio.port=8094"
            )
        path: Path_ = tuple(key.strip().split("."))
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise UsageError(
                f"--set {override}: the value is not valid YAML", "Quote it: --set 'KEY=VALUE'"
            ) from None
        _assign(values, path, value, override)
        origins |= dict.fromkeys(_paths(value, path), "flag")
    try:
        config = StackConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(_explain(file, problem, origins, raw.lines) for problem in error.errors()),
            "Correct it, then: annoloop stack check",
        ) from None
    settings = tuple(
        Setting(".".join(map(str, path)), value, _origin_of(path, origins))
        for path, value in _leaves(config)
    )
    return LoadedStack(file, folder, config, settings)


class _RawFile:
    """The file as plain values, with the line and origin of every key.

    Attributes:
        values: nested plain values, variables filled in.
        lines: key path -> line number, from 1.
        origins: key path -> where its value came from.
    """

    def __init__(self, file: Path, environ: Mapping[str, str]) -> None:
        self.file = file
        self.environ = environ
        self.lines: dict[Path_, int] = {}
        self.origins: dict[Path_, str] = {}
        try:
            loader = yaml.SafeLoader(file.read_text(encoding="utf-8"))
            node = loader.get_single_node()
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{file}:{mark.line + 1}" if mark else str(file)
            problem = getattr(error, "problem", None) or str(error)
            raise ConfigError(
                f"{where}: not valid YAML: {problem}",
                "Correct that line, then: annoloop stack check",
            ) from None
        self._loader = loader
        built = {} if node is None else self._build(node, ())
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
        if isinstance(node, yaml.MappingNode):
            return self._build_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(child, (*path, i)) for i, child in enumerate(node.value)]
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            name = ".".join(map(str, path))
            raise ConfigError(
                f"{self.file}:{self.lines[path]}: {name}: {getattr(error, 'problem', error)}",
                "Write a plain value; put quotes around text.",
            ) from None
        if isinstance(value, str):
            return self._interpolate(value, path)
        self.origins[path] = f"file:{self.lines[path]}"
        return value

    def _build_mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
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
        used: list[str] = []

        def fill(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            name, operator, rest = match["name"], match["operator"], match["rest"]
            value = self.environ.get(name)
            used.append(name)
            if value:
                return value
            if operator == ":-":
                return str(rest)
            where = f"{self.file}:{self.lines[path]}: {'.'.join(map(str, path))}"
            reason = rest if operator == ":?" and rest else f"the variable {name} is not set"
            raise ConfigError(
                f"{where}: {reason}", f"Set it: export {name}=…, or put {name}=… into .env"
            )

        filled = _VARIABLE.sub(fill, text)
        self.origins[path] = f"env:{','.join(used)}" if used else f"file:{self.lines[path]}"
        return filled


_VARIABLE = re.compile(
    r"\$\$|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:-|:\?)(?P<rest>[^}]*))?\}"
)


def _assign(values: dict[str, Any], path: Path_, value: Any, override: str) -> None:
    for part in path[:-1]:
        values = values.setdefault(str(part), {})
        if not isinstance(values, dict):
            raise UsageError(f"--set {override}: {part} holds no keys", "See: annoloop stack show")
    values[str(path[-1])] = value


def _paths(value: object, path: Path_) -> Iterator[Path_]:
    """The path of a value, and of all below it."""
    yield path
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _paths(below, (*path, str(key)))


def _explain(
    file: Path, problem: Any, origins: Mapping[Path_, str], lines: Mapping[Path_, int]
) -> str:
    path: Path_ = tuple(problem["loc"])
    key = ".".join(map(str, path)) or "stack"
    if origins.get(path) == "flag":
        where = f"--set {key}"
    else:
        nearest = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in lines), ())
        where = f"{file}:{lines.get(nearest, 1)}: {key}"
    if problem["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(path[-1]), _fields_at(path[:-1]), n=1)
        return f"{where}: unknown key" + (f"; did you mean {close[0]}?" if close else "")
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
            yield (*path, name), "********"
        elif isinstance(value, tuple):
            yield (*path, name), list(value)
        else:
            yield (*path, name), value


def _origin_of(path: Path_, origins: Mapping[Path_, str]) -> str:
    if path in origins:
        return origins[path]
    # A list's origin is that of its first item.
    first_item: Path_ = (*path, 0)
    return origins.get(first_item, "default")
