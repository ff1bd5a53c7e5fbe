"""Files to start a loop from."""

import json
import math
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from annolooop.config.choose import MARKER
from annolooop.config.json_schema import stack_schema
from annolooop.config.schema import DatasetConfig
from annolooop.errors import ConfigError, RefusedError, UsageError, did_you_mean


@dataclass(frozen=True)
class InitReport:
    """Files that `init` wrote, and those it left as they were.

    ``unset`` names what a stack file that was written still has from the example.
    """

    folder: str
    store: str
    stack_file: str
    written: tuple[str, ...]
    kept: tuple[str, ...]
    unset: tuple[str, ...]


ENV_EXAMPLE = """\
# Copy to .env: it is read beside the stack file, and must not be committed.
# LABEL_STUDIO_API_KEY=
"""
# What the stack file of a cloud asks for besides.
ENV_OF_STORE = {
    "s3": "AWS_ACCESS_KEY_ID=\nAWS_SECRET_ACCESS_KEY=\n",
    "azure": "AZURE_STORAGE_KEY=\n",
}
GITIGNORE = f"""\
.env
{MARKER}
annoloop-data/
"""
# The schema that the first line of the stack file names for editors: in a checkout it lies among
# the docs, elsewhere beside the file, so that no address or place of installation is needed.
SCHEMA_OF_CHECKOUT = "../docs/stack.schema.json"
SCHEMA = "annoloop.schema.json"
STACK = "annoloop.yaml"
# What a new file has otherwise than the example, which shows all that there is to see.
CHANGES = (
    (SCHEMA_OF_CHECKOUT, SCHEMA),
    ("; what is written here is the default", ""),
    (
        "\ninfer:\n",
        "\ninfer:\n"
        "  # Whether people see what a version guesses that has not learnt from any label yet.\n"
        "  show_untrained: false\n",
    ),
)


# Where the store is -> the stack file to start from.
STORES = {"local": "default", "s3": "s3", "gcs": "gcs", "azure": "azure"}


def init(
    folder: Path, store: str, name: str | None = None, labels: str | None = None
) -> InitReport:
    """Write a stack file with its schema, .env.example and .gitignore where they are missing.

    Args:
        folder: where to.
        store: one of ``STORES``.
        name: of the dataset; default: that of the example.
        labels: those that people choose from, with commas between; default: those of the example.

    Raises:
        UsageError: there is no such store; or the name or a label is none.
        RefusedError: there is another stack file, which should have the name or the labels.
        ConfigError: the folder cannot be written.
    """
    if store not in STORES:
        raise UsageError(
            f"--store {store}: there is no such store{did_you_mean(store, STORES)}",
            f"Name one of {', '.join(STORES)}",
        )
    text = shipped(f"configs/{STORES[store]}.yaml").read_text(encoding="utf-8")
    for example, mine in CHANGES:
        text = text.replace(example, mine, 1)
    if name is not None or labels is not None:
        text = _about(text, name, labels)
        _check_other(folder / STACK, text)
    files = {
        STACK: text,
        SCHEMA: schema_text(),
        ".env.example": ENV_EXAMPLE + ENV_OF_STORE.get(store, ""),
        ".gitignore": GITIGNORE,
    }
    given = {"dataset.name": name, "dataset.labels": labels}
    unset = [key for key, value in given.items() if value is None]
    if store != "local":
        unset.append("the bucket and its credentials")
    written, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            try:
                with (folder / name).open("x", encoding="utf-8") as file:
                    file.write(text)
            except FileExistsError:
                kept.append(str(folder / name))
            else:
                written.append(str(folder / name))
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror}",
            "Name another folder: annoloop init DIR",
        ) from error
    stack_file = str(folder / STACK)
    if stack_file in kept:
        unset = []
    return InitReport(str(folder), store, stack_file, tuple(written), tuple(kept), tuple(unset))


def _about(text: str, name: str | None, labels: str | None) -> str:
    """A stack file that begins with its dataset, which has this name and these labels.

    Raises:
        UsageError: the name or a label is none.
    """
    values = check_dataset(name, labels)
    head, *sections = text.split("\n\n")
    mine = next(section for section in sections if section.startswith("dataset:"))
    sections.remove(mine)
    lines = [_line(line, values) for line in mine.split("\n")]
    return "\n\n".join([head, "\n".join(lines), *sections])


def _line(line: str, values: dict[str, Any]) -> str:
    """A line of YAML, or a value in its place: in quotes where it would not be text otherwise."""
    key = line.strip().partition(":")[0]
    if key not in values:
        return line
    value = values[key]
    items = value if isinstance(value, list) else [value]
    written = yaml.safe_dump(
        items, default_flow_style=True, allow_unicode=True, width=math.inf
    ).strip()
    written = written if items is value else written[1:-1]
    return f"  {key}: {written.replace('$', '$$')}"  # a single $ may begin a reference


def split_labels(text: str) -> tuple[str, ...]:
    """Labels that were typed with commas between."""
    return tuple(label.strip() for label in text.split(","))


def check_dataset(name: str | None, labels: str | None) -> dict[str, Any]:
    """The values of ``dataset`` that were typed.

    Args:
        name: of the dataset, if that was.
        labels: with commas between, if they were.

    Raises:
        UsageError: the name or a label is none.
    """
    values: dict[str, Any] = {"name": name} if name is not None else {}
    if labels is not None:
        values["labels"] = list(split_labels(labels))
    try:
        DatasetConfig.model_validate(values)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"--{problem['loc'][0]}: {message[0].lower()}{message[1:]}")
        raise UsageError(
            "\n".join(lines), "For example: annoloop init --name pets --labels cat,dog"
        ) from None
    return values


def _check_other(file: Path, text: str) -> None:
    """See that no other stack file is there, which would be kept."""
    if file.exists() and file.read_bytes() != text.encode():
        raise RefusedError(
            f"{file} exists, and is kept: it would not get the name and the labels",
            "Write them into it, under dataset:, or begin in another folder: annoloop init DIR "
            "--name NAME --labels LABEL,LABEL",
        )


def schema_text() -> str:
    """The JSON Schema of the stack file, as a file."""
    return json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n"


def shipped(name: str) -> Path:
    """A file or folder that is delivered with the program."""
    package = Path(str(files("annolooop")))
    installed = package / "_shipped" / name
    return installed if installed.exists() else package.parent / name
