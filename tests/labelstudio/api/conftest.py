"""A project of a server with prepared answers."""

import pytest
from support.fake_label_studio import FakeLabelStudio


@pytest.fixture
def project(fake: FakeLabelStudio) -> int:
    """Id of a project that asks for the labels a and b."""
    config = (
        '<View><Image name="image" value="$image"/><Choices name="choice" toName="image">'
        '<Choice value="a"/><Choice value="b"/></Choices></View>'
    )
    raw = {"id": 7, "created_at": "2026-01-01T00:00:00Z", "title": "cats", "label_config": config}
    fake.answer("GET", "/api/projects/7", raw)
    return 7
