"""Whether a new model version may take the place of the current one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from annolooop.domain.examples import Example
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image
from annolooop.domain.versions import BackboneInfo, GateVerdict, ModelVersion
from annolooop.errors import DataError
from annolooop.loop.embed.embed import Embedder
from annolooop.loop.labels.split import trained_on
from annolooop.loop.train.fit_result import FitResult
from annolooop.loop.train.training_set import TrainingSet
from annolooop.loop.versions.predict import read_head
from annolooop.model.heads.fit import (
    FALLBACK,
    Targets,
    all_correct,
    draw_folds,
    fit_head,
    learnable,
)
from annolooop.model.heads.metrics import predicted
from annolooop.model.heads.targets import build_targets
from annolooop.model.judging.paired import fewest_worse, mcnemar_worse
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Embeddings

LEVELS = {"strict": 0.05, "lenient": 0.01}  # p-values below which the new version is worse
LARGE_HOLDOUT = 100  # images of a holdout on which few differences mean that two versions are alike


def judge(
    stack: Stack,
    old: ModelVersion,
    result: FitResult,
    training_set: TrainingSet,
    gate: str,
    track: Track,
) -> GateVerdict:
    """Compare a new version with the current one, on images that neither of them learned from.

    Both predict the images of the holdout, with the labels that these have now. If the new version
    were as good as the old one, an image that one of them alone predicts correctly would be as
    likely to be the new one's: the exact McNemar test, one-sided, gives the probability of so many
    of the old one's. Below 0.05 (strict) or 0.01 (lenient) the new version is refused.

    Where too few images of the holdout differ for any outcome to be below that level, the holdout
    decides nothing, unless it is large. Then the two are compared in a cross-validation on the
    other images: for each fifth, one head is fitted without it on what the old version was trained
    on (with its labels at that time) and one on what the new version was, and both predict that
    fifth. The training images overlap between folds, so that p-value is somewhat too low
    (Dietterich 1998); the penalty was chosen on the same folds, which favours the new version a
    little. With a fine-tuned backbone, which learned from all these images, there is no such
    comparison.

    Where nothing can be decided the new version passes: the gate stops only what is known to be
    worse. If the labels of the holdout are as wrong as the others, it notices nothing.

    Args:
        stack: the annotation loop.
        old: the current version.
        result: the new version.
        training_set: what that was trained on.
        gate: ``strict``, ``lenient`` or ``off``.
        track: shows how far it is, where images have no embedding by the old backbone.
    """
    current = _Current(stack, old, track)
    passed = GateVerdict("promoted", "none", against=old.name)
    if why := _exempt(stack, old, gate):
        return replace(passed, why=why)
    try:
        held = _on_holdout(stack, current, result, training_set)
        level = LEVELS[gate]
        few = held.only_old + held.only_new < fewest_worse(level)
        if not few or held.n >= LARGE_HOLDOUT:
            return decide(held, gate)
        crossed = _cross_validated(stack, current, result, training_set)
    except DataError as error:
        return replace(passed, why=f"{old.name} cannot be compared: {error.message}")
    if crossed and crossed.only_old + crossed.only_new >= fewest_worse(level):
        return decide(crossed, gate)
    compared = crossed or held
    where = "in the cross-validation" if crossed else "of the holdout"
    return replace(
        compared,
        test="none",
        p_value=None,
        why=f"too few differences to decide: {compared.only_old + compared.only_new} of "
        f"{compared.n} images {where}",
    )


def decide(counted: GateVerdict, gate: str) -> GateVerdict:
    """The verdict of a test that was made, at this level of the gate."""
    if gate == "off":
        return replace(counted, verdict="promoted", why="the gate is off")
    level, p_value = LEVELS[gate], counted.p_value
    worse = p_value is not None and p_value < level
    where = "in the cross-validation" if counted.test == "cross-validation" else "of the holdout"
    return replace(
        counted,
        verdict="refused" if worse else "promoted",
        why=f"of {counted.n} images {where}, {counted.against} alone is correct on "
        f"{counted.only_old}, the new version alone on {counted.only_new}: "
        f"{'worse' if worse else 'not known to be worse'} (exact McNemar test, one-sided, "
        f"p = {p_value:.2g}; {gate} refuses below {level:g})",
    )


def _exempt(stack: Stack, old: ModelVersion, gate: str) -> str:
    """Why there is nothing to compare, if so."""
    dataset = stack.config.dataset
    if gate == "off":
        return "the gate is off"
    if not old.trained:
        return f"{old.name} is not trained yet"
    if set(old.labels) != set(dataset.labels) or old.choice != dataset.choice:
        return f"{old.name} was made for other labels"
    return ""


class _Current:
    """The current version, and what it was trained on."""

    def __init__(self, stack: Stack, version: ModelVersion, track: Track) -> None:
        self.version, self._stack, self._track = version, stack, track

    @property
    def info(self) -> BackboneInfo:
        return self.version.backbone

    def embeddings(self, examples: Sequence[Example]) -> Embeddings:
        """Of its backbone; DataError when an image cannot be embedded any more."""
        stack, info = self._stack, self.info
        embeddings = stack.embeddings(info)
        embedder = Embedder(
            stack.store, stack.catalog, embeddings, lambda: stack.restore_pipeline(info)
        )
        lost = embedder.embed_images([Image(e.key, e.sha256) for e in examples], self._track)
        if lost:
            raise DataError(f"{len(lost)} images cannot be embedded with its backbone")
        return embeddings

    def trained_on(self) -> list[Example]:
        """Its training images, with their labels at that time."""
        return trained_on(self._stack, self.version)

    def predictions(self, examples: Sequence[Example], labels: Sequence[str]) -> Targets:
        """(n, k) bool: the labels it predicts, in the order of these labels."""
        head = read_head(self._stack.registry, self.version)
        vectors = self.embeddings(examples).matrix(e.sha256 for e in examples)
        chosen = predicted(head.predict(vectors), head.multiple)
        return chosen[:, [self.version.labels.index(label) for label in labels]]


def _on_holdout(
    stack: Stack, current: _Current, result: FitResult, training_set: TrainingSet
) -> GateVerdict:
    """Compare both on the images of the holdout that the old version did not learn from."""
    known = {example.sha256 for example in current.trained_on()}
    fair = np.array([e.sha256 not in known for e in training_set.holdout], bool)
    held = [e for e, ok in zip(training_set.holdout, fair, strict=True) if ok]
    if not held:
        return GateVerdict("promoted", "mcnemar", against=current.version.name)
    labels = stack.config.dataset.labels
    correct = (current.predictions(held, labels) == build_targets(held, labels)).all(axis=1)
    return _count("mcnemar", current.version, np.asarray(correct), result.correct[fair])


def _cross_validated(
    stack: Stack, current: _Current, result: FitResult, training_set: TrainingSet
) -> GateVerdict | None:
    """Compare both in the same folds of the training images; ``None`` where that cannot be."""
    seed, labels = stack.config.train.seed, stack.config.dataset.labels
    multiple = training_set.multiple
    folds = draw_folds(training_set.targets, multiple, seed)
    if result.out_of_fold is None or folds is None or current.info.tuned:
        return None
    old = current.trained_on()
    if not old:
        return None
    train = training_set.train
    embeddings = current.embeddings([*train, *old])
    x, old_x = (embeddings.matrix(e.sha256 for e in part) for part in (train, old))
    fold_of = {e.sha256: fold for e, fold in zip(train, folds, strict=True)}
    old_fold = np.array([fold_of.get(e.sha256, -1) for e in old])
    old_targets = build_targets(old, labels)
    penalty = current.version.metrics.get("cross_validation", {}).get("C", FALLBACK)
    old_correct = np.zeros(len(folds), bool)
    for fold in range(folds.max() + 1):
        used, out = old_fold != fold, folds == fold
        if not learnable(old_targets[used], multiple):
            return None
        head = fit_head(old_x[used], old_targets[used], multiple, seed, penalty).head
        old_correct[out] = all_correct(head.predict(x[out]), training_set.targets[out], multiple)
    new_correct = all_correct(result.out_of_fold_probabilities, training_set.targets, multiple)
    return _count("cross-validation", current.version, old_correct, new_correct)


def _count(test: str, old: ModelVersion, old_correct: Targets, new_correct: Targets) -> GateVerdict:
    only_old, only_new = (
        int((old_correct & ~new_correct).sum()),
        int((new_correct & ~old_correct).sum()),
    )
    p_value = mcnemar_worse(only_old, only_new)
    return GateVerdict("promoted", test, p_value, only_old, only_new, len(old_correct), old.name)
