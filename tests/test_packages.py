"""Packages come from where pip is set to, by uv and by pip."""

import base64
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from support.project import free_port

from annolooop.errors import ConfigError
from annolooop.labelstudio.server.install import ensure_environment
from annolooop.packages import find_uv, pip_settings, run_installer, uv_environment

LOGIN = "reader:s3cr3t-of-the-index"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Address, without scheme, of a package index that asks for a login; one package is in it."""
    wheel = tmp_path / "label_studio-1.23.2.dev1-py3-none-any.whl"
    info = "label_studio-1.23.2.dev1.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("label_studio.py", "def main(): print('tiny')\n")
        file.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: label-studio\nVersion: 1.23.2.dev1\n"
        )
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(
            f"{info}/entry_points.txt", "[console_scripts]\nlabel-studio = label_studio:main\n"
        )
        file.writestr(f"{info}/RECORD", "")
    login = "Basic " + base64.b64encode(LOGIN.encode()).decode()

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != login:
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic")
                self.end_headers()
                return
            listed = self.path.rstrip("/") == "/simple/label-studio"
            page = f'<a href="/{wheel.name}">{wheel.name}</a>'.encode()
            self.send_response(200 if listed or self.path.endswith(".whl") else 404)
            self.send_header("Content-Type", "text/html" if listed else "application/zip")
            body = page if listed else wheel.read_bytes()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Index) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}/simple"
        server.shutdown()


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither pip nor uv is told anything."""
    for name in os.environ:
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))


def test_settings_of_pip_come_from_its_files_and_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://a.example/simple\ntrusted-host = a.example\n"
        "[install]\nextra-index-url =\n    https://b.example/simple\n    https://c.example/simple\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_TRUSTED_HOST", "d.example")
    message = uv_environment({}, pip_settings(os.environ))
    assert message["UV_DEFAULT_INDEX"] == "https://a.example/simple"
    assert message["UV_INDEX"] == "https://b.example/simple https://c.example/simple"
    assert message["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert message["UV_INSECURE_HOST"] == "d.example"


def test_what_uv_is_told_itself_wins() -> None:
    own = {"UV_INDEX_URL": "https://own.example/simple", "UV_CONSTRAINT": "own.txt"}
    settings = {"index-url": "https://a.example/simple", "constraint": "a.txt"}
    message = uv_environment(own, settings)
    assert "UV_DEFAULT_INDEX" not in message
    assert message["UV_CONSTRAINT"] == "own.txt"


def test_uv_installs_from_the_index_that_pip_is_set_to(
    index: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{LOGIN}@{index}")
    executable = ensure_environment(tmp_path / "made", "1.23.2.dev1", "tests", print)
    assert not list((tmp_path / "made" / "1.23.2.dev1").rglob("pip"))  # so it was uv
    done = subprocess.run([executable], capture_output=True, text=True, check=True)
    assert done.stdout == "tiny\n"


@pytest.mark.slow
def test_pip_is_tried_where_uv_fails(
    index: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{LOGIN}@{index}")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{free_port()}/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    answers: list[str] = []
    executable = ensure_environment(tmp_path / "made", "1.23.2.dev1", "tests", answers.append)
    assert "Trying again with pip …" in "\n".join(answers)
    assert executable.exists()


def test_login_of_an_index_is_in_no_message(
    index: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{LOGIN}-wrong@{index}")
    uv = find_uv()
    assert uv
    target = str(tmp_path / "target")
    for command in (
        [uv, "pip", "install", "--target", target, "label-studio"],
        [sys.executable, "-m", "pip", "install", "--target", target, "label-studio"],
    ):
        with pytest.raises(ConfigError) as caught:
            run_installer(command, print, "it failed", "mend it")
        assert "s3cr3t" not in caught.value.message
