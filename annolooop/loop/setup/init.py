"""Files to start a loop from."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from annolooop.config.choose import MARKER
from annolooop.config.json_schema import stack_schema
from annolooop.errors import ConfigError, UsageError, did_you_mean


@dataclass(frozen=True)
class InitReport:
    """Files that `init` wrote, and those it left as they were."""

    folder: str
    store: str
    written: tuple[str, ...]
    kept: tuple[str, ...]


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


# Where the store is -> the stack file to start from.
STORES = {"local": "default", "s3": "s3", "gcs": "gcs", "azure": "azure"}


def init(folder: Path, store: str) -> InitReport:
    """Write a stack file with its schema, .env.example and .gitignore where they are missing.

    Args:
        folder: where to.
        store: one of ``STORES``.

    Raises:
        UsageError: there is no such store.
        ConfigError: the folder cannot be written.
    """
    if store not in STORES:
        raise UsageError(
            f"--store {store}: there is no such store{did_you_mean(store, STORES)}",
            f"Name one of {', '.join(STORES)}",
        )
    default = shipped(f"configs/{STORES[store]}.yaml").read_text(encoding="utf-8")
    files = {
        "annoloop.yaml": default.replace(SCHEMA_OF_CHECKOUT, SCHEMA, 1),
        SCHEMA: schema_text(),
        ".env.example": ENV_EXAMPLE + ENV_OF_STORE.get(store, ""),
        ".gitignore": GITIGNORE,
    }
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
    return InitReport(str(folder), store, tuple(written), tuple(kept))


def schema_text() -> str:
    """The JSON Schema of the stack file, as a file."""
    return json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n"


def shipped(name: str) -> Path:
    """A file or folder that is delivered with the program."""
    package = Path(str(files("annolooop")))
    installed = package / "_shipped" / name
    return installed if installed.exists() else package.parent / name
