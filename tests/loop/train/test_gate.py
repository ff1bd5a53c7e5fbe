"""A version that is known to be worse is registered and not put in force."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from support.annotated_dataset import Annotated
from support.project import Project, Server

from annolooop.domain.progress import untracked
from annolooop.domain.split import split_of
from annolooop.domain.versions import GateVerdict
from annolooop.loop.labels.split import not_trained_on
from annolooop.loop.train.changes import find_examples
from annolooop.loop.train.fit_result import FitResult
from annolooop.loop.train.gate import decide
from annolooop.loop.train.learn import learn
from annolooop.loop.train.train import train
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


def test_worse_version_is_refused_until_someone_insists(
    project: Project, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(project.stack(), False, untracked)
    made = Annotated(project, server, NAMES)
    embed(project.stack(), made, 4.0)
    embed(project.stack(OTHER[1]), made, 0.0)  # a backbone that sees nothing
    split = {name: split_of(i.sha256, 0.3) for name, i in made.images.items()}
    for name in NAMES[:48]:
        made.annotate(name, kind_of(name))
    second = train(project.stack(), True, untracked)
    assert second.gate
    assert (second.gate.test, second.exit_code) == ("none", 0)
    assert "is not trained yet" in second.gate.why
    assert second.evaluation
    assert second.evaluation.n == second.holdout.n
    assert second.evaluation.accuracy.value == second.holdout.accuracy
    assert second.calibration
    head = project.stack().registry.head(project.stack().registry.version(2))
    assert second.calibration["temperature"] != 1
    assert b"temperature" in head  # what infer says is calibrated

    for name in NAMES[48:]:
        made.annotate(name, kind_of(name))
    third = train(project.stack(), True, untracked)
    assert third.gate
    assert (third.gate.verdict, third.gate.against) == ("promoted", second.model_version)

    # Without a holdout, both recipes are cross-validated.
    blind = (*OTHER, "--set", "train.holdout=0")
    told = project.json("train", "--rerun", *blind, code=6)
    assert figures(told["gate"]) == ("refused", "cross-validation", third.model_version)
    assert told["refused"].startswith("v4-")
    # It learnt from what is the holdout otherwise, so that must not judge it.
    stack = project.stack()
    examples, _ = find_examples(stack, stack.snapshots.latest())
    held = [example for example in examples if example.split == "holdout"]
    knows_all, knows_some = map(stack.registry.version, (4, 3))
    assert not_trained_on(stack, knows_all, held, 0.3) == []
    assert not_trained_on(stack, knows_some, held, 0.3) == held

    # With one, both predict it; its labels are right, the others are wrong now.
    for name in NAMES:
        if split[name] == "train":
            made.annotate(name, KINDS[kind_of(name) == "aria"])
    refused = project.run("train", "--rerun", code=6)
    assert f"{third.model_version} stays current" in refused.stdout
    assert "exact McNemar test" in refused.stdout
    assert "annoloop dataset review" in refused.stderr
    assert "annoloop model promote v5" in refused.stderr
    assert "--gate off" in refused.stderr
    registry = project.stack().registry
    assert [v.number for v in registry.versions()] == [1, 2, 3, 4, 5]
    assert figures(registry.version(5).metrics["gate"])[:2] == ("refused", "mcnemar")
    again = train(project.stack(), True, untracked)
    assert (again.exit_code, again.trained, again.registered) == (6, False, False)
    assert (again.model_version, again.promoted) == (third.model_version, False)
    assert len(project.stack().registry.versions()) == 5
    rows = project.json("model", "list")["versions"]
    assert [row["refused"] for row in rows] == [False, False, False, True, True]
    assert rows[2]["evaluation"]["balanced_accuracy"]["low"] > 0.5
    assert "refused" in project.run("model", "list").stdout

    # What is in force after a rollback is what the next version is compared with.
    assert project.json("model", "rollback")["model_version"] == second.model_version
    back = train(project.stack(), True, untracked)
    assert back.gate
    assert (back.gate.against, back.refused[:3]) == (second.model_version, "v6-")
    insisted = project.run("train", "--rerun", "--gate", "off").stdout
    assert f"{back.refused} was refused before; it is current now" in insisted
    assert "gate: the gate is off" in insisted
    assert len(project.json("model", "list")["versions"]) == 6
    shown = project.run("model", "show", "v6").stdout
    assert "gate: refused: of" in shown
    assert "is, predicted as:" in shown
    assert "log loss" in shown
    assert project.json("model", "rollback")["model_version"] == second.model_version
    assert "--rerun --gate" in project.run("train", "--gate", "off", code=2).stderr

    # Someone else puts another version in force while this one is learnt.
    def learn_slowly(stack: Stack, *rest: Any) -> FitResult:
        promote(stack, third.model_version)
        return learn(stack, *rest)

    monkeypatch.setattr("annolooop.loop.train.train.learn", learn_slowly)
    late = train(project.stack(), True, untracked)
    assert late.gate
    assert (late.gate.against, late.model_version) == (third.model_version, third.model_version)
    assert late.refused[:3] == "v7-"


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
