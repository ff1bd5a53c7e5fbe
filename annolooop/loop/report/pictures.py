"""The parts of the report that show images: the map, errors, suspected labels."""

import base64
import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from annolooop.domain.draw import REPORT_SAMPLE, draw
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image, Prediction
from annolooop.domain.versions import ModelVersion
from annolooop.errors import DataError
from annolooop.loop.labels.current import Labels
from annolooop.loop.quality.review import review
from annolooop.loop.quality.review_records import LOOKS
from annolooop.loop.report.model import Judged, because
from annolooop.loop.versions.predict import best_labels
from annolooop.model.heads.head import Head
from annolooop.model.judging.projection import project
from annolooop.model.picture import Unreadable
from annolooop.model.thumbnail import thumbnail
from annolooop.page.content import Map, Missing, Picture, Point
from annolooop.stack import Stack
from annolooop.storage.images import Lost, read_images

ERRORS, SUSPECTS = 18, 18
BUDGET = 2_600_000  # bytes of the thumbnails of the map, before base64 makes a third more of them
WIDEST, SMALLEST = 96, 40  # pixels of a thumbnail of the map
CARD = 200  # pixels of a picture with words
TRIED = 32  # images, to estimate how many bytes a thumbnail takes

Url = Callable[[str], str]


@dataclass(frozen=True)
class Pictured:
    """What is shown of the images."""

    map: Map | None = None
    errors: tuple[Picture, ...] = ()
    suspects: tuple[Picture, ...] = ()
    missing: dict[str, Missing] = field(default_factory=dict)


def picture(
    stack: Stack,
    labels: Labels,
    version: ModelVersion | None,
    judged: Judged,
    url: Url,
    points: int,
    track: Track,
) -> Pictured:
    """The map of the images, with at most so many points, and the ones that deserve a look."""
    missing: dict[str, Missing] = {}
    errors = _errors(stack, version, judged, url) if version and judged.held else ()
    if judged.held and not errors:
        missing["errors"] = Missing(
            f"All {len(judged.held)} labelled images of the holdout are predicted correctly."
        )
    drawn = _map(stack, labels, version, url, points, track) if version else None
    if drawn is None and points:
        missing["map"] = Missing(
            "No image has an embedding of the current model yet.",
            "to compute them",
            "annoloop infer --batch FOLDER",
        )
    suspects: tuple[Picture, ...] = ()
    try:
        suspects = _suspects(stack, labels, track)
        if not suspects:
            missing["suspects"] = Missing("No label seems to be wrong.")
    except DataError as error:
        missing["suspects"] = because("Not known", error)
    return Pictured(drawn, errors, suspects, missing)


def _suspects(stack: Stack, labels: Labels, track: Track) -> tuple[Picture, ...]:
    """Labels that may be wrong, the most doubtful first."""
    suspects = review(stack, labels.dataset, SUSPECTS, False, track, not labels.live).suspects
    thumbs = thumbnails(stack, (Image(s.key, s.sha256) for s in suspects), CARD)
    return tuple(
        Picture(
            s.key,
            joined(s.labels) if s.reason == LOOKS else s.reason,
            joined(s.suggested),
            s.confidence if s.reason == LOOKS else None,
            s.url,
            thumbs.get(s.sha256, ""),
        )
        for s in suspects
    )


def _errors(stack: Stack, version: ModelVersion, judged: Judged, url: Url) -> tuple[Picture, ...]:
    """The images of the holdout where the version is most confident, and wrong."""
    predictions = list(best_labels(version, judged.probabilities))
    wrong = [
        (prediction.score, example, prediction)
        for example, prediction in zip(judged.held, predictions, strict=True)
        if tuple(sorted(example.labels)) != tuple(sorted(prediction.labels))
    ]
    worst = heapq.nlargest(ERRORS, wrong, key=lambda row: (row[0], row[1].sha256))
    images = [Image(example.key, example.sha256) for _, example, _ in worst]
    thumbs = thumbnails(stack, images, CARD)
    return tuple(
        Picture(
            example.key,
            joined(example.labels),
            joined(prediction.labels),
            score,
            url(example.sha256),
            thumbs.get(example.sha256, ""),
        )
        for score, example, prediction in worst
    )


