"""Whether a new model version may take the place of the one in force."""

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
from annolooop.loop.train.training_set import Learnt, Material
from annolooop.model.heads.fit import FALLBACK, Targets, all_right, draw_folds, fit_head, learnable
from annolooop.model.heads.head import Head
from annolooop.model.heads.metrics import predicted
from annolooop.model.heads.targets import build_targets
from annolooop.model.judging.paired import fewest_worse, mcnemar_worse
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Embeddings

LEVELS = {"strict": 0.05, "lenient": 0.01}  # p-values below which the new version is worse
ENOUGH = 100  # images of a holdout on which few differences mean that two versions are alike


def judge(
    stack: Stack,
    old: ModelVersion,
    learnt: Learnt,
    material: Material,
    gate: str,
    track: Track,
) -> GateVerdict:
    """Compare what was learnt with the version in force, on images that neither learnt from.

    Both predict the images of the holdout, whose labels are those of now. If the new version were
    as good as the old one, an image that one of them alone gets right would be as likely to be the
    new one's: the exact McNemar test, one-sided, tells how surprising so many of the old one's
    are. Below 0.05 (strict) or 0.01 (lenient) the new version is refused.

    A holdout on which too few images differ for any outcome to be below that level says nothing,
    unless it is large. Then the images outside of it are asked in a cross-validation: head by head
    learns, without a fifth of the images, what the old version learnt (its labels of then) and
    what the new one did, and both predict that fifth. The images learnt from overlap between
    folds, so that p-value is somewhat too low (Dietterich 1998); the penalty was chosen on the
    same folds, which favours the new version a little. With a fine-tuned backbone, which has seen
    all these images, there is no such comparison.

    Whatever cannot be told promotes: the gate keeps out what is known to be worse. If the labels
    of the holdout are as wrong as the others, it sees nothing.

    Args:
        stack: the annotation loop.
        old: the version in force.
        learnt: what is to take its place.
        material: what that was learnt from.
        gate: ``strict``, ``lenient`` or ``off``.
        track: shows how far it is, where images lack an embedding by the old backbone.
    """
    opponent = _Opponent(stack, old, track)
    passed = GateVerdict("promoted", "none", against=old.name)
    if why := _exempt(stack, old, gate):
        return replace(passed, why=why)
    try:
        held = _on_holdout(stack, opponent, learnt, material)
        level = LEVELS[gate]
        few = held.only_old + held.only_new < fewest_worse(level)
        if not few or held.n >= ENOUGH:
            return decide(held, gate)
        crossed = _cross_validated(stack, opponent, learnt, material)
    except DataError as error:
        return replace(passed, why=f"{old.name} cannot be asked: {error.message}")
    if crossed and crossed.only_old + crossed.only_new >= fewest_worse(level):
        return decide(crossed, gate)
    told = crossed or held
    where = "in the cross-validation" if crossed else "of the holdout"
    return replace(
        told,
        test="none",
        p_value=None,
        why=f"too little to tell: the two differ on {told.only_old + told.only_new} of {told.n} "
        f"images {where}",
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
        why=f"of {counted.n} images {where}, {counted.against} alone is right on "
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
        return f"{old.name} has learnt nothing yet"
    if set(old.labels) != set(dataset.labels) or old.choice != dataset.choice:
        return f"{old.name} was made for other labels"
    return ""


class _Opponent:
    """The version in force, and what it learnt from."""

    def __init__(self, stack: Stack, version: ModelVersion, track: Track) -> None:
        self.version, self._stack, self._track = version, stack, track

    @property
    def info(self) -> BackboneInfo:
        return self.version.backbone

    def embeddings(self, examples: Sequence[Example]) -> Embeddings:
        """By its backbone; DataError when an image cannot be embedded any more."""
        stack, info = self._stack, self.info
        space = stack.embeddings(info)
        embedder = Embedder(stack.store, stack.catalog, space, lambda: stack.restore_pipeline(info))
        lost = embedder.embed_images([Image(e.key, e.sha256) for e in examples], self._track)
        if lost:
            raise DataError(f"{len(lost)} images cannot be embedded with its backbone")
        return space

    def learnt(self) -> list[Example]:
        """What it learnt from, with the labels of then; nothing of the holdout of then."""
        return trained_on(self._stack, self.version)

    def says(self, examples: Sequence[Example], labels: Sequence[str]) -> Targets:
        """(n, k) bool: what it predicts, in the order of these labels."""
        head = Head.from_bytes(self._stack.registry.head(self.version))
        vectors = self.embeddings(examples).matrix(e.sha256 for e in examples)
        said = predicted(head.predict(vectors), head.multiple)
        return said[:, [self.version.labels.index(label) for label in labels]]


def _on_holdout(
    stack: Stack, opponent: _Opponent, learnt: Learnt, material: Material
) -> GateVerdict:
    """Both on the images of the holdout that the old version did not learn from."""
    known = {example.sha256 for example in opponent.learnt()}
    fair = np.array([e.sha256 not in known for e in material.held], bool)
    held = [e for e, ok in zip(material.held, fair, strict=True) if ok]
    if not held:
        return GateVerdict("promoted", "mcnemar", against=opponent.version.name)
    labels = stack.config.dataset.labels
    right = (opponent.says(held, labels) == build_targets(held, labels)).all(axis=1)
    return _count("mcnemar", opponent.version, np.asarray(right), learnt.right[fair])


def _cross_validated(
    stack: Stack, opponent: _Opponent, learnt: Learnt, material: Material
) -> GateVerdict | None:
    """Both recipes in the same folds of what is labelled now; ``None`` where that cannot be."""
    seed, labels = stack.config.train.seed, stack.config.dataset.labels
    multiple = material.multiple
    folds = draw_folds(material.targets, multiple, seed)
    if learnt.out is None or folds is None or opponent.info.tuned:
        return None
    old = opponent.learnt()
    if not old:
        return None
    space = opponent.embeddings([*material.learn, *old])
    x, old_x = (space.matrix(e.sha256 for e in part) for part in (material.learn, old))
    fold_of = {e.sha256: fold for e, fold in zip(material.learn, folds, strict=True)}
    old_fold = np.array([fold_of.get(e.sha256, -1) for e in old])
    old_targets = build_targets(old, labels)
    penalty = opponent.version.metrics.get("cross_validation", {}).get("C", FALLBACK)
    old_right = np.zeros(len(folds), bool)
    for fold in range(folds.max() + 1):
        used, out = old_fold != fold, folds == fold
        if not learnable(old_targets[used], multiple):
            return None
        head = fit_head(old_x[used], old_targets[used], multiple, seed, penalty).head
        old_right[out] = all_right(head.predict(x[out]), material.targets[out], multiple)
    new_right = all_right(learnt.out_said, material.targets, multiple)
    return _count("cross-validation", opponent.version, old_right, new_right)


def _count(test: str, old: ModelVersion, old_right: Targets, new_right: Targets) -> GateVerdict:
    only_old, only_new = int((old_right & ~new_right).sum()), int((new_right & ~old_right).sum())
    p_value = mcnemar_worse(only_old, only_new)
    return GateVerdict("promoted", test, p_value, only_old, only_new, len(old_right), old.name)
