"""Fine-tuning in the loop: compared, interrupted, resumed, registered, inferred with, undone."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from support.project import Project, write_photos

from annolooop.domain.progress import untracked
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.train.compare import compare
from annolooop.loop.train.train import train
from annolooop.model.heads.fit import Fitted, Targets, fit_head
from annolooop.model.heads.head import Array, Head


def interrupt(items: Iterable[Any], stage: str, total: int | None = None) -> Iterator[Any]:
    """A person who types Ctrl-C in the second epoch."""
    if stage.startswith("fine-tune 2/"):
        raise KeyboardInterrupt
    return iter(items)


def annotate(project: Project, count: int) -> None:
    """Make a project with two kinds of pictures, and say which is which."""
    train(project.stack(), False, untracked)
    names = [f"{kind}_{n}.png" for n in range(count) for kind in ("aria", "not_aria")]
    write_photos(project.folder / "b", names)
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    studio = project.stack().studio
    found = studio.projects.find(project.stack().config.dataset.name)
    assert found
    for task in studio.tasks.list(found.id):
        label = "not_aria" if "not_aria" in task.key else "aria"
        studio.annotations.create(found.id, task.id, [label], 1.0)


def with_settings(project: Project, **settings: object) -> Project:
    values = {
        **project.values,
        "model": {"backbone": "shufflenet_v2_x0_5", "weights": "none"},
        "train": {"holdout": 0.2, "epochs": 2, **settings},
        "infer": {"precision": "fp32"},  # what so few steps lead to is the same on all machines
    }
    project.write(values)
    return project


def bad_probe(
    x: Array, targets: Targets, multiple: bool, seed: int, penalty: float | None = None
) -> Fitted:
    """Where a probe is fitted, a head that says the opposite of what was learnt."""
    fitted = fit_head(x, targets, multiple, seed, penalty)
    if penalty:
        return fitted
    return fitted._replace(head=Head(-fitted.head.weight, -fitted.head.bias, multiple))


def test_finetuned_version_from_comparison_to_undoing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is gained from a good head on such a network: let it start from a bad one.
    monkeypatch.setattr("annolooop.loop.train.finetune.fit_head", bad_probe)
    with_settings(project)
    annotate(project, 36)
    first = project.stack().registry.current()
    assert first

    told = compare(project.stack(), untracked)
    assert (told.mode, told.head.n) == ("layer4", told.tuned.n)
    assert told.finetune.epochs > 0
    assert told.advice == "train.finetune: head"  # whatever came of it, it cannot be told here
    assert [v.name for v in project.stack().registry.versions()] == [first.name]
    assert project.stack().snapshots.latest().number == 0

    with_settings(project, finetune="all", epochs=4)
    with pytest.raises(KeyboardInterrupt):
        train(project.stack(), True, interrupt)
    assert project.stack().registry.current() == first
    report = train(project.stack(), True, untracked)
    assert report.finetune
    assert report.finetune.resumed_from == 1
    assert report.finetune.best_epoch > 0
    assert not list((project.folder / "cache" / "finetune").rglob("*.pt"))
    assert (report.backbone.base, report.backbone.tuned) == (first.backbone.fingerprint, "all")
    assert report.cross_validation == {}  # its backbone has seen these images
    assert report.calibration is None  # and too few told when to stop
    assert train(project.stack(), True, untracked).registered is False

    write_photos(project.folder / "c", ["aria_new.png"], seed=9)
    inferred = infer(project.stack(), str(project.folder / "c"), InferOptions(), untracked)
    assert (inferred.embedded, inferred.model_version) == (1, report.model_version)

    # Interrupted or not, what is learnt follows from examples and settings alone.
    with_settings(project)
    head = train(project.stack(), True, untracked)
    assert (head.backbone, head.finetune) == (first.backbone, None)
    with_settings(project, finetune="all", epochs=4)
    again = train(project.stack(), True, untracked)
    assert again.backbone == report.backbone
    assert again.model_version.partition("-")[2] == report.model_version.partition("-")[2]


def test_too_few_labels_leave_the_backbone_as_it_was(project: Project) -> None:
    with_settings(project, finetune="layer4")
    annotate(project, 8)
    report = project.json("train", "--rerun")
    assert report["trained"]
    assert report["finetune"]["epochs"] == 0
    assert report["backbone"]["base"] == ""
    assert "too few" in project.run("train").stdout
    told = project.run("train", "--compare").stdout
    assert "too few labels to fine-tune" in told
    assert "train.finetune: head" in told
    assert "Leave out one of the two" in project.run("train", "--compare", "--rerun", code=2).stderr
