"""The report of a real project: what is in it, what is not, and trackers beside it."""

from pathlib import Path

import pytest
from support.annotated_dataset import Annotated
from support.project import Project, Server
from support.trained_dataset import NAME, TrainedDataset

from annolooop.domain.progress import untracked
from annolooop.errors import UsageError
from annolooop.loop.report.report import ReportOptions, report

NAMES = [f"aria_{n}.jpg" for n in range(30)] + [f"not_aria_{n}.jpg" for n in range(30)]
LABELLED = NAMES[:-8]


def test_report_stats_and_trackers_tell_of_the_same_model(project: Project, server: Server) -> None:
    project.write({**project.values, "tracking": {"tensorboard": "runs"}})
    people = Annotated(project, server, NAMES)
    early = project.json("report", "--out", "early.html", "--points", "0")
    assert "annoloop train" in early["missing"]["quality"]
    other = people.someone("second@example.org")
    for name in LABELLED:
        people.annotate(name, "not_aria" if "not" in name else "aria")
    for name in NAMES[:4]:
        people.annotate(name, "aria", who=other)
    project.json("train")
    trained = project.json("train", "--rerun")
    assert trained["trackers"] == {"tensorboard": ""}
    check_event_file(project.folder / "runs" / people.name, trained)
    asked = project.json("infer", "--rerun", "--query", "6", "--strategy", "margin")["query"]
    people.annotate(NAMES[-1], "not_aria")
    check_stats(project, trained, asked)

    gone = people.images[NAMES[0]].key
    Path(str(project.stack().store.local_path), gone).unlink()
    written = project.json("report", people.name)
    page = project.folder / f"{people.name.replace(' ', '_')}-report.html"
    text = page.read_text(encoding="utf-8")
    assert written["bytes"] == len(page.read_bytes()) < 10_000_000
    assert written["points"] == len(NAMES)
    assert written["model_version"] in text
    assert f"{server.url}/projects/{people.id}/data?task={people.tasks[NAMES[0]]}" in text
    assert "second@example.org" in text
    assert server.token not in text
    assert server.password not in text
    assert set(written["missing"]) <= {"blind", "errors", "suspects", "calibration"}
    assert ">strategy</button>" in text
    check_what_a_payer_reads(project, written, server)

    # The newer one takes the place of the other.
    offline = project.json("report", people.name, "--offline", "--points", "0")
    assert offline["live"] is False
    assert server.url not in page.read_text(encoding="utf-8")

    fail_a_tracker(project, people)


def check_what_a_payer_reads(project: Project, written: dict, server: Server) -> None:  # type: ignore[type-arg]
    assert written["since"]["changes"]
    assert written["effort"]["labels"] == len(LABELLED) + 1
    assert {row["name"] for row in written["people"]} >= {"second@example.org"}
    assert sum(row["labelled"] + row["predicted"] for row in written["pool"]["rows"]) == len(NAMES)
    assert written["next"].startswith("People answer about")
    project.run("report", "--anonymous", "--points", "0", "--out", "to-others.html")
    text = (project.folder / "to-others.html").read_text(encoding="utf-8")
    assert "person 2" in text
    for name in ("example.org", "localhost.local", server.url):
        assert name not in text


def check_event_file(folder: Path, trained: dict) -> None:  # type: ignore[type-arg]
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    accuracy = read.Scalars("holdout/accuracy")
    assert [event.step for event in accuracy] == [2]
    assert abs(accuracy[0].value - trained["evaluation"]["accuracy"]["value"]) < 1e-6
    assert read.Scalars("labelled/aria")[0].value == 30


def check_stats(project: Project, trained: dict, asked: dict) -> None:  # type: ignore[type-arg]
    stats = project.json("stats")
    assert stats["in_force"] == trained["model_version"]
    assert stats["evaluation"] == trained["evaluation"]
    assert stats["people"]["images"] == 4
    assert stats["shown"]["n"] > 0
    assert stats["round"]["asked"] == asked["asked"] == 6
    assert stats["round"]["strategy"] == "margin"
    assert stats["next"] == f"annoloop dataset launch '{stats['dataset']}'"
    shown = project.run("stats").stdout.splitlines()
    assert len(shown) <= 22
    assert max(map(len, shown)) <= 80
    assert any("people agree: alpha" in line for line in shown)


def fail_a_tracker(project: Project, people: Annotated) -> None:
    """The version is made all the same."""
    (project.folder / "file").write_text("")
    project.write({**project.values, "tracking": {"tensorboard": "file/runs"}})
    people.annotate(NAMES[5], "not_aria")
    done = project.run("train", "--rerun", "--gate", "off")
    assert "warning: the figures were not sent to tensorboard" in done.stdout
    assert project.stack().registry.versions()[-1].number == 3


def test_a_file_that_is_not_a_report_is_never_replaced(dataset: TrainedDataset) -> None:
    mine = dataset.project.folder / "mine.html"
    mine.write_text("<p>mine</p>")
    result = dataset.project.run("report", NAME, "--offline", "--out", "mine.html", code=2)
    assert "is not a report of annoloop" in result.stderr
    assert mine.read_text() == "<p>mine</p>"


def test_a_report_of_the_last_snapshot_needs_no_server(dataset: TrainedDataset) -> None:
    out = dataset.project.folder / "offline.html"
    options = ReportOptions(out, 20, offline=True)
    found = report(dataset.stack(), NAME, options, untracked)
    assert (found.live, found.points) == (False, 20)
    assert found.model_version == dataset.version.name
    text = out.read_text(encoding="utf-8")
    assert "the last snapshot" in text
    assert found.verdict.title in text
    assert (found.verdict.state, found.verdict.by) == ("early", "cross-validation")
    # What needs people or tasks says which command brings it.
    assert {"rounds", "acceptance", "agreement"} <= found.missing.keys()


@pytest.mark.parametrize(
    ("out", "why"), [("", "is a folder"), ("nowhere/x.html", "a folder that is not there")]
)
def test_a_place_that_cannot_be_written_is_refused_first(
    dataset: TrainedDataset, out: str, why: str
) -> None:
    options = ReportOptions(dataset.project.folder / out, offline=True)
    with pytest.raises(UsageError, match=why):
        report(dataset.stack(), NAME, options, untracked)
