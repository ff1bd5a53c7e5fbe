"""Images, predictions and tasks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """One image: its key in the artifact store and the hash of its content."""

    key: str
    sha256: str


@dataclass(frozen=True)
class Prediction:
    """What a model version says of one image.

    Attributes:
        labels: the predicted labels: one for single choice, any number for multiple.
        score: how sure it is, 0 to 1: the probability of the label; for multiple choice, that of
            what it says of the label it is least sure of.
    """

    labels: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Task:
    """One task of a Label Studio project.

    Attributes:
        id: Label Studio's number of it.
        key: the image's key in the store, empty while the image is not there.
        sha256: content hash of the image that it was made for, empty likewise.
        replaced: people annotated it, and another picture has lain under its key since.
        shows: content hash of the picture that was last known to lie under its key.
        vanished: it is marked, since there is no picture under its key.
    """

    id: int
    key: str
    sha256: str
    replaced: bool = False
    shows: str = ""
    vanished: bool = False
