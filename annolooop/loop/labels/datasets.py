"""The datasets of a store."""

from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS, MODELS

PARTS = (DATASETS, MODELS)  # of the store, that have a folder for each dataset


def stored_datasets(stack: Stack) -> set[str]:
    """Names of the datasets that the store knows."""
    return {item.key.split("/")[1] for part in PARTS for item in stack.store.walk(part)}
