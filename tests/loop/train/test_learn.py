"""Fine-tuning in the loop: compared, interrupted, resumed, registered, inferred with, undone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from support.project import Project, Server, on_server, write_photos

from annolooop.domain.progress import untracked
from annolooop.domain.versions import ModelVersion
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.train.compare import CompareReport, compare
from annolooop.loop.train.train import TrainReport, train
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


@dataclass
class History:
    """A project that was compared, interrupted while fine-tuning, and fine-tuned to the end."""

    project: Project
    first: ModelVersion
    comparison: CompareReport
    versions_after_comparison: list[str]
    current_after_interruption: ModelVersion | None
    report: TrainReport


@pytest.fixture(scope="module")
def history(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    project = on_server(tmp_path_factory.mktemp("tuned"), server, "tuned")
    with pytest.MonkeyPatch.context() as patch:
        # Nothing is gained from a good head on such a network: let it start from a bad one.
        patch.setattr("annolooop.loop.train.finetune.fit_head", bad_probe)
        with_settings(project)
        annotate(project, 36)
        first = project.stack().registry.current()
        assert first
        comparison = compare(project.stack(), untracked)
        versions = [v.name for v in project.stack().registry.versions()]
        assert project.stack().snapshots.latest().number == 0  # nothing is written
        with_settings(project, finetune="all", epochs=4)
        with pytest.raises(KeyboardInterrupt):
            train(project.stack(), True, interrupt)
        current = project.stack().registry.current()
        report = train(project.stack(), True, untracked)
        yield History(project, first, comparison, versions, current, report)


def test_a_comparison_advises_and_registers_nothing(history: History) -> None:
    comparison = history.comparison
    assert (comparison.mode, comparison.head.n) == ("layer4", comparison.tuned.n)
    assert comparison.finetune.epochs > 0
    assert comparison.advice == "train.finetune: head"  # so few images cannot show a difference
    assert history.versions_after_comparison == [history.first.name]


def test_an_interrupted_run_changes_nothing_and_is_resumed(history: History) -> None:
    assert history.current_after_interruption == history.first
    finetune = history.report.finetune
    assert finetune
    assert finetune.resumed_from == 1
    assert finetune.best_epoch > 0
    assert not list((history.project.folder / "cache" / "finetune").rglob("*.pt"))


def test_a_finetuned_version_names_its_base_and_has_no_figures_that_are_too_good(
    history: History,
) -> None:
    report = history.report
    backbone = history.first.backbone
    assert (report.backbone.base, report.backbone.tuned) == (backbone.fingerprint, "all")
    assert report.cross_validation == {}  # its backbone learned from these images
    assert report.calibration is None  # and too few decided when to stop


def test_the_same_labels_and_settings_make_no_new_version(history: History) -> None:
    assert train(history.project.stack(), True, untracked).registered is False


def test_new_images_are_embedded_by_the_finetuned_backbone(history: History) -> None:
    project = history.project
    write_photos(project.folder / "c", ["aria_new.png"], seed=9)
    inferred = infer(project.stack(), str(project.folder / "c"), InferOptions(), untracked)
    assert (inferred.embedded, inferred.model_version) == (1, history.report.model_version)


def test_interrupted_or_not_the_result_follows_from_examples_and_settings(
    history: History,
) -> None:
    project = with_settings(history.project)
    head = train(project.stack(), True, untracked)
    assert (head.backbone, head.finetune) == (history.first.backbone, None)
    with_settings(project, finetune="all", epochs=4)
    again = train(project.stack(), True, untracked)
    assert again.backbone == history.report.backbone
    hashes = [r.model_version.partition("-")[2] for r in (again, history.report)]
    assert hashes[0] == hashes[1]


def test_too_few_labels_leave_the_backbone_as_it_was(project: Project) -> None:
    with_settings(project, finetune="layer4")
    annotate(project, 8)
    report = project.json("train", "--rerun")
    assert report["trained"]
    assert report["finetune"]["epochs"] == 0
    assert report["backbone"]["base"] == ""
    assert "too few" in project.run("train").stdout
    printed = project.run("train", "--compare").stdout
    assert "too few labels to fine-tune" in printed
    assert "train.finetune: head" in printed
    assert "Leave out one of the two" in project.run("train", "--compare", "--rerun", code=2).stderr
