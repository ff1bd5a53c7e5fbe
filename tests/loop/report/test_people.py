"""Who answered: how much, how fast, when last; with their names or without."""

from dataclasses import replace

from support.trained_dataset import TrainedDataset

from annolooop.loop.labels.current import Labels
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


def test_without_names_people_are_numbered(dataset: TrainedDataset) -> None:
    found = people(dataset.stack(), two_people(dataset), anonymous=True)
    assert [row.name for row in found.annotators] == ["person 1", "person 2"]
    assert found.shared == 1
    assert all(row.shared for row in found.annotators)
