"""The command line: exit codes, where output goes, and what every command takes."""

import errno
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import typer
from support.imports import commands
from support.project import Project, Server, free_port, write_photos

from annolooop.cli import _guarded, app
from annolooop.console.console import Console, Options
from annolooop.domain.progress import Objects

NO_SERVER = ["--set", f"label_studio.port={free_port()}"]


def bare(folder: Path) -> Project:
    """A folder without a stack file."""
    project = Project(folder, {})
    project.file.unlink()
    return project


def test_without_a_stack_file_it_says_to_make_one(tmp_path: Path) -> None:
    message = bare(tmp_path).run("status", code=3).stderr
    assert "No stack file" in message
    assert "annoloop init" in message


def test_init_makes_a_valid_stack_and_overwrites_nothing(tmp_path: Path) -> None:
    project = bare(tmp_path)
    (tmp_path / ".gitignore").write_text("mine\n")
    report = project.json("init")
    assert report["written"] == ["annoloop.yaml", "annoloop.schema.json", ".env.example"]
    assert report["kept"] == [".gitignore"]
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert "is valid" in project.run("stack", "check").stdout
    assert project.json("init")["written"] == []
    assert project.json("init", "deeper/folder")["written"][0] == "deeper/folder/annoloop.yaml"


@pytest.mark.parametrize("store", ["s3", "gcs", "azure"])
def test_init_for_a_bucket_makes_a_stack_that_is_valid(tmp_path: Path, store: str) -> None:
    project = bare(tmp_path)
    project.run("init", "--store", store)
    text = (tmp_path / "annoloop.yaml").read_text(encoding="utf-8")
    environ = dict.fromkeys(re.findall(r"\$\{([A-Z_]+)\}", text), "x")
    assert "is valid" in project.run("stack", "check", **environ).stdout


def test_init_for_an_unknown_store_names_those_that_there_are(tmp_path: Path) -> None:
    assert "did you mean azure?" in bare(tmp_path).run("init", "--store", "azur", code=2).stderr


def test_stack_show_tells_origins_and_masks_secrets(project: Project) -> None:
    project.write({**project.values, "train": {"seed": "${SEED:-3}"}})
    report = project.json("stack", "show", "--set", "infer.batch_size=4")
    rows = {row["key"]: (row["value"], row["origin"]) for row in report["settings"]}
    assert rows["infer.batch_size"] == (4, "flag")
    assert rows["train.seed"] == (3, "env:SEED")
    assert rows["dataset.labels"][1].startswith("file:")
    assert rows["train.holdout"] == (0.2, "default")
    assert rows["label_studio.api_key"][0] == "********"
    text = project.run("stack", "show").stdout
    assert str(project.values["label_studio"]["api_key"]) not in text  # type: ignore[index]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stroe: {}\n", "annoloop.yaml:1: stroe: unknown key; did you mean store?"),
        ("train:\n  seed: x\n", "annoloop.yaml:2: train.seed: input should be a valid integer"),
        ("train:\n  seed: 1\n  seed: 2\n", "annoloop.yaml:3: train.seed is given twice"),
        ("store:\n  url: ${NOT_SET}\n", "annoloop.yaml:2: store.url: the variable NOT_SET is"),
        ("store: [\n", "annoloop.yaml:2: not valid YAML"),
    ],
)
def test_wrong_stack_file_is_exit_3_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    project = Project(tmp_path, {})
    project.file.write_text(text)
    for words in (["stack", "check"], ["up"], ["train"], ["stats"]):
        done = project.run(*words, code=3)
        assert message in done.stderr
        assert done.stdout == ""


