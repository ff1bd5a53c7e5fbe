"""No token, password or secret of the stack file leaves annoloop by any way that people look at."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
import yaml
from support.project import LABELS, ROOT, Project, free_port, write_photos

BUG = """
import sys
from annolooop.loop.setup import server
def status(stack):
    key = stack.config.label_studio.api_key.get_secret_value()
    loaded = stack.loaded
    raise RuntimeError("boom")
server.status = status
sys.argv = ["annoloop", "status", "-v", "--stack", "theirs"]
from annolooop.cli import main
main()
"""


class Watched:
    """Runs commands of a project, and keeps all that they tell anyone."""

    def __init__(self, project: Project, env: dict[str, str]) -> None:
        self.project = project
        self.env = env
        self.seen: list[tuple[str, str]] = []

    def run(self, *words: str, code: int = 0) -> str:
        return self.start(self.project.command(*words), code)

    def start(self, command: list[str], code: int) -> str:
        begun = subprocess.Popen(
            command,
            cwd=self.project.folder,
            env={**os.environ, **self.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        message = " ".join(command[1:])
        self.look_at(psutil.Process(begun.pid))
        out, err = begun.communicate(timeout=280)
        assert begun.returncode == code, f"{message}: {begun.returncode}\n{out}\n{err}"
        self.seen += [(f"stdout of {message}", out), (f"stderr of {message}", err)]
        return out + err

    def look_at(self, process: psutil.Process) -> None:
        """Its command line, as `ps` shows it to everyone, and those of its children."""
        for one in (process, *process.children(recursive=True)):
            self.seen.append((f"command line of {one.pid}", " ".join(one.cmdline())))


@pytest.fixture
def watched(own_project: Project, tmp_path: Path) -> Watched:
    """A project with stacks whose secrets come from a file, the keyring and a variable.

    ``theirs`` is its own server, as someone sees it who was given a personal access token.
    """
    keyring = {
        "PYTHON_KEYRING_BACKEND": "support.file_keyring.FileKeyring",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), *sys.path]),
        "TEST_KEYRING": str(tmp_path / "keyring.json"),
    }
    return Watched(own_project, keyring)


def write_stacks(watched: Watched, url: str, token: str) -> dict[str, str]:
    """Make a personal access token, and the stacks that use it; all the secrets, by name."""
    project, folder = watched.project, watched.project.folder
    answer = httpx.post(f"{url}/api/token/", headers={"Authorization": f"Token {token}"})
    secrets = {
        "token": token,
        "PAT": str(answer.json()["token"]),
        "wrong": "f" * 39 + "0",
        "text": "weights-that-nobody-knows",
    }
    (folder / "keyring.json").write_text(json.dumps({"label-studio me": secrets["PAT"]}))
    for name in ("token", "wrong", "text"):
        (folder / f"{name}.txt").write_text(f"{secrets[name]}\n")
    watched.env["PAT"] = secrets["PAT"]
    daemon = project.stack().daemon
    assert daemon
    dead, root = f"http://127.0.0.1:{free_port()}", str(daemon.document_root)
    for name, where, key in (
        ("theirs", url, "${keyring:label-studio/me}"),
        ("legacy", url, "${file:token.txt}"),
        ("dead", dead, "${PAT}"),
        ("wrong", url, "${file:wrong.txt}"),
        ("astray", f"{url}/no/such", "${file:token.txt}"),
    ):
        section = {"url": where, "api_key": key, "document_root": root}
        values = {
            "label_studio": section,
            "dataset": {"name": "aria_detector", "labels": LABELS},
            "model": {"backbone": "mobilenet_v3_small", "weights": "${file:text.txt}"},
            "cache_dir": project.values["cache_dir"],
        }
        (folder / f"{name}.annoloop.yaml").write_text(yaml.safe_dump(values))
    return secrets


def run_ours(watched: Watched) -> None:
    watched.run("train", "-v")
    write_photos(watched.project.folder / "b", ["a.jpg", "b.jpg"])
    watched.run("infer", "--batch", "b", "--json", "-v")
    watched.run("sync", "--json", "-v")
    watched.run("doctor", "-v")
    watched.run("status", "--json", "-v")
    watched.run("logs", "--json", "-v", "-n", "1000")
    watched.run("stack", "show", "-v")


def run_theirs(watched: Watched) -> None:
    watched.run("sync", "-v", "--stack", "theirs")
    watched.run("doctor", "--json", "-v", "--stack", "theirs")
    watched.run("status", "-v", "--stack", "legacy")
    for mode in ([], ["--json"]):
        shown = watched.run("stack", "show", "-v", "--stack", "theirs", *mode)
        assert "keyring:label-studio/me" in shown
        assert "file:text.txt" in shown
    watched.run("stack", "list", "--json", "-v")


def run_into_errors(watched: Watched) -> None:
    assert "refuses the access token" in watched.run("sync", "-v", "--stack", "wrong", code=3)
    assert "does not answer" in watched.run("sync", "-v", "--json", "--stack", "dead", code=4)
    assert "404" in watched.run("stats", "-v", "--stack", "astray", code=4)
    watched.run("stack", "check", "-v", "--stack", "theirs", "--set", "infer.device=x", code=3)
    watched.run("model", "show", "v9", "-v", code=5)
    message = watched.start([sys.executable, "-c", BUG], code=1)
    assert "RuntimeError: boom" in message
    assert "Traceback" in message


def test_nothing_that_people_see_holds_a_secret(watched: Watched) -> None:
    project = watched.project
    watched.run("up", "-v")
    daemon = project.stack().daemon
    assert daemon
    login = daemon.credentials()
    process = daemon.process()
    assert login
    assert process
    watched.look_at(process)
    watched.run("up", "--json", "-v")
    secrets = {**write_stacks(watched, daemon.url, login.token), "password": login.password}
    part: Callable[[Watched], None]
    for part in (run_ours, run_theirs, run_into_errors):
        part(watched)
    watched.look_at(process)
    kept = [daemon.log, *(f for f in daemon.links["images"].parent.rglob("*") if f.is_file())]
    watched.seen += [(str(f), f.read_bytes().decode("latin-1")) for f in kept]
    found = [(who, name) for who, text in watched.seen for name in secrets if secrets[name] in text]
    assert found == []
    assert (daemon.credentials_file.stat().st_mode & 0o777) == 0o600


def test_wrong_set_does_not_repeat_the_value(tmp_path: Path) -> None:
    project = Project(tmp_path, {})
    for given in ("label_studio.api_key=[s3cr3t", "label_studio.api_key: s3cr3t", "port.x=s3cr3t"):
        message = project.run("stack", "check", "--set", given, code=3 if "port" in given else 2)
        assert "s3cr3t" not in message.stderr
