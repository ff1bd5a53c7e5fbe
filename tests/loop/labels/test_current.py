"""Label rules against a real server: several people, multiple choice, other labels."""

import httpx
import pytest
from support.project import Project, Server, write_photos

from annolooop.domain.examples import build_examples
from annolooop.domain.progress import untracked
from annolooop.errors import DataError
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.labels.split import rules_of_stack
from annolooop.loop.quality.stats import stats
from annolooop.loop.sync.sync import sync
from annolooop.loop.train.train import train
from annolooop.stack import Stack

NAMES = [f"aria_{n}.jpg" for n in range(6)] + [f"not_aria_{n}.jpg" for n in range(6)]


class People:
    """Accounts of a real server, and what they say of the tasks of one project."""

    def __init__(self, project: Project, server: Server) -> None:
        self.server = server
        self.stack = project.stack()
        self.name = self.stack.config.dataset.name
        found = self.stack.studio.projects.find(self.name)
        assert found
        self.project = found.id
        tasks = self.stack.studio.tasks.list(found.id)
        self.tasks = {task.key.rpartition("/")[2]: task.id for task in tasks}
        self.first = self._as(server.token)

    def _as(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Token {token}"}
        return httpx.Client(base_url=self.server.url, headers=headers, timeout=60)

    def join(self, email: str) -> httpx.Client:
        """A new account, made through an invitation as people make theirs."""
        link = self.first.get("/api/invite").json()["invite_url"]
        with httpx.Client(base_url=self.server.url, timeout=60, follow_redirects=True) as browser:
            browser.get(link)
            form = {
                "email": email,
                "password": "correct horse battery",
                "allow_newsletters": "false",
                "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            }
            browser.post(link, data=form).raise_for_status()
            token = browser.get("/api/current-user/token").json()["token"]
        return self._as(token)

    def say(self, who: httpx.Client, name: str, *labels: str, **extra: object) -> int:
        value = {"choices": list(labels)}
        item = {"from_name": "label", "to_name": "image", "type": "choices", "value": value}
        body = {"result": [item] if labels else [], **extra}
        made = who.post(f"/api/tasks/{self.tasks[name]}/annotations", json=body)
        made.raise_for_status()
        return int(made.json()["id"])


def start(project: Project, server: Server, **dataset: object) -> People:
    values = {**project.values["dataset"], **dataset}  # type: ignore[dict-item]
    project.values["dataset"] = values
    project.write(project.values)
    train(project.stack(), False, untracked)
    write_photos(project.folder / "b", NAMES)
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    return People(project, server)


def current_labels(stack: Stack) -> dict[str, tuple[str, ...]]:
    found = build_examples(stack.snapshots.latest().annotations, rules_of_stack(stack))
    return {example.key.rpartition("/")[2]: example.labels for example in found.examples}


def start_disagreeing(project: Project, server: Server) -> "People":
    """Three people answer six images: two votes to one, one to one, against ground truth, and
    with skips and an answer without a label."""
    people = start(project, server)
    ana = people.first
    # One server has the accounts of all tests.
    ben, eve = (people.join(f"{who}-{people.project}@example.org") for who in ("ben", "eve"))
    for who, label in ((ana, "aria"), (ben, "aria"), (eve, "not_aria")):
        people.say(who, "aria_0.jpg", label)
    people.say(ana, "aria_1.jpg", "aria")
    people.say(ben, "aria_1.jpg", "not_aria")
    people.say(ana, "aria_2.jpg", "aria", ground_truth=True)
    people.say(ben, "aria_2.jpg", "not_aria")
    people.say(eve, "aria_2.jpg", "not_aria")
    people.say(eve, "aria_3.jpg", was_cancelled=True)
    people.say(ana, "aria_3.jpg", "aria")
    people.say(ben, "aria_4.jpg", was_cancelled=True)
    people.say(eve, "aria_5.jpg")  # submitted, nothing chosen
    report = sync(project.stack(), False, untracked)
    assert (report.created, report.labeled, report.skipped, report.empty) == (6, 4, 1, 1)
    return people


def test_several_annotators_vote_and_ground_truth_beats_them(
    project: Project, server: Server
) -> None:
    people = start_disagreeing(project, server)
    assert current_labels(project.stack()) == {
        "aria_0.jpg": ("aria",),
        "aria_1.jpg": ("not_aria",),
        "aria_2.jpg": ("aria",),
        "aria_3.jpg": ("aria",),
    }
    annotators = {a.annotator for a in project.stack().snapshots.latest().annotations}
    assert len(annotators) == 3
    counted = stats(project.stack(), people.name)
    assert counted.labels == {"aria": 3, "not_aria": 1}
    assert counted.disputed == 0
    # Nothing changed: nothing is pulled anew, nothing written.
    assert sync(project.stack(), False, untracked).snapshot == 1


def test_rule_decides_whose_answer_counts_without_a_new_pull(
    project: Project, server: Server
) -> None:
    people = start_disagreeing(project, server)
    strict = project.stack("dataset.agreement=unanimous")
    assert current_labels(strict).keys() == {"aria_2.jpg", "aria_3.jpg"}
    assert stats(strict, people.name).disputed == 2
    assert current_labels(project.stack("dataset.agreement=latest"))["aria_0.jpg"] == ("not_aria",)


def test_disputed_images_are_left_out_of_training_and_named(
    project: Project, server: Server
) -> None:
    people = start_disagreeing(project, server)
    for name in ("not_aria_0.jpg", "not_aria_1.jpg", "not_aria_2.jpg"):
        people.say(people.first, name, "not_aria")
    trained = train(project.stack("dataset.agreement=unanimous"), True, untracked)
    assert {(row["file"], row["reason"]) for row in trained.unreadable} == {
        ("images/b/aria_0.jpg", "people disagree: aria, not_aria"),
        ("images/b/aria_1.jpg", "people disagree: aria, not_aria"),
    }
    # Seen from the stack of another dataset, the rules are those of the current version.
    other = stats(project.stack("dataset.name=another set", "dataset.labels=[x, y]"), people.name)
    assert other.disputed == 2
    assert other.labels == {"aria": 2, "not_aria": 3}


def test_multiple_choice_from_first_guess_to_retrained_head(
    project: Project, server: Server
) -> None:
    people = start(project, server, labels=["round", "red"], choice="multiple")
    who = people.first
    for name in NAMES:
        labels = ["round", "red"] if not name.startswith("not") else []
        people.say(who, name, *labels)
    report = sync(project.stack(), False, untracked)
    assert (report.labeled, report.skipped) == (12, 0)
    first = train(project.stack(), True, untracked)
    assert first.trained
    assert first.labels == {"round": 6, "red": 6}
    again = infer(project.stack(), None, InferOptions(rerun=True), untracked)
    assert again.predictions_pushed == 12
    stack = project.stack()
    version = stack.registry.current()
    assert version
    assert version.choice == "multiple"
    counted = stats(stack, people.name)
    assert counted.model_versions[version.name].predictions == 12
    assert counted.model_version == version.name
    said = {name: stack.studio.tasks.look(people.project, t)[1] for name, t in people.tasks.items()}
    assert all(set(labels[version.name]) <= {"round", "red"} for labels in said.values())
    out = project.folder / "all.csv"
    infer(project.stack(), None, InferOptions(push=False, out=out), untracked)
    assert out.read_text().splitlines()[0].endswith("p_round,p_red")
    # A project in which people may choose several cannot be taken for single choice.
    with pytest.raises(DataError, match="may choose several labels"):
        train(project.stack("dataset.choice=single"), False, untracked)


def test_single_choice_may_become_multiple(project: Project, server: Server) -> None:
    people = start(project, server)
    people.say(people.first, "aria_0.jpg", "aria")
    people.say(people.first, "not_aria_0.jpg", "not_aria")
    wider = "dataset.choice=multiple"
    with pytest.raises(DataError, match="was made for single choice"):
        infer(project.stack(wider), None, InferOptions(push=False, out=None), untracked)
    train(
        project.stack(wider),
        True,
        untracked,
    )
    people.say(people.first, "aria_1.jpg", "aria", "not_aria")
    sync(project.stack(wider), False, untracked)
    assert current_labels(project.stack(wider))["aria_1.jpg"] == ("aria", "not_aria")
    assert current_labels(project.stack(wider))["aria_0.jpg"] == ("aria",)


def test_label_added_before_anything_is_learnt_keeps_the_rows_of_the_head(
    project: Project, server: Server
) -> None:
    start(project, server)
    wider = "dataset.labels=[dog, aria, not_aria]"
    assert project.json("sync", "--check", code=0)["relabel"] is False
    assert project.json("sync", "--check", "--set", wider, code=2)["relabel"] is True
    before = project.stack().registry.current()
    assert before
    report = train(project.stack(wider), True, untracked)
    assert (report.registered, report.trained) == (True, False)
    from annolooop.model.heads.head import Head

    registry = project.stack(wider).registry
    after = registry.current()
    assert after
    assert after.labels == ("dog", "aria", "not_aria")
    old, new = (Head.from_bytes(registry.head(v)) for v in (before, after))
    assert (new.weight[1:] == old.weight).all()
    refreshed = infer(project.stack(wider), None, InferOptions(rerun=True), untracked)
    assert refreshed.predictions_pushed == 12


def test_label_that_somebody_uses_stays_in_the_project_until_nobody_does(
    project: Project, server: Server
) -> None:
    people = start(project, server, labels=["aria", "not_aria", "dog"])
    said = people.say(people.first, "aria_0.jpg", "dog")
    fewer = "dataset.labels=[aria, not_aria]"
    report = sync(project.stack(fewer), False, untracked)
    assert "offers 'dog', which dataset.labels does not have" in report.advice[0]
    trained = train(project.stack(fewer), False, untracked)
    assert [row["reason"] for row in trained.unreadable] == [
        "its label 'dog' is not in dataset.labels"
    ]
    # For good: another label in Label Studio, then the choice goes.
    item = {"from_name": "label", "to_name": "image", "type": "choices"}
    result = [{**item, "value": {"choices": ["aria"]}}]
    people.first.patch(f"/api/annotations/{said}", json={"result": result}).raise_for_status()
    url = f"/api/projects/{people.project}"
    config = people.first.get(url).json()["label_config"]
    shorter = config.replace('<Choice value="dog" hotkey="3"/>', "").replace(
        '<Choice value="dog" hotkey="3" />', ""
    )
    assert shorter != config
    people.first.patch(url, json={"label_config": shorter}).raise_for_status()
    assert sync(project.stack(fewer), False, untracked).labeled == 1
    with pytest.raises(DataError, match="was made for the label 'dog'"):
        infer(project.stack(fewer), None, InferOptions(), untracked)
    assert train(project.stack(fewer), True, untracked).registered
    assert infer(project.stack(fewer), None, InferOptions(rerun=True), untracked).images == 12


def test_labels_can_be_changed_while_nothing_is_annotated(project: Project, server: Server) -> None:
    people = start(project, server)
    dataset = {**project.values["dataset"], "labels": ["hat", "1"]}  # type: ignore[dict-item]
    project.write({**project.values, "dataset": {**dataset, "other_answers": ["unsure"]}})
    report = project.json("sync")
    assert (report["advice"], report["predictions_pushed"]) == ([], 0)
    studio = project.stack().studio
    assert studio.projects.labelling(people.project).labels == ("hat", "1", "unsure")
    refused = project.run("infer", "--rerun", code=5).stderr
    assert "annoloop train --rerun" in refused  # and that works:
    assert project.json("train", "--rerun")["registered"]
    assert project.json("infer", "--rerun")["predictions_pushed"] == 12
    people.say(people.first, "aria_0.jpg", "unsure")
    people.say(people.first, "aria_1.jpg", "1")
    counted = project.json("stats")
    assert (counted["labels"], counted["other_answers"]) == ({"hat": 0, "1": 1}, {"unsure": 1})
    assert counted["unknown_labels"] == {}
    trained = project.json("train")
    assert (trained["examples"], trained["other_answers"], trained["advice"]) == (1, 1, [])


def test_label_that_a_teammate_adds_stops_nobody(project: Project, server: Server) -> None:
    people = start(project, server)
    url = f"/api/projects/{people.project}"
    config = people.first.get(url).json()["label_config"]
    wider = config.replace("</Choices>", '<Choice value="cow"/></Choices>')
    people.first.patch(url, json={"label_config": wider}).raise_for_status()
    for name, label in (("aria_0.jpg", "cow"), ("aria_1.jpg", "aria"), ("aria_2.jpg", "aria")):
        people.say(people.first, name, label)
    for name in ("not_aria_0.jpg", "not_aria_1.jpg"):
        people.say(people.first, name, "not_aria")
    report = project.json("sync")
    assert report["labeled"] == 5
    (line,) = report["advice"]
    assert "Label Studio offers 'cow', which dataset.labels does not have" in line
    assert line.endswith("dataset.labels: [aria, not_aria, cow]")
    trained = project.json("train", "--rerun", "--set", "train.holdout=0")
    assert trained["labels"] == {"aria": 2, "not_aria": 2}
    assert trained["unreadable"] == [
        {"file": "images/b/aria_0.jpg", "reason": "its label 'cow' is not in dataset.labels"}
    ]
    assert project.json("stats")["unknown_labels"] == {"cow": 1}
    assert "cow" in people.first.get(url).json()["label_config"]


BEFORE = (
    '<View><Image name="image" value="$image"/><Choices name="label" toName="image" '
    'choice="single" showInLine="true"><Choice value="aria" hotkey="1"/>'
    '<Choice value="not_aria" hotkey="2"/></Choices></View>'
)


def test_our_project_of_before_is_made_to_ask_for_an_answer(
    project: Project, server: Server
) -> None:
    people = start(project, server)
    url = f"/api/projects/{people.project}"
    people.first.patch(url, json={"label_config": BEFORE}).raise_for_status()
    people.say(people.first, "aria_0.jpg")
    assert project.json("sync", "--check", code=2)["relabel"] is True
    report = project.json("sync")
    assert (report["empty"], report["advice"]) == (1, [])
    assert project.stack().studio.projects.labelling(people.project).required
