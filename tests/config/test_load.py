"""The stack file: found, filled in, validated; each error names file, line and key."""

import json
from pathlib import Path

import pytest
from support.project import ROOT

from annolooop.config.load import load_stack
from annolooop.errors import ConfigError, UsageError

SHIPPED = ROOT / "configs" / "default.yaml"


def write(folder: Path, text: str) -> str:
    file = folder / "annoloop.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def message(folder: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_stack(write(folder, text), environ=environ)
    assert caught.value.hint
    return caught.value.message


def test_shipped_stack_file_says_what_the_defaults_are(tmp_path: Path) -> None:
    shipped = load_stack(str(SHIPPED), environ={})
    assert shipped.config == load_stack(write(tmp_path, ""), environ={}).config
    assert shipped.folder == SHIPPED.parents[1]


def test_unknown_key_is_named_with_its_line_and_a_close_key(tmp_path: Path) -> None:
    text = message(tmp_path, "store:\n  url: here\nlabel_studio:\n  prot: 8093\n")
    assert text.endswith("annoloop.yaml:4: label_studio.prot: unknown key; did you mean port?")


def test_wrong_type_is_named_with_its_line(tmp_path: Path) -> None:
    text = message(tmp_path, "label_studio:\n  port: many\n")
    assert "annoloop.yaml:2: label_studio.port: input should be a valid integer" in text


def test_every_wrong_key_is_told_at_once(tmp_path: Path) -> None:
    text = message(tmp_path, "label_studio:\n  port: 0\ntrain:\n  holdout: 2\n")
    assert "label_studio.port" in text
    assert "train.holdout" in text


def test_hint_checks_the_file_that_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "night.yaml"
    file.write_text("train: {seed: x}\n")
    with pytest.raises(ConfigError) as caught:
        load_stack(str(file))
    assert caught.value.hint.endswith(f"annoloop stack check --stack {file}")
    file.write_text("")
    with pytest.raises(ConfigError) as caught:
        load_stack(str(file), ["train.seed=x"])
    assert "stack check" not in caught.value.hint


def test_duplicate_key_is_refused(tmp_path: Path) -> None:
    text = message(tmp_path, "train:\n  seed: 1\n  seed: 2\n")
    assert text.endswith("annoloop.yaml:3: train.seed is given twice (first on line 2)")


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    assert "annoloop.yaml:2: not valid YAML" in message(tmp_path, "store:\n\turl: a\n")


def test_file_that_holds_no_mapping_is_refused(tmp_path: Path) -> None:
    assert "not a list" in message(tmp_path, "- a\n- b\n")


def test_unset_variable_is_named(tmp_path: Path) -> None:
    text = message(tmp_path, "label_studio:\n  url: http://x\n  api_key: ${KEY}\n")
    assert text.endswith("annoloop.yaml:3: label_studio.api_key: the variable KEY is not set")


def test_variable_with_a_message_of_its_own(tmp_path: Path) -> None:
    text = message(tmp_path, "store:\n  url: ${BUCKET:?name the bucket}\n")
    assert text.endswith("store.url: name the bucket")


def test_variables_are_filled_in(tmp_path: Path) -> None:
    text = "store:\n  url: ${A}/${B:-two}/$${C}\nlabel_studio:\n  port: ${PORT}\n"
    loaded = load_stack(write(tmp_path, text), environ={"A": "one", "PORT": "9000"})
    assert loaded.config.store.url == "one/two/${C}"
    assert loaded.config.label_studio.port == 9000


