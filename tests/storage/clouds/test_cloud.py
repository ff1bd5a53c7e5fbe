"""What the parts of the program are told of the cloud that a store is in."""

from pathlib import Path
from typing import Any

import pytest

from annolooop.config.schema import StackConfig
from annolooop.storage.clouds.cloud import Cloud
from annolooop.storage.clouds.table import CLOUDS, open_cloud

URLS = {"s3": "s3://lab/team a", "gs": "gs://lab/team a", "az": "az://lab/team a"}


def cloud_of(url: str, **sections: Any) -> Cloud:
    store = {"url": url, **sections.pop("store", {})}
    found = open_cloud(StackConfig.model_validate({"store": store, **sections}), Path)
    assert found
    return found


def test_folder_is_in_no_cloud() -> None:
    assert open_cloud(StackConfig.model_validate({"store": {"url": "a/folder"}}), Path) is None


def test_each_scheme_has_its_cloud() -> None:
    assert URLS.keys() == CLOUDS.keys()
    assert {scheme: type(cloud_of(url)) for scheme, url in URLS.items()} == CLOUDS


@pytest.mark.parametrize("scheme", CLOUDS)
def test_everything_of_a_cloud_is_in_its_folder(scheme: str) -> None:
    folder = Path(CLOUDS[scheme].__module__.replace(".", "/")).parent
    assert folder.name == CLOUDS[scheme].name
    here = Path(__file__).parents[3] / folder
    assert {"cloud.py", "files.py", "provision.py", "by_hand.py"} <= {
        file.name for file in here.iterdir()
    }


@pytest.mark.parametrize("scheme", CLOUDS)
def test_bucket_and_prefix_come_from_the_address(scheme: str) -> None:
    cloud = cloud_of(URLS[scheme])
    assert (cloud.bucket, cloud.prefix) == ("lab", "team a")
    assert cloud.in_bucket("images/a.jpg") == "team a/images/a.jpg"


def test_store_of_a_whole_bucket_has_no_prefix() -> None:
    cloud = cloud_of("s3://lab")
    assert cloud.in_bucket("images/a.jpg") == "images/a.jpg"


@pytest.mark.parametrize(
    ("label_studio", "origins"),
    [
        ({"port": 8085}, ("http://127.0.0.1:8085", "http://localhost:8085")),
        ({"url": "https://Labels.example.org:443/ls"}, ("https://labels.example.org",)),
        ({"url": "http://labels.example.org:8080"}, ("http://labels.example.org:8080",)),
        ({"url": "http://[::1]:80"}, ("http://[::1]",)),
    ],
)
def test_pages_that_may_read_are_named_as_a_browser_names_them(
    label_studio: dict[str, Any], origins: tuple[str, ...]
) -> None:
    section = {"api_key": "t", **label_studio} if "url" in label_studio else label_studio
    assert cloud_of("s3://lab/x", label_studio=section).required.origins == origins


def test_names_that_label_studio_cannot_show_are_known_with_the_reason() -> None:
    assert cloud_of("gs://lab/x").unshown.keys() == {"?", "\n", "\r", "\t"}
    assert "with a ? in its name" in cloud_of("gs://lab/x").unshown["?"]


def test_signed_addresses_of_azure_hide_more_names() -> None:
    signed = cloud_of("az://lab/x", store={"images": "presign"})
    assert {"#", "%"} <= signed.unshown.keys()
    assert "#" not in cloud_of("az://lab/x", store={"images": "proxy"}).unshown


def test_our_label_studio_learns_the_address_of_a_server_that_is_not_amazons() -> None:
    own = cloud_of("s3://lab/x", s3={"endpoint": "http://127.0.0.1:9000"})
    assert own.server_variables() == {"S3_ENDPOINT": "http://127.0.0.1:9000"}
    assert cloud_of("s3://lab/x").server_variables() == {}


def test_settings_without_a_value_are_there_too() -> None:
    """An earlier session token would break a new key."""
    cloud = cloud_of("s3://lab/x", s3={"access_key": "k", "secret_key": "s"})
    assert cloud.server_settings["aws_session_token"] is None
    assert cloud.server_settings["aws_access_key_id"] == "k"


def test_label_studio_gets_the_key_that_may_only_read_to_show_images() -> None:
    keys = {"access_key": "k", "secret_key": "s", "session_token": "t", "region": "eu-west-1"}
    reader = {"reader_access_key": "r", "reader_secret_key": "rs"}
    cloud = cloud_of("s3://lab", s3={**keys, **reader})
    shown = cloud.image_settings
    assert (shown["aws_access_key_id"], shown["aws_secret_access_key"]) == ("r", "rs")
    assert (shown["aws_session_token"], shown["region_name"]) == (None, "eu-west-1")
    assert cloud.server_settings["aws_access_key_id"] == "k"  # writes annotations, where asked to
    plain = cloud_of("s3://lab", s3=keys)
    assert plain.image_settings == plain.server_settings
