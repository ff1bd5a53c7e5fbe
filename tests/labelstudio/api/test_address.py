"""Certificates, and the right address where a wrong one is set."""

import ssl
from pathlib import Path

import httpx
import pytest
from support.fake_label_studio import FakeLabelStudio

from annolooop.errors import ConfigError
from annolooop.labelstudio.api.address import (
    explain_tls,
    not_label_studio,
    open_client,
    redirected,
    trusted_certificates,
)

URL = "https://labels.example.org"


def failure(code: int) -> httpx.ConnectError:
    cause = ssl.SSLCertVerificationError("wrong")
    cause.verify_code, cause.verify_message = code, "certificate is wrong"
    error = httpx.ConnectError("wrong")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (10, "Whoever runs the server has to renew it"),
        (62, "Set label_studio.url to the name that the certificate is for."),
        (64, "Set label_studio.url to the name that the certificate is for."),
        (19, "Set the variable SSL_CERT_FILE"),
    ],
)
def test_reason_why_a_certificate_is_not_trusted_decides_the_hint(code: int, hint: str) -> None:
    error = explain_tls(URL, failure(code))
    assert error
    assert error.message == f"the certificate of {URL} is not trusted: certificate is wrong"
    assert error.hint.startswith(hint)


def test_https_to_a_server_without_it_is_explained() -> None:
    error = httpx.ConnectError("x")
    error.__cause__ = cause = ssl.SSLError(1, "wrong")
    cause.reason = "WRONG_VERSION_NUMBER"
    explained = explain_tls(URL, error)
    assert explained
    assert "does not answer by https" in explained.message
    assert explained.hint.endswith("http://labels.example.org")


def test_http_to_a_server_that_closes_the_connection_is_explained() -> None:
    explained = explain_tls("http://labels.example.org", httpx.RemoteProtocolError("closed"))
    assert explained
    assert explained.message == "the server at http://labels.example.org closes the connection"
    assert explained.hint.endswith(URL)


def test_other_failures_are_not_explained() -> None:
    assert explain_tls(URL, httpx.ConnectError("refused")) is None


def test_file_without_certificates_is_a_configuration_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none.pem").write_text("nothing")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match="no certificates can be read from"):
        trusted_certificates()


def test_proxy_of_the_environment_is_not_used_for_this_machine(
    fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    fake.answer("GET", "/", "here")
    with open_client(fake.url, 5) as client:
        assert client.get(fake.url).text == "here"


def test_our_own_server_is_not_looked_for_elsewhere(fake: FakeLabelStudio) -> None:
    with open_client(fake.url, 5) as client:
        error = not_label_studio(client, fake.url, ours=True)
    assert error.hint == "Check label_studio.port in the stack file."
    assert fake.requests == []


def test_page_of_label_studio_leads_to_its_address(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/api/version", {"release": "1.20"})
    with open_client(fake.url, 5) as client:
        error = not_label_studio(client, f"{fake.url}/projects/3", ours=False)
    assert error.hint == f"Set label_studio.url to {fake.url}"


def test_secrets_of_a_redirect_are_not_shown(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/api/x", "", 302, Location="http://user:secret@other.example/ls/api/x?t=1")
    with open_client(fake.url, 5) as client:
        error = redirected(client, fake.url, "/api/x", client.get(f"{fake.url}/api/x"), False)
    assert error.hint == "Set label_studio.url to http://other.example/ls"
