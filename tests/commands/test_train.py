"""What `annoloop train` prints."""

from dataclasses import replace

import pytest
from support.printed import printed

from annolooop.commands.train import describe_backbone, print_train
from annolooop.domain.versions import (
    BackboneInfo,
    Estimate,
    Evaluation,
    Finetuning,
    GateVerdict,
    Holdout,
)
from annolooop.loop.train.train import TrainReport
from annolooop.loop.versions.headline import Headline

BACKBONE = BackboneInfo("resnet18", "DEFAULT", "f" * 64, "t", 512)
GATE = GateVerdict("promoted", "mcnemar", why="the two differ on 3 of 40 images")
FIGURE = Estimate(0.9, 0.8, 0.95)
REPORT = TrainReport(
    dataset="my set",
    model_version="v3-0123ab",
    promoted=True,
    registered=True,
    trained=True,
    examples=120,
    learnt=100,
    holdout=Holdout(20, 0.9, 0.7, 0.97),
    new_labels=0,
    changed_labels=0,
    removed_labels=0,
    unreadable=(),
    empty=0,
    other_answers=0,
    advice=(),
    backbone=BACKBONE,
    labels={"dress": 60, "hat": 60},
    cross_validation={"accuracy": 0.91},
    url="http://x",
    seconds={},
    evaluation=Evaluation(20, FIGURE, FIGURE, FIGURE, FIGURE),
    gate=GATE,
    tasks=200,
    to_do=80,
)
KEPT = replace(REPORT, trained=False, registered=False, gate=None)  # no new version
FIRST = replace(KEPT, registered=True, examples=0, holdout=Holdout(0), evaluation=None)


def test_new_version_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = printed(monkeypatch, print_train, REPORT)
    assert out[0] == ("trained v3-0123ab on 100 labels (resnet18, weights DEFAULT); it is current")
    assert "  balanced accuracy 0.900 (0.800 to 0.950)" in out
    assert "gate: the two differ on 3 of 40 images" in out
    assert err[0] == "next: annoloop infer --rerun --query 50"


@pytest.mark.parametrize(
    ("report", "command"),
    [
        (replace(REPORT, to_do=0), "annoloop report"),
        (replace(REPORT, to_do=0, holdout=Holdout(3)), "annoloop infer --batch FOLDER"),
        (replace(REPORT, trained=False, registered=False), "annoloop infer --rerun --query 50"),
        (replace(FIRST, tasks=0, to_do=0), "annoloop infer --batch FOLDER"),
        (FIRST, "annoloop infer --rerun --query 50"),
        (replace(FIRST, new_labels=30), "annoloop train --rerun"),
        (KEPT, "annoloop dataset launch 'my set'"),
        (replace(KEPT, new_labels=4, enough=False), "annoloop dataset launch 'my set'"),
        (replace(KEPT, relabelled=True), "annoloop train --rerun"),
        (replace(REPORT, asked=20), "annoloop infer --rerun --query 20"),
        (replace(REPORT, asked=20, left=3), "annoloop dataset launch 'my set'"),
        (replace(KEPT, new_labels=4, waiting="v4-4567cd"), "annoloop dataset review"),
        (replace(KEPT, to_do=0), "annoloop report"),
    ],
)
def test_next_command_follows_from_what_train_saw(
    monkeypatch: pytest.MonkeyPatch, report: TrainReport, command: str
) -> None:
    _, err = printed(monkeypatch, print_train, report)
    assert err[0].split("  ")[0] == f"next: {command}"


def test_refused_version_leaves_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = replace(REPORT, refused="v4-4567cd", promoted=False)
    out, err = printed(monkeypatch, print_train, refused)
    assert out[0] == "v4-4567cd was made and refused; v3-0123ab stays current"
    assert [line for line in err if line.startswith("next:")] == ["next: annoloop dataset review"]
    assert " ".join(" ".join(err).split()).endswith("to insist: annoloop model promote v4")


def test_small_holdout_says_how_many_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(REPORT, holdout=Holdout(3), evaluation=None)
    assert (
        "holdout: 3 labelled images, too few: 10 are needed"
        in printed(monkeypatch, print_train, small)[0]
    )


def test_small_holdout_leaves_the_word_to_cross_validation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    early = Headline("cross-validation", 100, Estimate(0.84, 0.76, 0.9), early=True)
    text = " ".join(
        " ".join(printed(monkeypatch, print_train, replace(REPORT, headline=early))[0]).split()
    )
    assert (
        "accuracy 0.840 (0.760 to 0.900) on 100 images in cross-validation; too early to tell"
        in text
    )
    assert "holdout: 20 labelled images; from 50 on, its figures are shown" in text
    assert "ECE" not in text
    assert "0.91" not in text  # the same figure is not there twice


def test_news_lead_to_rerun(monkeypatch: pytest.MonkeyPatch) -> None:
    news = replace(KEPT, new_labels=4)
    out, err = printed(monkeypatch, print_train, news)
    assert out[0] == "v3-0123ab stays current (resnet18, weights DEFAULT)"
    assert out[-1] == "since then: 4 new labels"
    assert err == ["next: annoloop train --rerun"]


def test_tracker_that_fails_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    report = replace(REPORT, trackers={"mlflow": "it does not answer", "tensorboard": ""})
    out, _ = printed(monkeypatch, print_train, report)
    assert "warning: the figures were not sent to mlflow: it does not answer" in out
    assert "figures sent to tensorboard" in out


def test_finetuning_that_was_no_better_keeps_the_backbone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tuned = Finetuning("all", 80, 20, epochs=4, loss_before=0.5, loss_after=0.5, stopped_early=True)
    out, _ = printed(monkeypatch, print_train, replace(REPORT, finetune=tuned))
    assert " ".join(line.strip() for line in out[-2:]) == (
        "fine-tuning: 4 epochs, stopped early; none was better than the head alone, so the "
        "backbone stays as it was"
    )


def test_backbone_says_what_of_it_was_tuned() -> None:
    tuned = replace(BACKBONE, tuned="layer4")
    assert describe_backbone(tuned) == "resnet18, weights DEFAULT, last stage fine-tuned"


@pytest.mark.parametrize("columns", [40, 80])
def test_lines_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    assert max(map(len, printed(monkeypatch, print_train, REPORT, columns)[0])) <= columns


def test_answers_that_teach_nothing_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    report = replace(REPORT, empty=1, other_answers=2, advice=("Do this.",))
    out, err = printed(monkeypatch, print_train, report)
    assert "not learnt from: 2 images with another answer" in out
    assert "not learnt from: 1 task with an answer that says nothing" in out
    assert err[:2] == [
        "next: annoloop sync  to make a tab of the tasks to answer again",
        "Do this.",
    ]
