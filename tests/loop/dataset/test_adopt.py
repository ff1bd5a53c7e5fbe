"""Projects and tasks that people made by hand in Label Studio become part of the dataset."""

import io
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from PIL import Image
from support.project import Project, Server, write_photos

from annolooop.domain.progress import untracked
from annolooop.errors import DataError
from annolooop.loop.dataset.adopt import adopt
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.quality.stats import stats
from annolooop.loop.sync.sync import sync
from annolooop.loop.train.train import train

CONFIG = (
    '<View><Image name="pic" value="$photo"/><Choices name="kind" toName="pic">'
    '<Choice value="aria"/><Choice value="not_aria"/></Choices></View>'
)


@pytest.fixture
def http(server: Server) -> httpx.Client:
    headers = {"Authorization": f"Token {server.token}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=60)


@pytest.fixture
def site(tmp_path: Path, project: Project) -> Iterator[str]:
    """A web server with photographs, as the address of someone's images; the project allows it."""
    section = project.values["label_studio"]
    project.write({**project.values, "label_studio": {**section, "allowed_hosts": ["127.0.0.1"]}})  # type: ignore[dict-item]
    write_photos(tmp_path / "site", [f"aria_{n}.jpg" for n in range(3)] + ["not_aria_3.jpg"])
    (tmp_path / "site" / "page.html").write_text("<p>no image")
    write_photos(tmp_path / "site", [f"{'long' * 50}\n.jpg"])
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def make_by_hand(http: httpx.Client, title: str, config: str = CONFIG) -> int:
    made = http.post("/api/projects", json={"title": title, "label_config": config})
    made.raise_for_status()
    return int(made.json()["id"])


def say(http: httpx.Client, task: int, label: str, control: str, about: str) -> None:
    value = {"choices": [label]}
    item = {"from_name": control, "to_name": about, "type": "choices", "value": value}
    http.post(f"/api/tasks/{task}/annotations", json={"result": [item]}).raise_for_status()


def test_uploaded_images_are_collected_predicted_and_learnt_from(
    project: Project, http: httpx.Client, site: str
) -> None:
    train(project.stack(), False, untracked)
    stack = project.stack()
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "PNG")
    url = f"/api/projects/{found.id}/import"
    files = {"file": ("mine é.png", picture.getvalue(), "image/png")}
    http.post(url, files=files).raise_for_status()
    addresses = [f"{site}/aria_0.jpg", f"{site}/page.html", f"{site}/gone.jpg", "nowhere"]
    # What is missing on a host, or is no address, or has an odd name, stops nothing else.
    addresses += [f"{site}/gone{n}.jpg" for n in range(8)]
    addresses += ["http://[bad/x.jpg", f"{site}/{'long' * 50}%0A.jpg"]
    http.post(url, json=[{"data": {"image": a}} for a in addresses]).raise_for_status()
    uploads = [task for task, _ in stack.studio.tasks.without_key(found.id)]
    say(http, uploads[0], "aria", "label", "image")
    say(http, uploads[1], "not_aria", "label", "image")

    for asked in (("sync", "--check"), ("infer", "--dry-run")):
        assert project.json(*asked, code=2)["collected"] == 15
    report = sync(project.stack(), False, untracked)
    assert (report.collected, report.labeled) == (3, 2)
    reasons = {row["file"].rpartition("/")[2]: row["reason"] for row in report.unreadable}
    assert reasons["page.html"] == "it is text/html, not an image"
    assert reasons["gone.jpg"].endswith("answers 404")
    assert reasons[f"task {uploads[4]}: nowhere"] == "its data names no image"
    assert sync(project.stack(), False, untracked).collected == 0
    waiting = sync(project.stack(), True, untracked)
    assert (waiting.collected, waiting.exit_code) == (12, 2)
    kept = {a.task: a for a in project.stack().snapshots.latest().annotations}
    assert kept[uploads[0]].key.endswith("-mine_é.png")
    assert all(a.sha256 for a in kept.values())
    assert train(project.stack(), False, untracked).examples == 2
    inferred = infer(project.stack(), None, InferOptions(), untracked)
    assert (inferred.images, inferred.tasks_created, inferred.predictions_pushed) == (3, 0, 3)


