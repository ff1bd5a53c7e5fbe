"""What has changed since a version was trained: labels, and the settings that shape a version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annolooop.domain.annotations import Snapshot
from annolooop.domain.examples import Example, Labelled, build_examples, fingerprint
from annolooop.domain.versions import ModelVersion
from annolooop.loop.labels.split import rules_of_stack
from annolooop.stack import Stack


@dataclass(frozen=True)
class LabelChanges:
    """How many labels differ from those that a version was trained on."""

    new: int
    changed: int
    removed: int

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed)


def find_examples(stack: Stack, snapshot: Snapshot) -> Labelled:
    """Labelled images of a snapshot, and those that are left out."""
    return build_examples(snapshot.annotations, rules_of_stack(stack))


def label_changes(stack: Stack, version: ModelVersion, examples: Sequence[Example]) -> LabelChanges:
    """Count the examples whose labels differ from those that the version was trained on."""
    before: dict[str, tuple[str, ...]] = {}
    if version.snapshot:
        earlier = find_examples(stack, stack.snapshots.read(version.snapshot))
        before = {e.sha256: e.labels for e in earlier.examples}
    now = {e.sha256: e.labels for e in examples}
    return LabelChanges(
        len(now.keys() - before.keys()),
        sum(before[sha256] != now[sha256] for sha256 in before.keys() & now.keys()),
        len(before.keys() - now.keys()),
    )


def is_outdated(stack: Stack, version: ModelVersion) -> bool:
    """Whether even the same labels would give another version."""
    if not version.trained or settings_changed(stack, version):
        return True
    return not stack.registry.intact(version)


def settings_changed(stack: Stack, version: ModelVersion) -> bool:
    """Whether the settings or the labels of the stack differ from the version's."""
    settings = settings_of_version(stack)
    return version.config != settings or version.labels != stack.config.dataset.labels


def settings_of_version(stack: Stack) -> dict[str, Any]:
    """The settings that a version depends on."""
    config = stack.config
    return {
        "backbone": config.model.backbone,
        "weights": config.model.weights,
        "holdout": config.train.holdout,
        "seed": config.train.seed,
        "finetune": config.train.finetune,
        "epochs": 0 if config.train.finetune == "head" else config.train.epochs,
        "choice": config.dataset.choice,
        "agreement": config.dataset.agreement,
    }


def find_refused(
    stack: Stack, current: ModelVersion, examples: Sequence[Example]
) -> ModelVersion | None:
    """The version that training would make again, if the gate refused it last time."""
    last = stack.registry.refused(current)
    if last is None:
        return None
    # Its own fingerprint leaves out what was skipped, for example near-duplicates of the holdout.
    before = find_examples(stack, stack.snapshots.read(last.snapshot)).examples
    same = (
        fingerprint(before) == fingerprint(examples)
        and not settings_changed(stack, last)
        and stack.registry.intact(last)
    )
    return last if same else None