def test_dotenv_fills_what_the_environment_lacks(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\n", encoding="utf-8")
    loaded = load_stack(write(tmp_path, "store:\n  url: ${A}-${B}\n"), environ={"A": "env"})
    assert loaded.config.store.url == "env-file"


def test_override_wins_and_origins_are_told(tmp_path: Path) -> None:
    text = "train:\n  seed: 1\n  holdout: ${H}\ndataset:\n  labels: [a, b]\n"
    loaded = load_stack(write(tmp_path, text), ["train.seed=7"], environ={"H": "0.5"})
    origins = {s.key: (s.value, s.origin) for s in loaded.settings}
    assert origins["train.seed"] == (7, "flag")
    assert origins["train.holdout"] == (0.5, "env:H")
    assert origins["dataset.labels"] == (["a", "b"], "file:5")
    assert origins["infer.batch_size"] == ("auto", "default")


def test_override_of_an_unknown_key_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--set train\.sed: unknown key; did you mean seed"):
        load_stack(write(tmp_path, ""), ["train.sed=1"], environ={})


def test_override_of_a_section_is_told_as_such(tmp_path: Path) -> None:
    loaded = load_stack(write(tmp_path, ""), ["train={seed: 3}"], environ={})
    assert ("train.seed", 3, "flag") in [(s.key, s.value, s.origin) for s in loaded.settings]
    with pytest.raises(ConfigError, match=r"--set infer\.device: input should be 'auto'"):
        load_stack(write(tmp_path, ""), ["infer={device: tpu}"], environ={})


@pytest.mark.parametrize("override", ["dataset.labels=[a", "train.seed={"])
def test_override_that_is_not_yaml_is_a_usage_error(tmp_path: Path, override: str) -> None:
    with pytest.raises(UsageError, match="not valid YAML"):
        load_stack(write(tmp_path, ""), [override], environ={})


@pytest.mark.parametrize("value", ["2024-99-99", "!!python/object:os.system {}", "!secret x"])
def test_value_that_yaml_cannot_build_is_named(tmp_path: Path, value: str) -> None:
    assert "annoloop.yaml:2: store.url" in message(tmp_path, f"store:\n  url: {value}\n")


def test_section_with_all_keys_commented_out_says_nothing(tmp_path: Path) -> None:
    assert load_stack(write(tmp_path, "infer:\n# batch_size: 4\n"), environ={}).config.infer


def test_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\n", encoding="utf-8")
    loaded = load_stack(write(tmp_path, "store:\n  url: ${A}\n"), environ={"A": ""})
    assert loaded.config.store.url == "file"


def test_override_without_value_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not key=value"):
        load_stack(write(tmp_path, ""), ["train.seed"], environ={})


def test_secret_is_masked_in_settings_and_errors(tmp_path: Path) -> None:
    text = "label_studio:\n  url: http://x\n  api_key: ${KEY}\n"
    loaded = load_stack(write(tmp_path, text), environ={"KEY": "s3cr3t"})
    assert "s3cr3t" not in repr(loaded)
    answer_text = message(tmp_path, "label_studio:\n  api_key: ${KEY}\n  port: x\n", KEY="s3cr3t")
    assert "s3cr3t" not in answer_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dataset:\n  labels: [a]\n", "needs two labels at least"),
        ("dataset:\n  labels: [a, a]\n", "twice"),
        ("dataset:\n  name: ab\n", "at least 3"),
        ("store:\n  url: hdfs://bucket/prefix\n", "hdfs:// is not supported"),
        ("store:\n  url: s3://bucket//prefix\n", "no empty part"),
        ("store:\n  url: s3://bucket/what?\n", "Label Studio shows no object below it"),
        ("s3:\n  endpoint: example.org:9000\n", "must start with http"),
        ("label_studio:\n  url: example.org\n  api_key: x\n", "must start with http"),
        ("label_studio:\n  url: https://example.org\n", "needs api_key"),
        ("label_studio:\n  document_root: /data\n", "only used with url"),
    ],
)
def test_values_that_cannot_work_are_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in message(tmp_path, text)


