"""One trained project for all tests of accepting and reviewing: each leaves it as it was."""

import pytest
from support.project import Server, on_server
from support.trained_loop import TrainedLoop


@pytest.fixture(scope="package")
def loop(server: Server, tmp_path_factory: pytest.TempPathFactory) -> TrainedLoop:
    return TrainedLoop(on_server(tmp_path_factory.mktemp("trust"), server, "trust"))
