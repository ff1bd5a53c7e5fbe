"""What trackers get, read back by the libraries that it is for."""

from pathlib import Path

import pytest
from support.project import free_port

from annolooop.loop.train.trackers import TrackerFailed, tag_for, to_mlflow, to_tensorboard

FIGURES = {"holdout/accuracy": 0.875, "label/a_b/recall": 0.5}


def test_tensorboard_reads_the_figures_of_two_versions(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    to_tensorboard(tmp_path / "runs" / "set", FIGURES, 2)
    to_tensorboard(tmp_path / "runs" / "set", {"holdout/accuracy": 0.9}, 3)
    found = []
    for file in (tmp_path / "runs" / "set").iterdir():
        read = EventAccumulator(str(file))
        read.Reload()
        found += [
            (tag, event.step, round(event.value, 3))
            for tag in read.Tags()["scalars"]
            for event in read.Scalars(tag)
        ]
    assert sorted(found) == [
        ("holdout/accuracy", 2, 0.875),
        ("holdout/accuracy", 3, 0.9),
        ("label/a_b/recall", 2, 0.5),
    ]


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackerFailed, match="file"):
        to_tensorboard(tmp_path / "file" / "runs", FIGURES, 1)


def test_mlflow_reads_the_run(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    uri = (tmp_path / "ml runs").as_uri()
    to_mlflow(uri, "my set", "v2-abcdef", FIGURES, 2, {"backbone": "resnet18"})
    to_mlflow(uri, "my set", "v3-abcdef", FIGURES, 3, {"backbone": "x" * 9000})
    client = mlflow.MlflowClient(uri)
    number = client.get_experiment_by_name("my set").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([number])}
    assert runs.keys() == {"v2-abcdef", "v3-abcdef"}
    assert runs["v2-abcdef"].data.metrics == FIGURES
    assert runs["v2-abcdef"].data.params == {"backbone": "resnet18"}
    assert runs["v2-abcdef"].info.status == "FINISHED"
    history = client.get_metric_history(runs["v3-abcdef"].info.run_id, "holdout/accuracy")
    assert [(m.step, m.value) for m in history] == [(3, 0.875)]


def test_no_login_in_what_mlflow_says() -> None:
    pytest.importorskip("mlflow")
    uri = f"http://me:s3cr3t-t0ken@127.0.0.1:{free_port()}/x"
    with pytest.raises(TrackerFailed) as failed:
        to_mlflow(uri, "set", "v1-abcdef", FIGURES, 1, {})
    assert "s3cr3t" not in str(failed.value)
    assert "127.0.0.1" in str(failed.value)


def test_names_for_trackers_stay_different() -> None:
    assert tag_for("a/b") == "a_b"
    assert tag_for("a:b", {"a_b"}) == "a_b_2"
    assert tag_for("größe 1") == "größe 1"
