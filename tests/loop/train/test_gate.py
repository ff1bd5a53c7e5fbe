"""A version that is known to be worse is registered and does not become current."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from support.annotated_dataset import Annotated
from support.project import Project, Server, on_server

from annolooop.domain.progress import untracked
from annolooop.domain.split import split_of
from annolooop.domain.versions import GateVerdict, ModelVersion
from annolooop.loop.labels.split import not_trained_on
from annolooop.loop.train.changes import find_examples
from annolooop.loop.train.fit_result import FitResult
from annolooop.loop.train.gate import decide
from annolooop.loop.train.learn import learn
from annolooop.loop.train.train import TrainReport, train
from annolooop.loop.versions.versions import promote
from annolooop.model.judging.paired import fewest_worse, mcnemar_worse
from annolooop.stack import Stack
from annolooop.storage.embeddings.shards import EXACT

KINDS = ("aria", "not_aria")
NAMES = [f"{kind}_{n}.png" for n in range(36) for kind in KINDS]
OTHER = ("--set", "model.backbone=shufflenet_v2_x0_5")


def kind_of(name: str) -> str:
    return "not_aria" if name.startswith("not") else "aria"


def embed(stack: Stack, made: Annotated, signal: float) -> None:
    """Embeddings of the stack's backbone that tell the kinds apart, more or less."""
    rng = np.random.default_rng(0)
    info = stack.build_pipeline().info
    vectors = {}
    for name, image in made.images.items():
        vector = rng.normal(0, 1, info.dim)
        vector[:4] += signal if kind_of(name) == "aria" else -signal
        vectors[image.sha256] = vector.astype(np.float32)
    stack.embeddings(info).add(vectors, EXACT)


def figures(verdict: Mapping[str, object]) -> tuple[object, object, object]:
    return verdict["verdict"], verdict["test"], verdict["against"]


AFTER = ("stats", "train", "sync", "model list")  # what people may type after a refusal


@dataclass
class History:
    """What a project's versions went through, one after the other, and what was reported."""

    project: Project
    second: TrainReport
    third: TrainReport
    without_holdout: dict[str, Any]
    worse: subprocess.CompletedProcess[str]
    after: list[str]
    registry_after: list[ModelVersion]
    again: TrainReport
    rows: list[dict[str, Any]]
    table: str
    rolled_back: str
    back: TrainReport
    insisted: str
    versions_after: int
    shown: str
    late: TrainReport


@pytest.fixture(scope="module")
def history(server: Server, tmp_path_factory: pytest.TempPathFactory) -> History:
    """Good labels, a blind backbone without a holdout, wrong labels, a rollback, a race."""
    project = on_server(tmp_path_factory.mktemp("gate"), server, "gate")
    train(project.stack(), False, untracked)
    made = Annotated(project, server, NAMES)
    embed(project.stack(), made, 4.0)
    embed(project.stack(OTHER[1]), made, 0.0)  # a backbone that sees nothing
    for name in NAMES[:48]:
        made.annotate(name, kind_of(name))
    second = train(project.stack(), True, untracked)
    for name in NAMES[48:]:
        made.annotate(name, kind_of(name))
    third = train(project.stack(), True, untracked)
    without_holdout = project.json("train", "--rerun", *OTHER, "--set", "train.holdout=0", code=6)
    for name, image in made.images.items():  # the labels of the holdout stay right
        if split_of(image.sha256, 0.3) == "train":
            made.annotate(name, KINDS[kind_of(name) == "aria"])
    worse = project.run("train", "--rerun", code=6)
    after = [project.run(*line.split()).stderr for line in AFTER]
    registry_after = project.stack().registry.versions()
    again = train(project.stack(), True, untracked)
    rows = project.json("model", "list")["versions"]
    table = project.run("model", "list").stdout
    rolled_back = project.json("model", "rollback")["model_version"]
    back = train(project.stack(), True, untracked)
    insisted = project.run("train", "--rerun", "--gate", "off").stdout
    versions_after = len(project.json("model", "list")["versions"])
    shown = project.run("model", "show", "v6").stdout
    assert project.json("model", "rollback")["model_version"] == second.model_version
    late = train_while_another_is_promoted(project, third.model_version)
    return History(
        project,
        second,
        third,
        without_holdout,
        worse,
        after,
        registry_after,
        again,
        rows,
        table,
        rolled_back,
        back,
        insisted,
        versions_after,
        shown,
        late,
    )


