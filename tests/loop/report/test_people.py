"""Who answered: how much, how fast, when last; with their names or without."""

from dataclasses import replace
from pathlib import Path

from support.trained_dataset import TrainedDataset

from annolooop.loop.labels.current import Labels
from annolooop.loop.quality.review_records import Asked, Review, reviews_of
from annolooop.loop.report.people import people


def two_people(dataset: TrainedDataset) -> Labels:
    """One of every three answers is the other one's, who is faster."""
    labels = dataset.read()
    given = [
        replace(a, annotator=7 if n % 3 == 0 else 1, lead_time=2.0 if n % 3 == 0 else 9.0 + n % 2)
        for n, a in enumerate(labels.snapshot.annotations)
    ]
    given.append(replace(given[0], id=999, annotator=1, updated_at="2026-01-09T10:00:00Z"))
    emails = {1: "ann@example.org", 7: "bob@example.org"}
    return replace(
        labels, snapshot=replace(labels.snapshot, annotations=tuple(given), people=emails)
    )


def test_people_come_with_the_most_answers_first(dataset: TrainedDataset) -> None:
    ann, bob = people(dataset.stack(), two_people(dataset)).annotators
    assert (ann.name, ann.labels, ann.shared) == ("ann@example.org", 41, 1)
    assert (bob.name, bob.labels, bob.seconds) == ("bob@example.org", 20, 2.0)
    assert ann.seconds in (9.0, 9.5, 10.0)


def test_who_was_active_last_is_seen(dataset: TrainedDataset) -> None:
    ann, _ = people(dataset.stack(), two_people(dataset)).annotators
    assert ann.last == max(
        a.updated_at for a in two_people(dataset).snapshot.annotations if a.annotator == 1
    )


def test_corrections_by_review_are_counted_of_who_answered_first(tmp_path: Path) -> None:
    few = TrainedDataset(tmp_path, 8)
    labels, stack = two_people(few), few.stack()
    first, second, third = [a for a in labels.snapshot.annotations if a.annotator == 7][1:4]
    asked = [
        Asked(first.sha256, first.task, first.labels, (), "0"),  # submitted again since
        Asked(second.sha256, second.task, ("another",), (), "0"),
        Asked(third.sha256, third.task, third.labels, (), third.updated_at),
    ]
    reviews_of(stack, labels.dataset).append(Review("then", "me", "1 then", tuple(asked)))
    found = people(stack, labels)
    assert found.reviews == {"corrected": 1, "confirmed": 1, "open": 1}
    ann, bob = found.annotators
    assert (ann.reviewed, ann.corrected) == (0, 0)
    assert (bob.reviewed, bob.corrected) == (2, 1)


def test_without_names_people_are_numbered(dataset: TrainedDataset) -> None:
    found = people(dataset.stack(), two_people(dataset), anonymous=True)
    assert [row.name for row in found.annotators] == ["person 1", "person 2"]
    assert found.shared == 1
    assert all(row.shared for row in found.annotators)
