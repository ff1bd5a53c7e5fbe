"""One trained project for all tests of accepting, undoing and reviewing."""

from collections.abc import Iterator

import pytest
from support.project import Server, on_server
from support.trained_dataset import TrainedDataset
from support.trained_loop import TrainedLoop

from annolooop.domain.annotations import Annotation
from annolooop.domain.progress import untracked
from annolooop.loop.quality.accept import accept
from annolooop.loop.quality.propose import AcceptOptions


@pytest.fixture(scope="package")
def trained(server: Server, tmp_path_factory: pytest.TempPathFactory) -> TrainedLoop:
    return TrainedLoop(on_server(tmp_path_factory.mktemp("trust"), server, "trust"))


@pytest.fixture
def loop(trained: TrainedLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainedLoop]:
    """The project; afterwards its annotations are what they were."""
    monkeypatch.setattr("annolooop.storage.intents.SECONDS_OF_QUIET", 0.5)
    before = {a.id: a.labels for a in trained.annotations()}
    yield trained
    for a in trained.annotations():
        if a.id not in before:
            trained.delete(a.id)
        elif a.labels != before[a.id]:
            trained.change(a.id, before[a.id][0])


@pytest.fixture
def accepted(loop: TrainedLoop) -> list[Annotation]:
    """What is accepted at a precision of 0.7, with a spot check of 0.4."""
    accept(loop.stack(), AcceptOptions(0.7, 0.4, None, True), untracked)
    return [*loop.accepted().values()]


@pytest.fixture(scope="package")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> TrainedDataset:
    """Annotated and trained without a server; ten images of each label are not annotated."""
    return TrainedDataset(tmp_path_factory.mktemp("offline"), 40, range(30, 40), ("aria_3.png",))