def test_usage_errors_are_exit_2(tmp_path: Path) -> None:
    project = Project(tmp_path, {})
    project.run("train", "--nonsense", code=2)
    project.run("nonsense", code=2)
    project.run("status", "--set", "port", code=2)
    project.run("dataset", "delete", code=2)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("--stack x stats", "--stack goes after the command: annoloop stats --stack x"),
        ("--set a=b -q model list", "annoloop model list --set a=b -q"),
        ("dataset --stack=x list", "annoloop dataset list --stack=x"),
        ("infer a --batch b", "two batches are named: a, and --batch b"),
        ("infer 'my a' --batch b --rerun", "Name one at a time: annoloop infer 'my a'"),
        (
            "infer photos out.csv",
            "there is no argument out.csv; did you mean annoloop infer --out out.csv?",
        ),
        (f"infer photos {'x' * 5000}", "there is no argument xxx"),
        ("report cats 'my out'", "did you mean annoloop report --out 'my out'?"),
        ("infer photos /", "Got unexpected extra argument"),
    ],
)
def test_usage_error_says_what_was_meant(
    capsys: pytest.CaptureFixture[str], line: str, meant: str
) -> None:
    with pytest.raises(SystemExit) as end:
        app(shlex.split(line), prog_name="annoloop")
    assert end.value.code == 2
    assert meant in capsys.readouterr().err


@pytest.mark.parametrize("words", [["stack", "check", "--stack"], ["restore"]])
def test_name_that_no_file_can_have_is_a_usage_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(Project(tmp_path, {}).folder)
    with pytest.raises(SystemExit) as end:
        app([*words, "x" * 5000], prog_name="annoloop")
    assert end.value.code == 2
    assert "is longer than any file's" in capsys.readouterr().err


@pytest.mark.slow
def test_dead_server_is_exit_4_and_says_up(tmp_path: Path) -> None:
    project = Project(tmp_path, {})
    for words in (["train"], ["sync"], ["stats"], ["dataset", "list"]):
        message = project.run(*words, *NO_SERVER, code=4).stderr
        assert "Label Studio is not running" in message
        assert "annoloop up" in message
    assert project.json("status", *NO_SERVER)["running"] is False
    assert project.json("down", *NO_SERVER)["stopped"] is False


def test_server_of_others_that_is_dead_is_exit_4(project: Project) -> None:
    url = f"label_studio.url=http://127.0.0.1:{free_port()}"
    message = project.run("stats", "--set", url, code=4).stderr
    assert "does not answer" in message
    assert "label_studio.url" in message
    assert project.json("status", "--set", url)["running"] is False


def test_wrong_token_is_exit_3_and_not_repeated(project: Project) -> None:
    wrong = "f" * 40
    done = project.run("stats", "--set", f"label_studio.api_key='{wrong}'", code=3)
    assert "refuses the access token" in done.stderr
    assert wrong not in done.stderr + done.stdout


def test_port_of_another_program_is_exit_4_and_left_alone(own_project: Project) -> None:
    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    port = own_project.values["label_studio"]["port"]  # type: ignore[index]
    with HTTPServer(("127.0.0.1", port), Hello) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        message = own_project.run("up", code=4).stderr
        assert f"port {port} is taken by another program" in message
        assert f"--set label_studio.port={port + 1}" in message
        assert own_project.json("status")["running"] is False
        assert own_project.json("down")["stopped"] is False
        other.shutdown()


def test_json_is_all_that_is_on_stdout(project: Project) -> None:
    write_photos(project.folder / "b", ["a.jpg"])
    assert project.json("train")["registered"] is True
    done = project.run("infer", "--batch", "b", "--json", "-v")
    assert json.loads(done.stdout)["images"] == 1
    assert "infer: 1/1" in done.stderr
    assert "HTTP Request: GET" in done.stderr
    assert str(project.values["label_studio"]["api_key"]) not in done.stderr  # type: ignore[index]


def test_quiet_says_nothing_on_stderr(project: Project) -> None:
    project.json("train")
    assert project.run("stats", "-q").stderr == ""


def test_dry_run_says_the_command_that_does_it(project: Project) -> None:
    project.json("train")
    write_photos(project.folder / "b", ["aria1.png"])
    said = project.run("infer", "b", "--dry-run", code=2).stderr
    assert "next: annoloop infer b\n" in said


def test_output_has_no_colours_where_there_is_no_terminal(project: Project) -> None:
    project.json("train")
    done = project.run("stats")
    assert "\x1b[" not in done.stdout + done.stderr
    assert "next: annoloop" in done.stderr


