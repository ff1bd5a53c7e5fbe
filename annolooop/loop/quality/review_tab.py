"""The tab of Label Studio in which people look at labels that may be wrong."""

from collections.abc import Sequence
from datetime import datetime, timezone

from annolooop.labelstudio.api.data_manager import condition
from annolooop.labelstudio.api.views import OUR_TITLES
from annolooop.loop.labels.current import Labels
from annolooop.loop.quality.review_records import LOOKS, Asked, Review, Suspect, reviews_of
from annolooop.stack import Stack

TITLE = f"{OUR_TITLES}review"  # of the tab; our own server knows it by that
FIELD = "review"  # in a task's data: which review asks about which answer, its place, and why


def open_review(stack: Stack, labels: Labels, suspects: Sequence[Suspect]) -> tuple[int, str]:
    """Note what is asked, then show it in Label Studio.

    On our own server the tab's stream opens one answer after the other, to be confirmed or
    corrected; see ``labelstudio/server/inside``.

    Returns:
        The number of the review, and its address.
    """
    assert labels.project
    project, studio = labels.project, stack.studio
    answered_at = {sha256: each[-1].updated_at for sha256, each in labels.answers().items()}
    asked = tuple(
        Asked(s.sha256, s.task, s.labels, s.suggested, answered_at.get(s.sha256, ""))
        for s in suspects
    )
    now = datetime.now(timezone.utc).isoformat()
    review = Review(now, stack.person, project.identity, asked)
    number = reviews_of(stack, labels.dataset).append(review)
    marks = {
        suspect.task: f"r{number:04d}-{place:05d}-{suspect.annotation} {_question(suspect)}"
        for place, suspect in enumerate(suspects, start=1)
    }
    newest = max(a.updated_at for a in labels.snapshot.annotations)
    conditions = (
        condition(f"data.{FIELD}", "contains", "String", f"r{number:04d}-"),
        # True of them all. Our own server reads there which answers came before the review.
        condition("created_at", "less_or_equal", "Datetime", newest),
    )
    image = studio.projects.labelling(project.id).data
    columns = {f"data.{image}": 180, "annotations_results": 160, f"data.{FIELD}": 420}
    with stack.lock("review") as lease:
        with lease.guard():
            studio.tasks.set_value(project.id, FIELD, marks)
        with lease.guard():
            view = studio.views.put(
                project.id, TITLE, conditions, [f"tasks:data.{FIELD}"], columns=columns
            )
    return number, studio.views.labelling_url(project.id, view)


def _question(suspect: Suspect) -> str:
    """What the person reads beside the image."""
    if suspect.reason != LOOKS:
        return suspect.reason
    current, looks = (" + ".join(names) or "none" for names in (suspect.labels, suspect.suggested))
    return f"{current}? It looks like {looks}"