def train_while_another_is_promoted(project: Project, name: str) -> TrainReport:
    """Someone else makes another version current while this one is trained."""

    def learn_slowly(stack: Stack, *rest: Any) -> FitResult:
        promote(stack, name)
        return learn(stack, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("annolooop.loop.train.train.learn", learn_slowly)
        return train(project.stack(), True, untracked)


def test_the_first_trained_version_has_nothing_to_be_worse_than(history: History) -> None:
    gate = history.second.gate
    assert gate
    assert (gate.test, history.second.exit_code) == ("none", 0)
    assert "is not trained yet" in gate.why


def test_a_version_keeps_its_evaluation_and_its_temperature(history: History) -> None:
    second = history.second
    assert second.evaluation
    assert second.evaluation.n == second.holdout.n
    assert second.evaluation.accuracy.value == second.holdout.accuracy
    assert second.calibration
    assert second.calibration["temperature"] != 1
    registry = history.project.stack().registry
    assert b"temperature" in registry.head(registry.version(2))  # infer is calibrated


def test_a_version_that_is_not_worse_becomes_current(history: History) -> None:
    gate = history.third.gate
    assert gate
    assert (gate.verdict, gate.against) == ("promoted", history.second.model_version)


def test_without_a_holdout_both_are_cross_validated(history: History) -> None:
    gate = history.without_holdout["gate"]
    assert figures(gate) == ("refused", "cross-validation", history.third.model_version)
    assert history.without_holdout["refused"].startswith("v4-")


def test_a_version_that_learned_from_the_holdout_is_not_judged_by_it(history: History) -> None:
    stack = history.project.stack()
    examples = find_examples(
        stack, stack.snapshots.read(history.registry_after[3].snapshot)
    ).examples
    held = [example for example in examples if example.split == "holdout"]
    knows_all, knows_some = map(stack.registry.version, (4, 3))
    assert held
    assert not_trained_on(stack, knows_all, held, 0.3) == []
    assert not_trained_on(stack, knows_some, held, 0.3) == held


def test_a_worse_version_is_registered_and_refused_with_the_ways_out(history: History) -> None:
    assert f"{history.third.model_version} stays current" in history.worse.stdout
    assert "exact McNemar test" in history.worse.stdout
    assert "annoloop dataset review" in history.worse.stderr
    assert "annoloop model promote v5" in history.worse.stderr
    assert [v.number for v in history.registry_after] == [1, 2, 3, 4, 5]
    assert figures(history.registry_after[4].metrics["gate"])[:2] == ("refused", "mcnemar")


def test_after_a_refusal_no_command_says_to_train_on_the_same_labels(history: History) -> None:
    for said in history.after:
        assert "next: annoloop dataset review" in said
        assert "train --rerun" not in said


def test_a_refused_version_is_not_made_again(history: History) -> None:
    again = history.again
    assert (again.exit_code, again.trained, again.registered) == (6, False, False)
    assert (again.model_version, again.promoted) == (history.third.model_version, False)
    assert len(history.rows) == 5


def test_refused_versions_are_marked_in_the_list(history: History) -> None:
    assert [row["refused"] for row in history.rows] == [False, False, False, True, True]
    assert history.rows[2]["evaluation"]["balanced_accuracy"]["low"] > 0.5
    assert "refused" in history.table


def test_after_a_rollback_the_current_version_is_the_one_to_beat(history: History) -> None:
    assert history.rolled_back == history.second.model_version
    assert history.back.gate
    assert history.back.gate.against == history.second.model_version
    assert history.back.refused[:3] == "v6-"


def test_who_insists_gets_the_refused_version_without_a_new_one(history: History) -> None:
    assert f"{history.back.refused} was refused before; it is current now" in history.insisted
    assert "gate: the gate is off" in history.insisted
    assert history.versions_after == 6


def test_a_version_shows_its_verdict_and_its_figures(history: History) -> None:
    assert "gate: refused: of" in history.shown
    assert "is, predicted as:" in history.shown
    assert "log loss" in history.shown


def test_the_gate_goes_with_rerun_only(history: History) -> None:
    assert "--rerun --gate" in history.project.run("train", "--gate", "off", code=2).stderr


def test_what_became_current_meanwhile_is_the_one_to_beat(history: History) -> None:
    assert history.late.gate
    third = history.third.model_version
    assert (history.late.gate.against, history.late.model_version) == (third, third)
    assert history.late.refused[:3] == "v7-"


@pytest.mark.parametrize(
    ("only_old", "only_new", "strict", "lenient"),
    [
        (4, 0, "promoted", "promoted"),
        (5, 0, "refused", "promoted"),
        (7, 0, "refused", "refused"),
        (12, 8, "promoted", "promoted"),
        (0, 9, "promoted", "promoted"),
    ],
)
def test_gate_refuses_what_chance_does_not_explain(
    only_old: int, only_new: int, strict: str, lenient: str
) -> None:
    p_value = mcnemar_worse(only_old, only_new)
    counted = GateVerdict("", "mcnemar", p_value, only_old, only_new, 50, "v1-abcdef")
    assert decide(counted, "strict").verdict == strict
    assert decide(counted, "lenient").verdict == lenient
    assert decide(counted, "off").verdict == "promoted"


def test_fewest_images_that_can_tell() -> None:
    assert (fewest_worse(0.05), fewest_worse(0.01)) == (5, 7)
    assert mcnemar_worse(0, 0) == 1
    assert mcnemar_worse(5, 0) == 2**-5