def test_no_color_is_honoured_on_a_terminal(project: Project) -> None:
    import pty

    project.json("train")

    def on_terminal(**env: str) -> bytes:
        main, end = pty.openpty()
        done = subprocess.Popen(
            project.command("stats"),
            cwd=project.folder,
            env={**os.environ, **env},
            stdout=end,
            stderr=end,
        )
        os.close(end)
        text = b""
        try:
            while block := os.read(main, 4096):
                text += block
        except OSError:  # the other end is closed
            pass
        assert done.wait() == 0
        return text

    plain = {"TERM": "xterm-256color", "COLORTERM": ""}
    assert b"\x1b[1m" in on_terminal(**plain, NO_COLOR="")
    assert b"\x1b[3" not in on_terminal(**plain, NO_COLOR="1")


@pytest.mark.parametrize("where", ["annolooop.cli.main", "annolooop.loop.setup.stacks.list_named"])
def test_interrupt_that_was_wrapped_in_another_error_is_exit_130(
    tmp_path: Path, where: str
) -> None:
    # Python before 3.12 does so where it comes while a class is made, which imports are full of.
    module, _, name = where.rpartition(".")
    code = f"""
import sys, {module} as module
def broken(*given):
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt as error:
        raise RuntimeError("Error calling __set_name__") from error
module.{name} = broken
sys.argv = ["annoloop", "stack", "list"]
from annolooop.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert done.stderr.startswith("Interrupted")


def test_interrupt_is_exit_130_and_what_was_done_is_kept(project: Project) -> None:
    project.json("train")
    names = [f"{n}.jpg" for n in range(40)]
    write_photos(project.folder / "b", names)
    small = ["--set", "label_studio.import_size=1"]
    running = subprocess.Popen(
        project.command("infer", "--batch", "b", *small),
        cwd=project.folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    studio, stack = project.stack().studio, project.stack()
    found = studio.projects.find(stack.config.dataset.name)
    assert found
    deadline = time.monotonic() + 60
    while not any(studio.tasks.list(found.id)) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    message = running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert "Interrupted" in message
    assert "Traceback" not in message
    report = project.json("infer", "--batch", "b")
    assert report["embedded"] == 0
    assert len({task.key for task in studio.tasks.list(found.id)}) == 40
    assert len(list(studio.tasks.list(found.id))) == 40


def test_bug_shows_a_traceback_without_values(tmp_path: Path) -> None:
    probe = """
import sys
from annolooop.commands import status
def broken(console):
    token = "s3cr3t"
    raise RuntimeError("boom")
status.status = broken
broken.__name__ = "status"
sys.argv = ["annoloop", "status"]
from annolooop.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert "RuntimeError: boom" in done.stderr
    assert "report" in done.stderr


