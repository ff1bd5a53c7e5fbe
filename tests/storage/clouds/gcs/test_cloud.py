"""Which of Google's credentials Label Studio is given."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.google_server import service_account_key

from annolooop.config.schema import StackConfig
from annolooop.errors import ConfigError
from annolooop.storage.clouds.table import open_cloud

USER = {"type": "authorized_user", "client_id": "1", "client_secret": "s", "refresh_token": "r"}


def write(file: Path, content: Any) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def stack(**sections: Any) -> StackConfig:
    return StackConfig.model_validate({"store": {"url": "gs://lab/x"}, **sections})


def test_our_label_studio_finds_the_credentials_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "adc.json", USER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "adc.json")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "lab-project")
    cloud = open_cloud(stack(), Path)
    assert cloud
    told = cloud.server_variables()
    assert told["GOOGLE_APPLICATION_CREDENTIALS"] == str(file)
    assert told["GOOGLE_CLOUD_PROJECT"] == "lab-project"
    assert not cloud.server_settings["google_application_credentials"]


def test_machines_key_is_given_to_our_label_studio_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = service_account_key("https://oauth2.googleapis.com/token")
    file = write(tmp_path / "key.json", key)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    signed = {"url": "gs://lab/x", "images": "presign"}
    ours = open_cloud(stack(store=signed), Path)
    assert ours
    assert ours.server_settings["google_application_credentials"] == key
    theirs = {"url": "https://labels.example.org", "api_key": "t"}
    for given in (stack(store=signed, label_studio=theirs), stack(label_studio=theirs)):
        cloud = open_cloud(given, Path)
        assert cloud
        if given.store.images == "presign":
            with pytest.raises(ConfigError, match="nothing else can sign"):
                assert cloud.server_settings
        else:
            assert not cloud.server_settings["google_application_credentials"]
            assert "credentials of its own" in cloud.advice
    keyed = open_cloud(
        stack(store=signed, label_studio=theirs, gcs={"credentials": "key.json"}),
        lambda path: tmp_path / path,
    )
    assert keyed
    assert keyed.server_settings["google_application_credentials"] == key
