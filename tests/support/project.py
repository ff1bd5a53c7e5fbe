"""A project folder and the command line in it, on a real Label Studio."""

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import yaml
from PIL import Image, ImageDraw
from platformdirs import user_cache_path

from annolooop.cli import app
from annolooop.config.load import load_stack
from annolooop.stack import Stack

# Threads of one process, of its commands, and of the other process would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test asks for what a cloud gives its own machines; one library reads this when it is imported.
os.environ.update(NO_GCE_CHECK="true", AWS_EC2_METADATA_DISABLED="true")

ROOT = Path(__file__).parents[2]  # of the project
CACHE = Path(os.environ.get("ANNOLOOP_TEST_CACHE", user_cache_path("annoloop-tests")))
LABELS = ["aria", "not_aria"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_loopback(page: str) -> str:
    """The address of a page for a client that, unlike browsers, asks the system for names."""
    return re.sub(r"//annoloop-\w+\.localhost", "//127.0.0.1", page)


@dataclass(frozen=True)
class Server:
    """The Label Studio that most tests share; each test uses datasets of its own."""

    url: str
    token: str
    username: str
    password: str
    document_root: Path


class Project:
    """A project folder with a stack file, and the command line run in it."""

    def __init__(self, folder: Path, values: dict[str, object]) -> None:
        self.folder = folder
        self.values = values
        self.file = folder / "annoloop.yaml"
        self.write(values)

    def write(self, values: dict[str, object]) -> None:
        self.file.write_text(yaml.safe_dump(values), encoding="utf-8")

    def stack(self, *overrides: str) -> Stack:
        """A freshly opened stack, as a new command would open it."""
        return Stack(load_stack(str(self.file), overrides), print)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "annolooop", *words]

    def run(self, *words: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run ``annoloop`` in the folder, and check its exit code."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def typed(self, *words: str, code: int = 0, **env: str) -> dict:  # type: ignore[type-arg]
        """Run with ``--json``: the report, which is all that is on stdout."""
        report = json.loads(self.run(*words, "--json", code=code, **env).stdout)
        assert isinstance(report, dict)
        return report

    def json(self, *words: str, code: int = 0, **env: str) -> dict:  # type: ignore[type-arg]
        """The same in this process."""
        report = json.loads(self.printed(*words, "--json", code=code, **env)[0])
        assert isinstance(report, dict)
        return report

    def printed(self, *words: str, code: int = 0, **env: str) -> tuple[str, str]:
        """Run in this process, which has loaded already what takes seconds to load.

        Returns:
            What is on stdout, and on stderr.
        """
        out, err, here, ended = StringIO(), StringIO(), Path.cwd(), 0
        os.chdir(self.folder)
        try:
            with patch.dict(os.environ, env), redirect_stdout(out), redirect_stderr(err):
                app([*words], prog_name="annoloop")
        except SystemExit as end:
            ended = int(end.code or 0)
        finally:
            os.chdir(here)
        assert ended == code, f"{words}: {ended}\n{out.getvalue()}\n{err.getvalue()}"
        return out.getvalue(), err.getvalue()


def write_photos(folder: Path, names: list[str], seed: int = 0) -> None:
    """Distinct pictures: a circle for names with ``aria`` in them, a square for others."""
    for number, name in enumerate(names):
        picture = Image.new("RGB", (96, 72), (200, 200 - seed, 120))
        draw = ImageDraw.Draw(picture)
        box = (10 + number, 8, 58 + number, 56)
        if "aria" in name and "not" not in name:
            draw.ellipse(box, fill=(220, 60 + number, 30))
        else:
            draw.rectangle(box, fill=(30, 60, 220 - number))
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.save(file, "PNG" if file.suffix.lower() == ".png" else "JPEG")


def on_server(folder: Path, server: Server, name: str) -> Project:
    """A project on a server that is there, with a store and a dataset of its own."""
    store = server.document_root / name
    return Project(
        folder,
        {
            "store": {"url": str(store)},
            "label_studio": {
                "url": server.url,
                "api_key": server.token,
                "document_root": str(server.document_root),
            },
            "dataset": {"name": f"set {name}", "labels": LABELS},
            "model": {"backbone": "mobilenet_v3_small", "weights": "none"},
            "train": {"holdout": 0.3},
            "cache_dir": str(folder / "cache"),
        },
    )
