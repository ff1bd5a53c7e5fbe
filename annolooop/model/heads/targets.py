"""Labels of examples as an array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from annolooop.domain.examples import Example
from annolooop.model.heads.fit import Targets


def build_targets(examples: Sequence[Example], labels: Sequence[str]) -> Targets:
    """(examples, labels) bool: which labels each example has."""
    rows = [[label in example.labels for label in labels] for example in examples]
    return np.array(rows, dtype=bool).reshape(len(rows), len(labels))
