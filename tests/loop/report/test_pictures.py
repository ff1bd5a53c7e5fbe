"""The parts of the report that show images, without Label Studio."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.trained_dataset import TrainedDataset, label_of

from annolooop.domain.progress import untracked
from annolooop.loop.report.model import judge
from annolooop.loop.report.pictures import Pictured, picture, thumbnails


def show(dataset: TrainedDataset, points: int = 1000) -> Pictured:
    labels, stack = dataset.read(), dataset.stack()
    judged = judge(stack, labels, dataset.version)
    url = "http://ls/{}".format
    return picture(stack, labels, dataset.version, judged, url, points, untracked)


@pytest.fixture(scope="module")
def shown(dataset: TrainedDataset) -> Pictured:
    return show(dataset)


def test_the_map_has_every_image_with_its_label_or_prediction(
    shown: Pictured, dataset: TrainedDataset
) -> None:
    assert shown.map is not None
    assert (len(shown.map.points), shown.map.total, shown.map.method) == (80, 80, "t-SNE")
    labels = {point.key: point.label for point in shown.map.points}
    assert labels == {
        image.key: dataset.labels.get(name, "") for name, image in dataset.images.items()
    }
    assert all(0 <= point.uncertainty <= 0.5 for point in shown.map.points)


def test_images_of_one_label_lie_together_on_the_map(shown: Pictured) -> None:
    assert shown.map is not None
    where = np.array([(point.x, point.y) for point in shown.map.points])
    aria = np.array([label_of(point.key) == "aria" for point in shown.map.points])
    apart = np.linalg.norm(where[aria].mean(axis=0) - where[~aria].mean(axis=0))
    assert apart > 0.5 * where[aria].std(axis=0).mean()


def test_half_of_a_small_map_is_labelled_images(dataset: TrainedDataset) -> None:
    drawn = show(dataset, 20).map
    assert drawn is not None
    assert (len(drawn.points), drawn.total) == (20, 80)
    assert sum(bool(point.label) for point in drawn.points) >= 10


def test_no_points_make_no_map_and_no_complaint(dataset: TrainedDataset) -> None:
    without = show(dataset, 0)
    assert without.map is None
    assert "map" not in without.missing


def test_errors_are_wrong_predictions_the_most_confident_first(shown: Pictured) -> None:
    assert shown.errors
    assert all(p.label != p.suggested for p in shown.errors)
    confidence = [p.confidence or 0 for p in shown.errors]
    assert confidence == sorted(confidence, reverse=True)


def test_a_wrong_label_is_among_the_suspects(shown: Pictured) -> None:
    suspects = {p.key.rpartition("/")[2]: p for p in shown.suspects}
    assert suspects["aria_3.png"].label == "not_aria"
    assert suspects["aria_3.png"].suggested == "aria"


def test_thumbnails_are_small_webp_and_lost_images_are_left_out(tmp_path: Path) -> None:
    few = TrainedDataset(tmp_path, 5)
    gone, kept = few.images["aria_0.png"], few.images["aria_1.png"]
    Path(str(few.stack().store.local_path), gone.key).unlink()
    found = thumbnails(few.stack(), [gone, kept], 40)
    assert found.keys() == {kept.sha256}
    opened = Image.open(io.BytesIO(base64.b64decode(found[kept.sha256])))
    assert opened.format == "WEBP"
    assert max(opened.size) == 40