def _map(
    stack: Stack,
    labels: Labels,
    version: ModelVersion,
    url: Url,
    points: int,
    track: Track,
) -> Map | None:
    chosen, total = _chosen(stack, labels, points)
    embeddings = stack.embeddings(version.backbone)
    missing = embeddings.missing(image.sha256 for image in chosen)
    images = [image for image in chosen if image.sha256 not in missing]
    if not images:
        return None
    vectors = embeddings.matrix(image.sha256 for image in images)
    (positions, method) = next(
        iter([project(vectors, stack.config.train.seed) for _ in track([0], "map")])
    )
    head = Head.from_bytes(stack.registry_of(labels.dataset).head(version))
    predictions: list[Prediction] = list(best_labels(version, head.predict(vectors)))
    labelled = {e.sha256: joined(e.labels) or "none" for e in labels.examples}
    thumbs = thumbnails(stack, track(images, "pictures", len(images)), _side(stack, images))
    drawn = [
        Point(
            float(x),
            float(y),
            image.key,
            labelled.get(image.sha256, ""),
            joined(prediction.labels) or "none",
            1 - prediction.score,
            url(image.sha256),
            thumbs.get(image.sha256, ""),
        )
        for image, (x, y), prediction in zip(images, positions.tolist(), predictions, strict=True)
    ]
    return Map(tuple(drawn), total, method)


def _chosen(stack: Stack, labels: Labels, most: int) -> tuple[list[Image], int]:
    """Images for the map: labelled ones up to half of it at least, and others; and how many.

    Drawn by their hashes: the same ones each time.
    """

    def lot(image: Image) -> float:
        return draw(image.sha256, REPORT_SAMPLE)

    labelled = {e.sha256: Image(e.key, e.sha256) for e in labels.examples}
    others: dict[str, Image] = {}
    total = len(labelled)
    unlabelled = (i for i in stack.catalog_of(labels.dataset).images() if i.sha256 not in labelled)

    def counted() -> Iterable[Image]:
        nonlocal total
        for image in unlabelled:
            total += 1
            yield image

    for image in heapq.nsmallest(most, counted(), key=lot):
        others.setdefault(image.sha256, image)
    room = max(most - len(others), most // 2)
    kept = heapq.nsmallest(room, labelled.values(), key=lot)
    rest = heapq.nsmallest(most - len(kept), others.values(), key=lot)
    return [*kept, *rest], total


def _side(stack: Stack, images: Sequence[Image]) -> int:
    """Pixels of a thumbnail so that all of them together stay within the budget."""
    tried = [len(data) for data in _small(stack, images[:TRIED], WIDEST).values()]
    if not tried:
        return WIDEST
    allowed = BUDGET / len(images) / (float(np.mean(tried)) * 1.15)
    return max(SMALLEST, min(WIDEST, int(WIDEST * allowed**0.6) // 8 * 8))


def thumbnails(stack: Stack, images: Iterable[Image], side: int) -> dict[str, str]:
    """Content hash -> WebP, base64. Images that are gone or cannot be decoded are left out."""
    encoded, size = {}, 0
    for sha256, data in _each_small(stack, images, side):
        size += len(data)
        if size <= 2 * BUDGET:
            encoded[sha256] = base64.b64encode(data).decode()
    return encoded


def _small(stack: Stack, images: Iterable[Image], side: int) -> dict[str, bytes]:
    return dict(_each_small(stack, images, side))


def _each_small(stack: Stack, images: Iterable[Image], side: int) -> Iterable[tuple[str, bytes]]:
    for image, data in read_images(stack.store, images):
        if not isinstance(data, Lost):
            try:
                yield image.sha256, thumbnail(data, side)
            except Unreadable:
                continue


def joined(labels: Sequence[str]) -> str:
    """Labels of one image as one text."""
    return " + ".join(labels)
