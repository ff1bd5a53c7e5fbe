"""Files come out in the order of the batch, whatever becomes known of them first."""

from pathlib import Path

import numpy as np
import pytest

from annolooop.domain.progress import Progress, untracked
from annolooop.domain.tasks import Image
from annolooop.loop.embed import ordered_buffer
from annolooop.loop.embed.files import BatchFile
from annolooop.loop.embed.ordered_buffer import FinishedFiles, OrderedBuffer
from annolooop.loop.embed.sources import Source

VECTOR = np.zeros(2, np.float32)


def file(name: str, data: bytes | None = None) -> BatchFile:
    return BatchFile(Source(name, name, Path(name), None), Image(name, f"sha of {name}"), data)


@pytest.fixture
def parts() -> list[FinishedFiles]:
    return []


@pytest.fixture
def buffer(parts: list[FinishedFiles]) -> OrderedBuffer:
    return OrderedBuffer(Progress(untracked, "infer", 3), parts.append)


def names(part: FinishedFiles) -> list[str]:
    return [one.source.name for one in part.files]


def test_known_file_waits_for_those_before_it(
    buffer: OrderedBuffer, parts: list[FinishedFiles]
) -> None:
    assert [name for name, _ in buffer.to_embed([file("a", b"1"), file("b")])] == ["sha of a"]
    assert parts == []
    buffer.add(["sha of a"], {"sha of a": VECTOR}, {})
    buffer.end()
    (part,) = parts
    assert names(part) == ["a", "b"]
    assert list(part.vectors) == ["sha of a"]


def test_bytes_are_not_kept_while_a_file_waits(
    buffer: OrderedBuffer, parts: list[FinishedFiles]
) -> None:
    list(buffer.to_embed([file("a", b"1")]))
    buffer.add(["sha of a"], {"sha of a": VECTOR}, {})
    buffer.end()
    assert parts[0].files[0].data is None


def test_content_is_embedded_once_until_it_is_recorded(
    buffer: OrderedBuffer, parts: list[FinishedFiles]
) -> None:
    assert len(list(buffer.to_embed([file("a", b"1"), file("a", b"1")]))) == 1
    buffer.add(["sha of a"], {"sha of a": VECTOR}, {})
    assert list(buffer.to_embed([file("a", b"1")])) == []
    buffer.end()
    buffer.note_recorded(parts[0])
    assert len(list(buffer.to_embed([file("a", b"1")]))) == 1


def test_content_that_cannot_be_decoded_is_tried_once(
    buffer: OrderedBuffer, parts: list[FinishedFiles]
) -> None:
    list(buffer.to_embed([file("a", b"1")]))
    buffer.add(["sha of a"], {}, {"sha of a": "it is no image"})
    assert list(buffer.to_embed([file("a", b"1")])) == []
    buffer.end()
    assert parts[-1].undecodable == {"sha of a": "it is no image"}


def test_part_is_put_once_it_is_large_enough(
    buffer: OrderedBuffer, parts: list[FinishedFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_buffer, "IMAGES_PER_PART", 2)
    list(buffer.to_embed([file("a"), file("b"), file("c")]))
    assert [names(part) for part in parts] == [["a", "b"]]
    buffer.end()
    assert [names(part) for part in parts] == [["a", "b"], ["c"]]


def test_part_is_put_once_it_has_waited_long_enough(
    buffer: OrderedBuffer, parts: list[FinishedFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_buffer, "SECONDS_PER_PART", 0.0)
    list(buffer.to_embed([file("a"), file("b")]))
    assert [names(part) for part in parts] == [["a"], ["b"]]


def test_vectors_go_with_the_first_part_after_them(
    buffer: OrderedBuffer, parts: list[FinishedFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are recorded before the files that have to wait for others."""
    monkeypatch.setattr(ordered_buffer, "SECONDS_PER_PART", 0.0)
    list(buffer.to_embed([file("a"), file("b", b"1"), file("c", b"2")]))
    buffer.add(["sha of c"], {"sha of c": VECTOR}, {})
    buffer.add(["sha of b"], {"sha of b": VECTOR}, {})
    assert [names(part) for part in parts] == [["a"], ["b", "c"]]
    assert parts[1].vectors.keys() == {"sha of b", "sha of c"}
