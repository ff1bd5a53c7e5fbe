"""Points in time, as ISO 8601 text with a zone."""

from datetime import datetime
from typing import Annotated


def is_moment(text: str) -> str:
    """The text as it is; ValueError where it is no point in time."""
    if datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is None:
        raise ValueError
    return text


Moment = Annotated[str, is_moment]