def test_project_made_by_hand_is_adopted_with_its_annotations(
    project: Project, http: httpx.Client, site: str
) -> None:
    name = project.stack().config.dataset.name
    made = make_by_hand(http, f"by hand {name}")
    names = [f"aria_{n}.jpg" for n in range(3)] + ["not_aria_3.jpg"]
    body = [{"data": {"photo": f"{site}/{n}", "note": "mine"}} for n in names]
    http.post(f"/api/projects/{made}/import", json=body).raise_for_status()
    tasks = [task for task, _ in project.stack("dataset.name=other").studio.tasks.without_key(made)]
    for task, photo in zip(tasks, names, strict=True):
        say(http, task, "not_aria" if "not" in photo else "aria", "kind", "pic")

    report = project.json("dataset", "adopt", f"by hand {name}")
    assert (report["project"], report["tasks"], report["annotations"]) == (made, 4, 4)
    assert report["labels"] == ["aria", "not_aria"]
    assert project.json("dataset", "adopt", str(made))["project"] == made  # again: the same
    pulled = sync(project.stack(), False, untracked)
    assert (pulled.collected, pulled.labeled) == (4, 4)
    trained = train(project.stack("train.holdout=0"), True, untracked)
    assert trained.labels == {"aria": 3, "not_aria": 1}
    assert infer(project.stack(), None, InferOptions(), untracked).predictions_pushed == 4
    counted = stats(project.stack(), name)
    assert (counted.total, counted.labeled) == (4, 4)
    assert counted.model_version == trained.model_version
    data = http.get(f"/api/tasks/{tasks[0]}").json()["data"]
    assert (data["photo"], data["note"]) == (f"{site}/aria_0.jpg", "mine")
    assert http.get(f"/api/projects/{made}").json()["sampling"] == "Uncertainty sampling"
    # Tasks that annoloop makes here show the image under the name that this project uses.
    write_photos(project.folder / "b", ["aria_9.jpg"])
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    new = max(task.id for task in project.stack().studio.tasks.list(made))
    assert "aria_9.jpg" in http.get(f"/api/tasks/{new}").json()["data"]["photo"]
    with pytest.raises(DataError, match=f"is that of the dataset {name}"):
        adopt(project.stack("dataset.name=another one"), str(made))


def test_project_that_does_not_fit_is_refused_with_the_reason(
    project: Project, http: httpx.Client
) -> None:
    name = project.stack().config.dataset.name
    boxes = '<View><Image name="i" value="$i"/><RectangleLabels name="b" toName="i">'
    boxes += '<Label value="cat"/></RectangleLabels></View>'
    made = make_by_hand(http, f"boxes {name}", boxes)
    assert "has 0 sets of choices" in project.run("dataset", "adopt", str(made), code=5).stderr
    zoo = make_by_hand(http, f"zoo {name}", CONFIG.replace('"not_aria"', '"zebra"'))
    told = project.run("dataset", "adopt", f"zoo {name}", code=5).stderr
    assert "has the label 'zebra'" in told
    assert "dataset.labels: [aria, not_aria, zebra]" in told
    odd = make_by_hand(http, f"odd {name}", CONFIG.replace('"not_aria"', '"a/b: c, d"'))
    told = project.run("dataset", "adopt", str(odd), code=5).stderr
    assert 'dataset.labels: [aria, not_aria, "a/b: c, d"]' in told
    told = project.run("dataset", "adopt", f"zo {name}", code=5).stderr
    assert f"did you mean zoo {name}?" in told
    # The dataset has a project with tasks of its own already.
    train(project.stack(), False, untracked)
    write_photos(project.folder / "b", ["aria_0.jpg"])
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    fits = make_by_hand(http, f"fits {name}")
    with pytest.raises(DataError, match="has a Label Studio project of 1 task:"):
        adopt(project.stack(), str(fits))
    assert zoo


def test_project_that_is_spelled_otherwise_is_adopted_as_label_studio_reads_it(
    project: Project, http: httpx.Client, site: str
) -> None:
    name = project.stack().config.dataset.name
    config = CONFIG.replace('value="aria"', 'value="aria "')
    assert config != CONFIG
    made = make_by_hand(http, f"spelled {name}", config)
    body = [{"data": {"photo": f"{site}/aria_0.jpg"}}]
    http.post(f"/api/projects/{made}/import", json=body).raise_for_status()
    ((task, _),) = project.stack("dataset.name=other").studio.tasks.without_key(made)
    say(http, task, "aria ", "kind", "pic")
    report = project.json("dataset", "adopt", str(made))
    assert (report["labels"], report["labels_added"]) == (["aria", "not_aria"], [])
    assert 'required="true" into <Choices name="kind">' in report["advice"][0]
    train(project.stack(), False, untracked)
    assert project.json("sync")["labeled"] == 1
    assert stats(project.stack(), name).labels == {"aria": 1, "not_aria": 0}
    infer(project.stack(), None, InferOptions(), untracked)
    (prediction,) = http.get(f"/api/tasks/{task}").json()["predictions"]
    assert prediction["result"][0]["value"]["choices"][0] in ("aria ", "not_aria")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('value="$photo"', 'value="$meta.photo"', "a value inside of another one"),
        ("</Choices>", '<Choice value="x"><Choice value="y"/></Choice></Choices>', "are nested"),
        ('value="aria"', 'value="$1"', "takes for a variable"),
    ],
)
def test_project_whose_answers_could_not_be_read_is_refused(
    project: Project, http: httpx.Client, before: str, after: str, why: str
) -> None:
    name = project.stack().config.dataset.name
    assert before in CONFIG
    made = make_by_hand(http, f"refused {name}", CONFIG.replace(before, after))
    assert why in " ".join(project.run("dataset", "adopt", str(made), code=5).stderr.split())


def test_project_whose_tasks_have_a_key_of_their_own_is_refused(
    project: Project, http: httpx.Client, site: str
) -> None:
    made = make_by_hand(http, f"music {project.stack().config.dataset.name}")
    body = [{"data": {"photo": f"{site}/aria_{n}.jpg", "key": "C major"}} for n in range(2)]
    body.append({"data": {"photo": f"{site}/aria_2.jpg", "key": ""}})
    http.post(f"/api/projects/{made}/import", json=body).raise_for_status()
    with pytest.raises(DataError, match=r"2 tasks of the .* a value `key` of their own"):
        adopt(project.stack(), str(made))