def test_override_fills_a_section_whose_keys_are_commented_out(tmp_path: Path) -> None:
    loaded = load_stack(write(tmp_path, "gcs:\n  # project: x\n"), ["gcs.project=p"], environ={})
    assert loaded.config.gcs.project == "p"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_files_may_have_a_mark_that_names_their_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / ".env").write_bytes("A=größe\n".encode(encoding))
    file = tmp_path / "annoloop.yaml"
    file.write_bytes("store:\n  url: ${A}\n".encode(encoding))
    assert load_stack(str(file), environ={}).config.store.url == "größe"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("A=1\nB=größe\n".encode("latin-1"), ":2: it is not UTF-8 text"),
        ("A=1\n".encode("utf-16-le"), ":1: it holds a zero byte"),
        (b"\xff\xfeA\0=\0\n\0\x00\xd8", ":2: it is not UTF-8 text"),
    ],
)
def test_file_that_is_not_text_is_named_with_its_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    file = write(tmp_path, "")
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"\.env{problem}"):
        load_stack(file, environ={})
    (tmp_path / ".env").unlink()
    (tmp_path / "annoloop.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"annoloop\.yaml{problem}"):
        load_stack(file, environ={})


def test_folder_called_env_holds_no_variables(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load_stack(write(tmp_path, ""), environ={})


BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 12)]
)
MERGES = "\n".join(
    ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(9)) + "}"]
    + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a\n  b: *a\n",
        "a: &a [*a]\n",
        "a: &a\n  <<: *a\n",
        "[" * 5000,
        "a: " * 500,
        "{a: " * 5000,
        BOMB,
        MERGES,
        "a: 1\n<<: 5\n",
        "? [1, 2]\n: 3\n",
        "a: " + "x" * 1_100_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_file_that_never_ends_is_refused(tmp_path: Path, text: str) -> None:
    assert "annoloop.yaml" in message(tmp_path, text)


@pytest.mark.parametrize("value", ["&a [*a]", "&a {b: *a}", "[" * 5000, "{x: &x 1, y: *x}"])
def test_override_has_no_aliases_and_no_depth(tmp_path: Path, value: str) -> None:
    with pytest.raises(UsageError, match="the value is not valid YAML"):
        load_stack(write(tmp_path, ""), [f"dataset={value}"], environ={})


@pytest.mark.parametrize("value", ["1.23", "5", "yes", "2026-01-01"])
def test_text_that_yaml_takes_for_something_else_is_to_be_quoted(
    tmp_path: Path, value: str
) -> None:
    told = message(tmp_path, f"label_studio:\n  version: {value}\n")
    assert "annoloop.yaml:2: label_studio.version: is not text for YAML" in told
    assert "quote it" in told
    assert "12345" not in message(tmp_path, "label_studio:\n  api_key: 12345\n  url: http://x\n")


@pytest.mark.parametrize("version", ["../../precious", "latest", "1", "1.23.2/..", "1.2.3\n", ""])
def test_version_of_label_studio_is_a_version(tmp_path: Path, version: str) -> None:
    """It becomes the name of a folder, which may be removed."""
    told = message(tmp_path, f"label_studio:\n  version: {json.dumps(version)}\n")
    assert "label_studio.version: is no version, for example 1.23.2" in told


@pytest.mark.parametrize("version", ["1.23", "1.23.2", "1.24.0rc1", "1.24.0.post1"])
def test_versions_of_releases_are_taken(tmp_path: Path, version: str) -> None:
    file = write(tmp_path, f'label_studio:\n  version: "{version}"\n')
    assert load_stack(file, environ={}).config.label_studio.version == version


@pytest.mark.parametrize("text", ['"a\\0b"', '"\\ud800"', '["a", "\\ud800"]', '{"\\ud800": 1}'])
def test_what_is_no_character_is_named(tmp_path: Path, text: str) -> None:
    assert "annoloop.yaml:2: store.url" in message(tmp_path, f"store:\n  url: {text}\n")
    with pytest.raises(ConfigError, match=r"--set store\.url"):
        load_stack(write(tmp_path, ""), [f"store.url={text}"], environ={})


def test_path_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    loaded = load_stack(write(tmp_path, ""), environ={})
    (tmp_path / "round").symlink_to(tmp_path / "round")
    for value in ("~nobody-of-this-name/x", "round/x"):
        with pytest.raises(ConfigError, match=f"the path {value} leads nowhere"):
            loaded.path(value)
