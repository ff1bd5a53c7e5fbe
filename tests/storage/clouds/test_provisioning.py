"""What setup made is noted part by part."""

from annolooop.storage.clouds.provisioning import merged


def test_note_of_a_new_part_is_added() -> None:
    made = merged({"bucket": {"name": "lab"}}, "cors", {"id": "1"})
    assert made == {"bucket": {"name": "lab"}, "cors": {"id": "1"}}


def test_lists_of_one_part_are_joined() -> None:
    made = merged({"cors": {"id": "1", "origins": ["a"]}}, "cors", {"id": "1", "origins": ["b"]})
    assert made == {"cors": {"id": "1", "origins": ["a", "b"]}}


def test_earlier_notes_are_left_as_they_were() -> None:
    before = {"cors": {"origins": ["a"]}}
    merged(before, "cors", {"origins": ["b"]})
    assert before == {"cors": {"origins": ["a"]}}
