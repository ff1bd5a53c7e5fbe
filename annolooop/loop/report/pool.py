"""All images by label: as people labelled them, and as the current version predicts the others."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image
from annolooop.domain.versions import ModelVersion
from annolooop.loop.labels.current import Labels
from annolooop.loop.versions.predict import best_labels, read_head
from annolooop.page.content import Pool, PoolRow
from annolooop.stack import Stack

AT_ONCE = 4096  # images whose embeddings are in memory


def pool(stack: Stack, labels: Labels, version: ModelVersion | None, track: Track) -> Pool:
    """Count the images of a dataset by label.

    A version that has not learnt from any label predicts nothing here. What has no embedding of
    the version's backbone has no prediction, and is counted as such: none is computed.

    Args:
        stack: the annotation loop.
        labels: of the dataset.
        version: the current one.
        track: shows how far it is.
    """
    answers = {e.sha256: e.labels for e in labels.examples}
    labelled: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    images, unpredicted = 0, 0

    def rest() -> Iterator[Image]:
        nonlocal images
        for image in stack.catalog_of(labels.dataset).images():
            images += 1
            if image.sha256 in answers:
                labelled.update(answers[image.sha256])
            else:
                yield image

    if version is None or not version.trained:
        unpredicted = sum(1 for _ in rest())
    else:
        head = read_head(stack.registry_of(labels.dataset), version)
        embeddings = stack.embeddings(version.backbone)
        others = track(rest(), "count", len(stack.catalog_of(labels.dataset)) - len(answers))
        while some := list(islice(others, AT_ONCE)):
            missing = embeddings.missing(image.sha256 for image in some)
            known = [image.sha256 for image in some if image.sha256 not in missing]
            unpredicted += len(some) - len(known)
            if known:
                for best in best_labels(version, head.predict(embeddings.matrix(known))):
                    predicted.update(best.labels)
    order = [*labels.order, *sorted((labelled.keys() | predicted.keys()) - set(labels.order))]
    rows = tuple(PoolRow(label, labelled[label], predicted[label]) for label in order)
    return Pool(rows, images, unpredicted)
