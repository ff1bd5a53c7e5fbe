"""Whether the accuracy that is wanted is reached, and how sure that is."""

from annolooop.domain.versions import UNKNOWN, ModelVersion
from annolooop.loop.versions.headline import CROSS_VALIDATION, HOLDOUT_TELLS, Headline, headline
from annolooop.page.content import Verdict
from annolooop.page.numbers import goal, percent

TITLES = {
    "reached": "Target reached",
    "probably": "Target probably reached, not yet sure",
    "close": "Close to the target, not yet sure",
    "not yet": "Target not reached yet",
    "early": "Too early to tell",
    "no target": "No target set",
}


def verdict(target: float | None, version: ModelVersion | None) -> Verdict:
    """Compare the figure to go by with the target.

    It is reached where the whole 95 % interval is at or above it, and not where all of it is below.
    In between, nothing is sure. While the holdout is small, no comparison is made at all.

    Args:
        target: accuracy that is wanted, 0 to 1; ``None`` for none.
        version: the current version.
    """
    known = headline(version.metrics) if version and version.trained else None
    state = _state(target, known)
    return Verdict(
        state,
        TITLES[state],
        _words(target, known, state),
        target,
        known.accuracy if known else UNKNOWN,
        known.n if known else 0,
        known.by if known else "",
    )


def _state(target: float | None, known: Headline | None) -> str:
    if known is None or known.early:
        return "early"
    if target is None:
        return "no target"
    a = known.accuracy
    assert a.value is not None
    assert a.low is not None
    assert a.high is not None
    if a.low >= target:
        return "reached"
    if a.high < target:
        return "not yet"
    return "probably" if a.value >= target else "close"


def _words(target: float | None, known: Headline | None, state: str) -> str:
    target_text = "No target is set." if target is None else f"The target is {goal(target)}."
    if known is None:
        return f"The model has not been measured yet. {target_text}"
    if known.by == CROSS_VALIDATION:
        how = f"{known.n:,} images, each judged by a model that did not learn from it"
    else:
        how = f"{known.n:,} images that it did not learn from"
    a = known.accuracy
    right = f"The model is right about {percent(a.value)} of images."
    between = f"between {percent(a.low)} and {percent(a.high)}"
    sure = f"With 95 % certainty it is {between}; measured on {how}."
    early = f" With fewer than {HOLDOUT_TELLS} images set aside, this may change much."
    return " ".join([target_text, right, sure]) + (early if state == "early" else "")
