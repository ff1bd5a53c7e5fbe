"""People are compared by their last answers about the same images."""

from annolooop.domain.annotations import Annotation
from annolooop.loop.quality.agreement import agreement


def answer(who: int, image: int, *labels: str, accepted: str = "", at: str = "1") -> Annotation:
    return Annotation(
        image, image, f"{image}", f"{image}", labels, False, False, who, at, accepted=accepted
    )


def test_people_are_compared_by_their_last_answers_and_models_are_not() -> None:
    answers = [answer(1, n, "a" if n % 2 else "b") for n in range(12)]
    answers += [answer(2, n, "a" if n % 2 else "b", at="2") for n in range(12)]
    answers += [
        answer(2, 0, "a"),
        answer(3, 1, "b"),
        answer(3, 40, "a"),
        answer(4, 2, "a", accepted="v1"),
    ]
    found = agreement(answers, ["a", "b", "c"], "single", {1: "one@x.org"})
    assert (found.images, found.same) == (12, 11)
    assert list(found.people) == ["one@x.org", "user 2", "user 3"]
    assert (found.people["user 3"].images, found.people["user 3"].shared) == (2, 1)
    pair = found.pairs[0]
    assert (pair.first, pair.second, pair.images, pair.same) == ("one@x.org", "user 2", 12, 12)
    assert pair.kappa.value == 1
    assert found.labels["c"].value is None
    assert (found.people["user 3"].alpha.value or 0) < 0 < (found.alpha.value or 0) < 1
    many = agreement([answer(1, 1, "a", "b"), answer(2, 1, "a")], ["a", "b"], "multiple")
    assert (many.images, many.same, many.alpha.value) == (1, 0, 0)


def test_without_a_shared_image_there_is_no_agreement() -> None:
    found = agreement([answer(1, 1, "a"), answer(2, 2, "a")], ["a", "b"], "single")
    assert (found.images, found.alpha.value, found.people) == (0, None, {})


def test_skips_and_empty_answers_are_no_answers_with_single_choice() -> None:
    empty = answer(2, 1)
    assert agreement([answer(1, 1, "a"), empty], ["a", "b"], "single").images == 0
    assert agreement([answer(1, 1, "a"), empty], ["a", "b"], "multiple").images == 1


def test_labels_that_the_dataset_does_not_have_follow_its_own() -> None:
    found = agreement([answer(1, 1, "z"), answer(2, 1, "a")], ["a", "b"], "single")
    assert list(found.labels) == ["a", "b", "z"]


def test_pairs_with_most_shared_images_come_first() -> None:
    answers = [answer(who, n, "a") for who, count in ((1, 5), (2, 5), (3, 2)) for n in range(count)]
    pairs = agreement(answers, ["a", "b"], "single").pairs
    assert (pairs[0].first, pairs[0].second) == ("user 1", "user 2")
    assert [p.images for p in pairs] == [5, 2, 2]
