"""Exports: other programs read the labels in force, and nothing is lost or mixed up."""

import csv
import json
import subprocess
import time
from importlib import import_module
from pathlib import Path

import pytest
from pyarrow import parquet
from support.annotated_dataset import Annotated, put_images, store_labels
from support.project import Project, Server, free_port, on_server
from torchvision.datasets import ImageFolder

from annolooop.domain.figures import SplitCounts
from annolooop.domain.progress import untracked
from annolooop.domain.tasks import Image
from annolooop.errors import DataError, UsageError
from annolooop.files.publish import MANIFEST
from annolooop.loop.dataset.export import ExportOptions, ExportReport, export
from annolooop.loop.labels.current import read_labels
from annolooop.loop.train.changes import find_examples

NAMES = [
    f"{folder}/{kind}_{n}.jpg" for folder in "xy" for kind in ("aria", "not") for n in range(4)
]


def run(project: Project, form: str, out: Path, *overrides: str, **how: object) -> ExportReport:
    stack = project.stack(*overrides)
    options = ExportOptions(form, out, **how)  # type: ignore[arg-type]
    return export(stack, stack.config.dataset.name, options, untracked)


class Stored:
    """A dataset of the store alone, with sixteen labelled images."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.images = put_images(project, [*NAMES, "z/none.jpg"])
        self.labels = {name: ["aria" if "aria" in name else "not_aria"] for name in NAMES}
        store_labels(project, self.images, self.labels)

    def data(self, image: Image) -> bytes:
        return self.project.stack().store.get(image.key)


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """No server is asked, so none is needed."""
    values: dict[str, object] = {
        "label_studio": {"port": free_port()},
        "dataset": {"name": "some set", "labels": ["aria", "not_aria"]},
        "train": {"holdout": 0.3},
    }
    return Stored(Project(tmp_path, {**values, "cache_dir": str(tmp_path / "cache")}))


@pytest.mark.parametrize(
    ("form", "sides"), [("imagefolder", ("train", "holdout")), ("yolo", ("train", "val"))]
)
def test_class_folders_load_with_torchvision(
    stored: Stored, tmp_path: Path, form: str, sides: tuple[str, str]
) -> None:
    report = run(stored.project, form, tmp_path / "out")
    loaded = [ImageFolder(str(tmp_path / "out" / side)) for side in sides]
    assert (len(loaded[0]), len(loaded[1])) == (report.train, report.holdout)
    assert report.train + report.holdout == report.written == 16
    assert report.holdout
    for dataset in loaded:
        assert dataset.classes == ["aria", "not_aria"]
        for file, number in dataset.samples:
            name = Path(file).name.replace("__", "/")
            assert [dataset.classes[number]] == stored.labels[name]
            assert Path(file).read_bytes() == stored.data(stored.images[name])
    assert (report.unlabeled, report.snapshot, report.live) == (1, 1, False)
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert manifest["fingerprint"] == report.fingerprint
    assert manifest["folders"] == {"aria": "aria", "not_aria": "not_aria"}


def test_hugging_face_layout_names_every_file_with_its_label(
    stored: Stored, tmp_path: Path
) -> None:
    report = run(stored.project, "hf", tmp_path / "out")
    for side, count in (("train", report.train), ("test", report.holdout)):
        lines = (tmp_path / "out" / side / "metadata.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        assert len(rows) == count
        files = {p.name for p in (tmp_path / "out" / side).iterdir()} - {"metadata.jsonl"}
        assert {row["file_name"] for row in rows} == files
        for row in rows:
            assert [row["label"]] == stored.labels[row["key"].removeprefix("images/")]


def test_coco_has_categories_of_whole_images(stored: Stored, tmp_path: Path) -> None:
    run(stored.project, "coco", tmp_path / "out")
    seen = 0
    for side in ("train", "holdout"):
        body = json.loads((tmp_path / "out/annotations" / f"labels_{side}.json").read_text())
        names = {c["id"]: c["name"] for c in body["categories"]}
        assert list(names.values()) == ["aria", "not_aria"]
        images = {i["id"]: i for i in body["images"]}
        for annotation in body["annotations"]:
            image = images[annotation["image_id"]]
            assert (tmp_path / "out/images" / side / image["file_name"]).is_file()
            assert (image["width"], image["height"]) == (96, 72)
            told = stored.labels[image["key"].removeprefix("images/")]
            assert names[annotation["category_id"]] == told[0]
            seen += 1
    assert seen == 16


def test_tables_say_the_same_in_each_format(stored: Stored, tmp_path: Path) -> None:
    for form in ("csv", "jsonl", "parquet"):
        assert run(stored.project, form, tmp_path / f"t.{form}").written == 16
    with (tmp_path / "t.csv").open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    from_jsonl = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    from_parquet = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert from_jsonl == from_parquet
    assert [{**row, "annotators": "1"} for row in from_jsonl] == from_csv
    first = from_jsonl[0]
    assert (first["key"], first["label"], first["annotators"]) == (
        "images/x/aria_0.jpg",
        "aria",
        [1],
    )


def test_multiple_choice_keeps_all_labels_and_refuses_one_label_formats(
    stored: Stored, tmp_path: Path
) -> None:
    some = dict(zip(NAMES, [["aria"], ["aria", "not_aria"], []], strict=False))
    store_labels(stored.project, stored.images, some)
    multiple = "dataset.choice=multiple"
    with pytest.raises(UsageError, match="may have several") as caught:
        run(stored.project, "imagefolder", tmp_path / "x", multiple)
    assert "--format hf" in caught.value.hint
    run(stored.project, "parquet", tmp_path / "t.parquet", multiple)
    rows = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert [row["labels"] for row in rows] == list(some.values())
    run(stored.project, "csv", tmp_path / "t.csv", multiple)
    assert "aria|not_aria" in (tmp_path / "t.csv").read_text()
    assert run(stored.project, "coco", tmp_path / "coco", multiple).written == 3
    assert run(stored.project, "hf", tmp_path / "hf", multiple).written == 3


def test_images_that_are_gone_or_changed_are_left_out_and_named(
    stored: Stored, tmp_path: Path
) -> None:
    store = stored.project.stack().store
    store.delete("images/x/aria_0.jpg")
    store.put("images/x/aria_1.jpg", store.get("images/x/not_0.jpg"))
    for form, out in (("imagefolder", "out"), ("csv", "t.csv")):
        report = run(stored.project, form, tmp_path / out)
        assert report.written == 14
        assert report.left_out == (
            {"file": "images/x/aria_0.jpg", "reason": "it is no longer in the store"},
            {"file": "images/x/aria_1.jpg", "reason": "another picture lies under its key now"},
        )
    for name in NAMES:
        store.delete(f"images/{name}")
    with pytest.raises(DataError, match="none of the 16 labelled images"):
        run(stored.project, "yolo", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_only_one_side_of_the_split_is_written_when_asked(stored: Stored, tmp_path: Path) -> None:
    report = run(stored.project, "imagefolder", tmp_path / "out", split="holdout")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"holdout", MANIFEST}
    assert (report.train, report.holdout) == (0, report.written)
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == report.written


def test_same_labels_are_exported_as_the_same_files(stored: Stored, tmp_path: Path) -> None:
    for out in ("one", "two"):
        run(stored.project, "coco", tmp_path / out)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 19
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_labels_that_are_no_folder_names_are_mapped(stored: Stored, tmp_path: Path) -> None:
    odd = ["a/b", "..", "CON", "Cat", "cat"]
    store_labels(stored.project, stored.images, {n: [odd[k % 5]] for k, n in enumerate(NAMES)})
    labels = "dataset.labels=" + json.dumps(odd)
    report = run(stored.project, "imagefolder", tmp_path / "out", labels)
    train = ImageFolder(str(tmp_path / "out" / "train"), allow_empty=True)
    assert set(train.classes) == set(report.folders.values())
    assert sum(c.train + c.holdout for c in report.labels.values()) == 16
    assert not (tmp_path / "b").exists()


def test_place_in_the_store_or_with_another_suffix_is_refused(
    stored: Stored, tmp_path: Path
) -> None:
    store = stored.project.stack().store.local_path
    assert store
    with pytest.raises(UsageError, match="in the artifact store"):
        run(stored.project, "yolo", store / "images" / "out")
    with pytest.raises(UsageError, match=r"writes a \.csv file"):
        run(stored.project, "csv", tmp_path / "out.txt")


@pytest.mark.slow
def test_command_exports_without_a_server_and_says_so(stored: Stored) -> None:
    words = ("dataset", "export", "--format", "csv", "--out", "t.csv")
    told = stored.project.run(*words).stdout
    assert "the last snapshot" in told
    assert "Label Studio is not running" in told
    assert "not in it, because they have no label: 1 image (" in told
    stored.project.run(*words, code=2)
    report = stored.project.json(*words, "--overwrite", "--offline")
    assert (report["written"], report["why_not_live"]) == (16, "as asked")
    assert (
        "did you mean some set?"
        in stored.project.run(
            "dataset", "export", "some sat", *words[2:], "--overwrite", code=5
        ).stderr
    )


@pytest.mark.slow
def test_export_that_is_killed_is_completed_by_the_next(stored: Stored) -> None:
    project = stored.project
    images = put_images(project, [f"many/{n:03d}.jpg" for n in range(300)])
    store_labels(project, images, dict.fromkeys(images, ("aria",)))
    words = ["dataset", "export", "--format", "imagefolder", "--out", "out", "--offline"]
    process = subprocess.Popen(project.command(*words), cwd=project.folder)
    while process.poll() is None and not any(project.folder.glob(".out.*part/*/*/*.jpg")):
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert process.returncode == -9, "it was done before it could be killed"
    assert not (project.folder / "out").exists()
    project.run(*words)
    contents = {image.sha256 for image in images.values()}
    assert len(list((project.folder / "out").rglob("*.jpg"))) == len(contents)
    assert [path.name for path in project.folder.glob(".out*")] == []


def test_describe_goes_by_the_last_snapshot_without_a_server(stored: Stored) -> None:
    told = stored.project.json("dataset", "describe")
    assert (told["live"], told["project"], told["images"], told["snapshots"]) == (
        False,
        None,
        17,
        1,
    )
    assert told["annotators"] == {"1": 16}
    assert (told["labeled_images"], told["model_versions"], told["model_version"]) == (16, 0, None)
    assert "the last snapshot" in stored.project.run("dataset", "describe").stdout


# -- with a Label Studio --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def annotated(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Annotated:
    """Ten labelled images, one skipped, one that nobody saw; two people; one ground truth."""
    made = Annotated(
        on_server(tmp_path_factory.mktemp("export"), server, "exported"), server, NAMES[:12]
    )
    other = made.someone("other@example.org")
    for name in NAMES[:10]:
        made.annotate(name, "aria" if "aria" in name else "not_aria")
    made.annotate(NAMES[0], "not_aria", who=other)
    made.annotate(NAMES[1], "not_aria", who=other)
    made.annotate(NAMES[1], "aria", truth=True)
    made.annotate(NAMES[10], skipped=True)
    return made


def in_force(annotated: Annotated, name: str) -> dict[str, tuple[str, ...]]:
    return {e.sha256: e.labels for e in read_labels(annotated.stack(), name, False).examples}


def test_export_sees_what_no_snapshot_has_and_writes_none(
    annotated: Annotated, tmp_path: Path
) -> None:
    report = run(annotated.project, "jsonl", tmp_path / "t.jsonl")
    assert (report.live, report.snapshot, report.written) == (True, 0, 10)
    assert (report.unlabeled, report.skipped) == (2, 1)
    rows = {r["key"]: r for r in map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())}
    assert rows[f"images/{NAMES[0]}"]["label"] == "not_aria"  # the latest, at a tie
    assert rows[f"images/{NAMES[1]}"]["label"] == "aria"  # ground truth
    assert len(rows[f"images/{NAMES[0]}"]["annotators"]) == 2
    assert annotated.stack().snapshots.latest().number == 0
    with pytest.raises(DataError, match="the store has no annotations of set exported"):
        run(annotated.project, "jsonl", tmp_path / "u.jsonl", offline=True)


def test_unanimous_leaves_out_what_people_dispute(annotated: Annotated, tmp_path: Path) -> None:
    report = run(annotated.project, "csv", tmp_path / "t.csv", "dataset.agreement=unanimous")
    assert (report.written, report.disputed) == (9, 1)


def test_label_studio_json_gives_the_same_labels_in_a_new_project(
    annotated: Annotated, tmp_path: Path
) -> None:
    report = run(annotated.project, "label-studio", tmp_path / "t.json")
    tasks = json.loads((tmp_path / "t.json").read_text())
    assert report.written == len(tasks) == 11
    assert sum(len(task["annotations"]) for task in tasks) == 14
    assert sum(a["was_cancelled"] for task in tasks for a in task["annotations"]) == 1
    config = annotated.http.get(f"/api/projects/{annotated.id}").json()["label_config"]
    body = {"title": "imported again", "label_config": config}
    new = annotated.http.post("/api/projects", json=body).json()["id"]
    made = annotated.http.post(f"/api/projects/{new}/import", json=tasks)
    assert made.status_code == 201, made.text
    assert in_force(annotated, "imported again") == in_force(annotated, annotated.name)
    again = read_labels(annotated.stack(), "imported again", False).snapshot.annotations
    once = read_labels(annotated.stack(), annotated.name, False).snapshot.annotations
    for annotation in ("annotator", "labels", "skipped", "ground_truth", "key"):
        told = [[getattr(a, annotation) for a in said] for said in (again, once)]
        assert sorted(map(str, told[0])) == sorted(map(str, told[1]))


def test_describe_tells_everything_at_a_glance(annotated: Annotated) -> None:
    told = annotated.project.json("dataset", "describe", annotated.name)
    assert (told["live"], told["project"]["id"], told["tasks"]) == (True, annotated.id, 12)
    assert (told["labeled_tasks"], told["skipped_tasks"], told["labeled_images"]) == (10, 1, 10)
    assert sum(told["annotators"].values()) == 13
    assert len(told["annotators"]) == 2
    assert (told["images"], told["missing_images"]) == (12, 0)
    assert told["image_bytes"] == sum(
        annotated.stack().store.info(image.key).size for image in annotated.images.values()
    )
    counted = annotated.project.json("dataset", "stats", annotated.name)
    assert {k: v["train"] + v["holdout"] for k, v in told["labels"].items()} == counted["labels"]
    assert SplitCounts(**told["split"]).train + told["split"]["holdout"] == 10
    assert annotated.name in annotated.project.run("dataset", "describe").stdout


def test_answers_about_a_picture_that_was_replaced_are_not_imported_as_those_of_the_new_one(
    annotated: Annotated, tmp_path: Path
) -> None:
    task = annotated.tasks[NAMES[2]]
    data = annotated.http.get(f"/api/tasks/{task}").json()["data"]
    replaced = {**data, "replaced_by": "f" * 64, "replaced_at": "2999-01-01T00:00:00.000000Z"}
    past = {**replaced, "replaced_at": "2000-01-01T00:00:00.000000Z"}
    for marked, sha256 in ((replaced, data["sha256"]), (past, "f" * 64)):
        annotated.http.patch(f"/api/tasks/{task}", json={"data": marked}).raise_for_status()
        run(annotated.project, "label-studio", tmp_path / "t.json", overwrite=True)
        tasks = json.loads((tmp_path / "t.json").read_text())
        (told,) = (t for t in tasks if t["data"]["key"] == data["key"])
        assert told["data"] == {**data, "sha256": sha256}
        assert len(told["annotations"]) == 1


def test_label_that_the_dataset_does_not_have_is_not_exported_and_is_named(
    stored: Stored, tmp_path: Path
) -> None:
    """The same images are left out of training."""
    fewer = "dataset.labels=[aria, cat]"
    report = run(stored.project, "imagefolder", tmp_path / "out", fewer)
    assert report.written == 8
    assert sorted(path.name for path in (tmp_path / "out" / "train").iterdir()) == ["aria"]
    strange = {f"images/{name}" for name in NAMES if "not" in name}
    why = "its label 'not_aria' is not in dataset.labels"
    assert {row["file"]: row["reason"] for row in report.left_out} == dict.fromkeys(strange, why)
    stack = stored.project.stack(fewer)
    found = find_examples(stack, stack.snapshots.latest())
    assert len(found.examples) == 8
    assert set(found.left_out.values()) == {why}


def test_other_answers_are_counted_and_not_exported(stored: Stored, tmp_path: Path) -> None:
    other = ("dataset.labels=[aria, cat]", "dataset.other_answers=[not_aria]")
    report = run(stored.project, "csv", tmp_path / "labels.csv", *other)
    assert (report.written, report.other_answers, report.left_out) == (8, 8, ())
    assert report.labels.keys() == {"aria", "cat"}


def test_why_there_is_nothing_to_export_is_said(stored: Stored, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="16 with a label that is not in"):
        run(stored.project, "csv", tmp_path / "labels.csv", "dataset.labels=[x, y]")


@pytest.mark.parametrize(
    ("form", "module"),
    [
        ("imagefolder", "torchvision.datasets"),
        ("coco", "json"),
        ("csv", "pandas"),
        ("jsonl", "pandas"),
        ("parquet", "pandas"),
    ],
)
def test_printed_line_loads_what_was_written(
    stored: Stored, tmp_path: Path, form: str, module: str
) -> None:
    suffix = "" if form in ("imagefolder", "coco") else f".{form}"
    report = run(stored.project, form, tmp_path / f"what's out{suffix}")
    import_module(module)
    loaded = eval(report.load, {name: import_module(name) for name in [module.partition(".")[0]]})
    assert len(loaded) == {"imagefolder": report.train, "coco": 3}.get(form, report.written)
    if module == "pandas":
        assert all(Path(path).is_file() for path in loaded["path"])
