"""Ways in which an object of the store may be damaged; the same ones every time."""

import json
import random
from collections.abc import Iterator
from typing import Any

DEEP = 20_000  # levels; Python's own readers give up at about a thousand
# What may stand where something else is expected.
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 7, 2**70, 0.5, float("nan"), float("inf"), "", "x", "red", "1", "\ud800",
    "2026-13-45", "v9-abcdef", "\x1b[31m", "../../x", [], [None], ["x"], [[]], {}, {"x": 1},
    {"": {}},
)  # fmt: skip
# Whole objects that hold something else.
BODIES: tuple[bytes, ...] = (
    b"", b"{", b"null", b"true", b"5", b'"x"', b"[]", b"{}", b"[{}]", b"\xff\xfe", b"\0" * 40,
    b"\xef\xbb\xbf{}", '{"a": "ü"}'.encode("latin-1"), '{"a": "ü"}'.encode("utf-16"),
    b"version https://git-lfs.github.com/spec/v1\n", b"<Error><Code>AccessDenied</Code></Error>",
    b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b"1" * 5000, b'{"a": 1e999}',
)  # fmt: skip


def damages(data: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Damaged forms of an object: some of other content, some changed here and there.

    Args:
        data: what it holds.
        seed: of what is drawn.
        count: how many.
    """
    draw = random.Random(seed)
    try:
        record = json.loads(data)
    except ValueError:
        record = None
    for _ in range(count):
        kind = draw.random()
        if record is not None and kind < 0.7:
            changed = _changed(json.loads(data), draw)
            yield json.dumps(changed).encode()
        elif kind < 0.85:
            yield draw.choice(BODIES)
        else:
            yield _bytes_changed(data, draw)


def _changed(record: Any, draw: random.Random) -> Any:
    """A JSON value with something in it removed, added or replaced."""
    places: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in list(items):
            places.append((value, name))
            if isinstance(inner, (dict, list)):
                collect(inner)

    if not isinstance(record, (dict, list)) or not record:
        return draw.choice(VALUES)
    collect(record)
    # Names of the record itself are as likely as all that is deep in it.
    above = [place for place in places if place[0] is record]
    where, name = draw.choice(draw.choice([above, places]))
    how = draw.random()
    if how < 0.2:
        del where[name]
    elif how < 0.3 and isinstance(where, dict):
        where[draw.choice(["more", "", "7", "\ud800"])] = draw.choice(VALUES)
    elif how < 0.35:
        deep: Any = 1
        for _ in range(400):  # which Python's reader takes
            deep = [deep]
        where[name] = deep
    else:
        where[name] = draw.choice(VALUES)
    return record


def _bytes_changed(data: bytes, draw: random.Random) -> bytes:
    """Bytes of which some are lost, or others."""
    if not data:
        return b"\0"
    at = draw.randrange(len(data))
    how = draw.randrange(3)
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
    return data[:at] + draw.randbytes(8) + data[at + 8 :]
