"""The keys of the stack file that are about one cloud."""

from typing import Any

import pytest
from pydantic import ValidationError

from annolooop.config.schema import StackConfig


def problem(values: dict[str, Any]) -> str:
    """The message of the one problem that the values have."""
    with pytest.raises(ValidationError) as refused:
        StackConfig.model_validate(values)
    (only,) = refused.value.errors()
    return str(only["msg"])


def test_s3_key_needs_its_secret() -> None:
    assert "belong together" in problem({"s3": {"access_key": "a"}})


def test_s3_key_and_profile_are_one_too_many() -> None:
    section = {"access_key": "a", "secret_key": "b", "profile": "p"}
    assert "remove one of them" in problem({"s3": section})


def test_azure_connection_string_stands_alone() -> None:
    section = {"connection_string": "c", "account": "a"}
    assert "only account_key may stand beside it" in problem({"azure": section})


def test_reader_key_needs_its_secret() -> None:
    section = {"reader_access_key": "r"}
    assert "reader_access_key and reader_secret_key belong together" in problem({"s3": section})
