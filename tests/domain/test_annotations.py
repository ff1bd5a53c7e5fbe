"""What people answered, compared between two snapshots."""

from support.records import annotation

from annolooop.domain.annotations import Changes, Snapshot, compare


def test_changes_between_snapshots_are_counted() -> None:
    old = Snapshot(annotations=(annotation(1), annotation(2), annotation(3)))
    new = Snapshot(annotations=(annotation(1), annotation(2, "dog"), annotation(4)))
    assert compare(old, new) == Changes(created=1, updated=1, deleted=1)
    assert not compare(old, old)
