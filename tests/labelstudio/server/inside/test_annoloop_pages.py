"""What we change inside of Label Studio's own process."""

import json
import subprocess
from pathlib import Path

import httpx
import pytest
from support.annotators import write_patterns
from support.project import Project, Server

from annolooop.labelstudio.server.credentials import Credentials
from annolooop.labelstudio.server.install import LAUNCHER
from annolooop.labelstudio.server.login import open_session
from annolooop.loop.rounds.queue import rounds_of

PRINT = (
    "import json, os, sys; from pathlib import Path; import label_studio; "
    f"sys.path[:0] = [{str(LAUNCHER.parent)!r}, str(Path(label_studio.__file__).parent)]; "
    "os.environ['DJANGO_SETTINGS_MODULE'] = 'annoloop_settings'; "
    "from django.conf import settings; one = settings.DATABASES['default']; "
    "ours = [*settings.MIDDLEWARE[:2], settings.MIDDLEWARE[-1]]; "
    "print(json.dumps([one['ENGINE'], one.get('OPTIONS', {}), ours]))"
)


@pytest.mark.parametrize(
    ("database", "engine", "options"),
    [("sqlite", "sqlite3", {"timeout", "transaction_mode", "init_command"}), ("default", "", None)],
)
def test_transactions_take_turns_in_sqlite_and_postgresql_has_its_own(
    label_studio_command: str, tmp_path: Path, database: str, engine: str, options: set[str] | None
) -> None:
    python = Path(label_studio_command).parent / "python"
    environment = {
        "HOME": str(tmp_path),
        "LABEL_STUDIO_BASE_DATA_DIR": str(tmp_path),
        "LABEL_STUDIO_DJANGO_DB": database,
    }
    command = [str(python), "-I", "-c", PRINT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    backend, set_options, ours = json.loads(done.stdout.splitlines()[-1])
    assert backend.endswith(engine)
    assert set(set_options) == (options or set())
    assert set_options.get("transaction_mode") == ("IMMEDIATE" if options else None)
    assert [name.partition(".")[2] for name in ours] == ["QueueStays", "KeysLabel", "Reviews"]


@pytest.fixture
def queued(project: Project) -> Project:
    """A project of six pictures, of which three are in the queue."""
    write_patterns(project.folder / "b", [f"picture{n}.png" for n in range(6)])
    project.json("train")
    project.json("infer", "--batch", "b", "--query", "3", "--strategy", "random")
    return project


def next_task(project: Project, tab: int, **body: object) -> int:
    """What the server answers the page that asks for the next task of a tab."""
    found = project.stack().studio.projects.find(project.stack().config.dataset.name)
    assert found
    about = {"id": "next_task", "tabID": tab, "project": found.id}
    answer = project.stack().studio.connection.post("/api/dm/actions", body, about)
    return int(answer["id"])


def tabs(project: Project) -> tuple[int, int, list[int]]:
    """The queue's tab, that of people, and the tasks of the queue in their order."""
    stack = project.stack()
    name = stack.config.dataset.name
    found, asked = stack.studio.projects.find(name), rounds_of(stack, name).latest()
    assert found
    assert asked
    ours = stack.studio.views.find(found.id, "annoloop: next to label")
    theirs = stack.studio.views.put(found.id, "mine", [], ["-tasks:id"])
    assert ours
    return ours.id, theirs, list(asked.query)


def test_stream_of_the_queue_serves_the_queue_whatever_the_page_asks_for(queued: Project) -> None:
    """The page asks so for all tasks, once somebody has clicked "Label All Tasks"."""
    ours, _, query = tabs(queued)
    assert next_task(queued, ours) == query[0]
    assert next_task(queued, ours, selectedItems={"all": False, "included": []}) == query[0]
    assert next_task(queued, ours, filters=None, ordering=["-tasks:id"]) == query[0]


def test_tasks_that_people_ticked_are_served(queued: Project) -> None:
    ours, _, query = tabs(queued)
    ticked = {"all": False, "included": [query[2]]}
    assert next_task(queued, ours, selectedItems=ticked) == query[2]


def test_tab_of_people_is_left_alone(queued: Project) -> None:
    _, theirs, _ = tabs(queued)
    stack = queued.stack()
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    assert next_task(queued, theirs) == min(task.id for task in stack.studio.tasks.list(found.id))


def test_pages_of_the_application_have_our_script_once_and_others_have_not(
    server: Server,
) -> None:
    cookies = open_session(server.url, Credentials(server.username, server.password, server.token))
    with httpx.Client(base_url=server.url, cookies=cookies, follow_redirects=True) as browser:
        for path in ("/projects/", "/projects/1/data?tab=1", "/projects/1/data/"):
            page = browser.get(path)
            assert page.text.count('<script id="annoloop-labelling">') == 1
            assert int(page.headers["Content-Length"]) == len(page.content)
        assert "annoloop-labelling" not in browser.get("/admin/").text
        assert "annoloop-labelling" not in browser.get("/api/projects").text
