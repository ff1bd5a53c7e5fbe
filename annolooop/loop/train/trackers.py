"""Figures of a model version for TensorBoard and MLflow, where people want them there too.

They get plain numbers only. Each function raises :class:`TrackerFailed`, whatever the
library raised, without a login that was in an address.
"""

import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from annolooop.errors import install_extra

_LIMIT = 300  # characters of somebody else's error
# MLflow tries seven times, for two minutes each, and sends its makers statistics of use.
_MLFLOW = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a folder is asked for by name
    "GIT_PYTHON_REFRESH": "quiet",
}
_PARAM = 500  # characters of a value that every server takes


class TrackerFailed(Exception):
    """It did not get the figures; the text says why, and what to do."""


def to_tensorboard(folder: Path, figures: Mapping[str, float], step: int) -> None:
    """Add scalars to a run, which is a folder: an event file more.

    Raises:
        TrackerFailed: TensorBoard is not installed, or the folder cannot be written.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise TrackerFailed(_install("tensorboard")) from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writer = EventFileWriter(str(folder))
        try:
            values = [Summary.Value(tag=tag, simple_value=v) for tag, v in figures.items()]
            event = Event(wall_time=time.time(), step=step, summary=Summary(value=values))
            writer.add_event(event)
        finally:
            writer.close()
    except Exception as error:
        raise TrackerFailed(_told(error, ())) from error


def to_mlflow(
    uri: str,
    experiment: str,
    run: str,
    figures: Mapping[str, float],
    step: int,
    params: Mapping[str, str],
) -> None:
    """Make a run of an experiment, with metrics and parameters.

    Args:
        uri: of the tracking server, or a folder. It may hold a login.
        experiment: made if it is not there.
        run: its name.
        figures: metrics.
        step: of them.
        params: how the version was made.

    Raises:
        TrackerFailed: MLflow is not installed, or it refuses.
    """
    for name, value in _MLFLOW.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param
    except ImportError:
        raise TrackerFailed(_install("mlflow")) from None
    now = int(time.time() * 1000)
    try:
        client = MlflowClient(uri)
        there = client.get_experiment_by_name(experiment)
        number = there.experiment_id if there else client.create_experiment(experiment)
        made = client.create_run(number, run_name=run).info.run_id
        client.log_batch(
            made,
            metrics=[Metric(tag, value, now, step) for tag, value in figures.items()],
            params=[Param(key, value[:_PARAM]) for key, value in params.items()],
        )
        client.set_terminated(made)
    except Exception as error:
        raise TrackerFailed(_told(error, _secrets(uri))) from error


def tag_for(name: str, taken: Iterable[str] = ()) -> str:
    """A name that trackers take, for one that people chose; unlike those that are taken."""
    plain = re.sub(r"[^\w. -]", "_", name) or "_"
    found, number = plain, 2
    while found in taken:
        found, number = f"{plain}_{number}", number + 1
    return found


def _install(extra: str) -> str:
    return f"it is not installed: {install_extra(extra)}"


def _secrets(uri: str) -> tuple[str, ...]:
    """The address, and what of it is a login."""
    login = re.search(r"://([^/@\s]+)@", uri)
    parts = login[1].split(":") if login else ()
    return tuple(sorted((*([uri] if login else ()), *parts), key=len, reverse=True))


def _told(error: Exception, secrets: Iterable[str]) -> str:
    message = " ".join(str(error).split()) or type(error).__name__
    for secret in secrets:
        if len(secret) > 2:
            message = message.replace(secret, "****")
    return re.sub(r"(?<=://)[^/@\s]+@", "****@", message)[:_LIMIT]
