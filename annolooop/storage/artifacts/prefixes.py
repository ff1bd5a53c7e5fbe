"""Prefixes of the store below which annoloop keeps things of its own, and nobody images."""

DATASETS = "datasets"
MODELS = "models"
BACKBONES = "backbones"
EMBEDDINGS = "embeddings"
LOCKS = "locks"
ANNOTATIONS = "annotations"  # copies that Label Studio writes
DOCTOR = "doctor"
BACKUPS = "backups"  # of the local Label Studio
COPIES = "images/.copies"  # that browsers can show, of images that they cannot

OWN = frozenset({DATASETS, MODELS, BACKBONES, EMBEDDINGS, LOCKS, ANNOTATIONS, DOCTOR, BACKUPS})


def is_own(prefix: str) -> bool:
    """Whether a key or a prefix of the store is annoloop's own."""
    return prefix.partition("/")[0] in OWN or is_below(prefix, COPIES)


def is_below(prefix: str, folder: str) -> bool:
    """Whether a key or a prefix of the store is a folder or below it; the empty one holds all."""
    return not folder or prefix == folder or prefix.startswith(f"{folder}/")