def test_logs_shows_the_end_of_the_server_log(own_project: Project) -> None:
    assert own_project.json("logs")["lines"] == []
    own_project.json("up")
    lines = own_project.json("logs", "-n", "3")["lines"]
    assert len(lines) == 3
    assert own_project.run("logs", "-n", "3").stdout.splitlines() == lines
    following = subprocess.Popen(
        own_project.command("logs", "-f", "-n", "1"),
        cwd=own_project.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert following.stdout
    assert following.stdout.readline().strip() == lines[-1].strip()  # it follows from here on
    own_project.run("stats", code=5)  # the server logs our requests
    assert following.stdout.readline().strip()
    following.send_signal(signal.SIGINT)
    assert following.wait(timeout=20) == 130


def test_store_on_a_folder_the_server_may_not_serve_is_refused(
    project: Project, server: Server, tmp_path: Path
) -> None:
    elsewhere = ["--set", f"store.url={tmp_path / 'elsewhere'}"]
    message = project.run("train", *elsewhere, code=3).stderr
    assert "may not show the images of" in message
    assert "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT" in message


def test_store_that_cannot_be_written_is_exit_4(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = project.run("train", "--set", f"store.url={tmp_path / 'file' / 'x'}", code=4).stderr
    assert "the artifact store" in message
    shutil.rmtree(project.folder / "cache", ignore_errors=True)


def test_version_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "annolooop", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("annoloop 0.")


def check_lines(report: dict) -> dict[str, str]:  # type: ignore[type-arg]
    return {check["name"]: check["status"] for check in report["checks"]}


def test_doctor_finds_everything_well(own_project: Project) -> None:
    own_project.json("up")
    own_project.json("train")
    write_photos(own_project.folder / "b", ["what? 50% #1.jpg"])
    own_project.json("infer", "--batch", "b")
    report = own_project.json("doctor")
    statuses = check_lines(report)
    assert "fail" not in statuses.values()
    names = {"python", "stack file", "store", "disk", "label studio", "token", "clock"}
    assert set(statuses) == names | {"image", "weights", "device"}
    (image,) = (c for c in report["checks"] if c["name"] == "image")
    assert "as a browser sees it: image/jpeg" in image["detail"]
    (Path(own_project.stack().store.url) / "images" / "b" / "what? 50% #1.jpg").unlink()
    report = own_project.json("doctor", code=4)
    assert check_lines(report)["image"] == "fail"


def test_doctor_names_the_fix_of_what_is_wrong(tmp_path: Path) -> None:
    project = Project(tmp_path, {"model": {"backbone": "resnet18"}})
    report = project.json("doctor", *NO_SERVER, code=4)
    failed = {c["name"]: c["fix"] for c in report["checks"] if c["status"] == "fail"}
    assert failed == {"label studio": "Start it: annoloop up"}
    assert check_lines(report)["store"] == "ok"
    project.file.write_text("stroe: {}\n")
    message = project.run("doctor", code=3).stdout
    assert "fail  stack file" in message
    assert "did you mean store?" in message
    assert "ok    python" in message


def test_reader_that_leaves_early_is_no_error(project: Project) -> None:
    project.json("train")
    words = " ".join(project.command("stats"))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words} -q | head -c 1"],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_status_tells_where_it_runs_when_the_port_was_changed(own_project: Project) -> None:
    up = own_project.json("up")
    moved = ["--set", f"label_studio.port={free_port()}"]
    status = own_project.json("status", *moved)
    assert (status["running"], status["url"], status["pid"]) == (True, up["url"], up["pid"])
    assert "already runs on port" in own_project.run("up", *moved, code=4).stderr
    assert own_project.json("down", *moved)["stopped"] is True


@pytest.mark.slow
def test_hints_name_the_stack_that_was_named(tmp_path: Path) -> None:
    made = Project(tmp_path, {"label_studio": {"port": free_port()}})
    message = made.run("train", "--stack", str(made.file), code=4).stderr
    assert f"annoloop up --stack {made.file}" in message
    assert "--stack" not in made.run("train", code=4).stderr


def test_name_that_holds_codes_for_a_terminal_is_shown_on_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "\x1b[31mrot\nweiß\u202f？.jpg"
    Console(Options()).objects("new", Objects(1, (name,)))
    Console(Options()).reasons("unreadable", [{"file": name, "reason": "it is empty"}])
    shown = "\\x1b[31mrot\\nweiß\u202f？.jpg"
    message = f"new: 1\n  {shown}\nunreadable: {shown}: it is empty\n"
    assert capsys.readouterr().out == message


def test_full_disk_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    def run(console: Console) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/cache/x")

    with pytest.raises(typer.Exit) as caught:
        _guarded(Console(Options()), run, lambda *_: None, {})
    assert caught.value.exit_code == 4
    assert "No space left on device: '/cache/x'" in capsys.readouterr().err


def help_of_every_command() -> dict[str, str]:
    """Words of a command -> its help at 80 columns."""
    from typer.testing import CliRunner

    from annolooop.cli import app

    runner = CliRunner(env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    return {" ".join(w): runner.invoke(app, [*w, "--help"]).output for w in commands()}


def test_help_fits_80_columns_and_cuts_no_sentence() -> None:
    for words, text in help_of_every_command().items():
        assert not re.search(r"(?m)^  [a-z].*\.\.\.$", text), words
        for line in text.splitlines():
            assert len(line) <= 80, (words, line)


def test_help_lists_everyday_commands_first_and_begins_with_examples() -> None:
    text = help_of_every_command()[""]
    sections = re.findall(r"(?m)^([A-Z][\w-]+):$", text)
    assert sections == ["Options", "Everyday", "Dataset", "Model", "Set-up"]
    assert text.index("Examples:") < text.index("Options:")
    everyday = text[text.index("Everyday:") : text.index("Dataset:")].splitlines()[1:]
    assert [line.split()[0] for line in everyday if line] == [
        "start",
        "next",
        "up",
        "infer",
        "train",
        "stats",
        "report",
    ]
