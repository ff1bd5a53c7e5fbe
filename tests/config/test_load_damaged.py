"""Stack files and .env files, damaged in many ways: an error of the configuration, or values."""

import random
from pathlib import Path

import pytest

from annolooop.config.load import load_stack
from annolooop.errors import ConfigError, UsageError

TIMES = 2500
STACK = b"""dataset: {name: cats, labels: [cat, dog]}
store:
  url: ${P:-x}
  lock_timeout: 5
label_studio: {port: 8093, version: 1.23.2}
infer: {batch_size: 4, device: cpu}
train:
  holdout: 0.2
  seed: 3
model: {backbone: resnet18}
"""
DOTENV = b"A=1\nexport B='x y'\nP=${A}\n#x\nD=\"a\\n\"\n"
# What means something to YAML, to .env files, to references, or to nobody.
PIECES = (
    b"&a ", b"*a", b"<<: *a", b"!!python/object:os.system ", b"!!binary xx", b"!!timestamp x",
    b"!!int 0x", b"!!float x", b"!!set {a}", b"!!omap [a: 1]", b"!!bool x", b"!!null x", b"!!value",
    b"!<tag:yaml.org,2002:int> zz", b"{", b"}", b"[", b"]", b"? ", b": ", b"- ", b"|\n", b">\n",
    b"%YAML 9.9\n", b"---\n", b"...\n", b"\t", b"\0", b"\xff", b"\xef\xbb\xbf", b"${", b"${file:x}",
    b"${file:/}", b"${A:?", b"${D:-${A}}", b"$$", b"~", b"1e999", b"0x7fffffffffffffffffff",
    b"2020-99-99", b"yes", b"'", b'"', b"#", b"@", b"`", b"\\x", b'"\\ud800"', b"9" * 5000,
    b"1_000", b"190:20:30", b"=", b"\r", b"\n", b"[" * 3000, b"a: " * 300,
)  # fmt: skip


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Some bytes with pieces put in, taken out, changed or repeated."""
    made = bytearray(data)
    for _ in range(draw.randrange(1, 6)):
        at, how = draw.randrange(len(made)), draw.random()
        if how < 0.5:
            made[at:at] = draw.choice(PIECES)
        elif how < 0.7:
            del made[at : at + draw.randrange(1, 30)]
        elif how < 0.85:
            made[at] = draw.randrange(256)
        else:
            made[at:at] = data[draw.randrange(len(data)) :][:40]
        made = made or bytearray(b"x")
    return bytes(made)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["annoloop.yaml", ".env"])
def test_damaged_file_is_a_configuration_error(tmp_path: Path, name: str) -> None:
    draw, refused = random.Random(1), 0
    file = tmp_path / "annoloop.yaml"
    file.write_bytes(STACK)
    for _ in range(TIMES):
        body = damaged(DOTENV if name == ".env" else STACK, draw)
        (tmp_path / name).write_bytes(body)
        try:
            load_stack(str(file), environ={}, unread=draw.random() < 0.3)
        except ConfigError:
            refused += 1
        except Exception as error:
            raise AssertionError(body) from error
    assert 100 < refused < TIMES


@pytest.mark.slow
def test_damaged_override_is_an_error_of_the_user(tmp_path: Path) -> None:
    draw = random.Random(2)
    file = tmp_path / "annoloop.yaml"
    file.write_bytes(STACK)
    for _ in range(TIMES):
        override = damaged(b"dataset.labels=[cat, dog]", draw).decode("utf-8", "surrogateescape")
        try:
            load_stack(str(file), [override], environ={})
        except (UsageError, ConfigError):
            continue
        except Exception as error:
            raise AssertionError(override) from error
