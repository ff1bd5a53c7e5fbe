"""Addresses that no server can have are refused where they are set."""

import pytest

from annolooop.config.addresses import check_address


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8093", "https://labels.example.org/ls", "http://[::1]:8080",
        "http://localhost", "https://größe.example", "https://xn--gre-6ka8i.example",
        "http://label_studio:8080", "http://minio.:9000", "https://********/x", "********",
    ],
)  # fmt: skip
def test_addresses_of_servers_are_taken(url: str) -> None:
    assert check_address(url) == url
    assert check_address(f"{url}/") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://[", "http://[::1", "http://[x]", "http://a:b", "http://a:99999", "http://a:0",
        "http://%zz", "http://.", "http://-", "https://a..b", "http://xn--a", "http://a b",
        "http://a,b", f"http://{'a' * 300}", "http://@",
    ],
)  # fmt: skip
def test_address_that_no_server_has_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no address of a server"):
        check_address(url)


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org", "http://", "http:///x"])
def test_address_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must start with http"):
        check_address(url)
