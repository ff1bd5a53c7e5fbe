"""Files to start a loop from."""

from importlib.resources import files
from pathlib import Path

from annolooop.errors import ConfigError
from annolooop.reports import InitReport

ENV_EXAMPLE = """\
# Copy to .env: it is read beside the stack file, and must not be committed.
# LABEL_STUDIO_API_KEY=
"""
GITIGNORE = """\
.env
annoloop-data/
"""


def init(folder: Path) -> InitReport:
    """Write a stack file, .env.example and .gitignore where they are missing.

    Raises:
        ConfigError: the folder cannot be written.
    """
    wanted = {
        "annoloop.yaml": shipped("configs/default.yaml").read_text(encoding="utf-8"),
        ".env.example": ENV_EXAMPLE,
        ".gitignore": GITIGNORE,
    }
    written, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in wanted.items():
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
    return InitReport(str(folder), tuple(written), tuple(kept))


def shipped(name: str) -> Path:
    """A file or folder that is delivered with the program."""
    package = Path(str(files("annolooop")))
    installed = package / "_shipped" / name
    return installed if installed.exists() else package.parent / name
