"""Answers of a snapshot beside those of a server whose numbers begin anew."""

from dataclasses import replace

from support.records import annotation

from annolooop.domain.annotations import Annotation
from annolooop.domain.loss import Matching, emails_of, match

OLD, NEW = {1: "ann@x.org", 2: "bob@x.org"}, {7: "bob@x.org", 9: "ann@x.org"}


def matched(kept: list[Annotation], present: list[Annotation]) -> Matching:
    return match(kept, emails_of(OLD, "owner"), present, emails_of(NEW, "owner"))


def moved(a: Annotation, by: int | None, **changed: object) -> Annotation:
    """The same answer on another server."""
    return replace(a, id=a.id + 100, task=a.task + 50, annotator=by, **changed)  # type: ignore[arg-type]


def test_same_answers_of_the_same_person_are_pairs() -> None:
    kept = [annotation(1), annotation(2, annotator=2), annotation(3, skipped=True)]
    present = [moved(kept[0], 9), moved(kept[1], 7), moved(kept[2], 9)]
    result = matched(kept, present)
    assert result.pairs == tuple(zip(kept, present, strict=True))
    assert not result.missing
    assert not result.changed


def test_answer_of_another_person_or_picture_is_missing() -> None:
    kept = [annotation(1), annotation(2)]
    present = [moved(kept[0], 7), moved(kept[1], 9, sha256="other")]
    assert matched(kept, present).missing == tuple(kept)


def test_different_answer_of_the_same_person_is_changed() -> None:
    kept, present = annotation(1, "cat"), moved(annotation(1, "dog"), 9)
    assert matched([kept], [present]).changed == ((kept, present),)


def test_one_of_two_same_answers_is_missing_where_the_server_has_one() -> None:
    kept = [annotation(1), annotation(1, id=2)]
    result = matched(kept, [moved(kept[0], 9)])
    assert (len(result.pairs), len(result.missing)) == (1, 1)


def test_people_without_an_account_or_address_stay_apart() -> None:
    by = emails_of(OLD, "owner@x.org")
    names = [by(annotation(1, annotator=who)) for who in (None, 5, 6, 1)]
    assert names == [
        "owner@x.org",
        "person-5@unknown.invalid",
        "person-6@unknown.invalid",
        "ann@x.org",
    ]


def test_task_without_a_key_is_known_by_its_address() -> None:
    kept = annotation(1, key="", sha256="", address="https://x.org/1.jpg")
    other = replace(kept, address="https://x.org/2.jpg")
    assert matched([kept], [moved(other, 9)]).missing == (kept,)
    assert len(matched([kept], [moved(kept, 9)]).pairs) == 1
