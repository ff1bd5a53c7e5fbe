"""What a retrain costs once the embeddings are kept: seconds, and over an epoch the usual way.

Measured: reading the embeddings of `--count` labelled images (10 labels) from a store in a
temporary folder, and fitting the head on them with its penalty chosen by cross-validation, as
`train --rerun` does; the median of `--rounds`.

Over: one epoch of plain torchvision fine-tuning of the same number of images, with the backbone
frozen: a DataLoader with a worker for each core decodes, resizes and normalises JPEGs of 0.2 MP,
resnet18 runs forward, and a linear layer takes a step of SGD after each batch of 32.

Without `--images` the photos are noise, and the embeddings (512 dimensions) are drawn: ten clouds
that overlap a little, correlated as a network's are. With `--images`, a folder with a folder for
each label, both are of these images, by the weights that `--weights` names.

Run it: python benchmarks/retrain.py [--count N] [--dim N] [--rounds N] [--images FOLDER]
            [--weights NAME_OR_FILE] [--record FILE]

Exit status: 0 when the fit takes at most a second and the epoch at least 200 times as long.
"""

import argparse
import hashlib
import io
import os
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from figures import Figure, add_record, tell
from numpy.typing import NDArray
from photos import photos_in
from PIL import Image

from annolooop.model.heads.fit import fit_head
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings

LABELS = 10
SHARD = 256  # embeddings
BATCH = 32

Vector = NDArray[np.float32]


def main() -> int:
    """Measure both, and print two figures."""
    args = _arguments()
    with TemporaryDirectory() as folder:
        files, chosen = photos(args, Path(folder) / "photos")
        vectors = embed(files, args.weights) if args.images else draw(args, chosen)
        targets = np.eye(max(chosen) + 1, dtype=bool)[chosen]
        fit = time_fit(Path(folder), vectors, targets, args.rounds)
        epoch = time_epoch(files, chosen, args.weights)
    what = f"retrain on {len(files):,} labels, embeddings cached"
    told = f"{vectors.shape[1]} dimensions, {targets.shape[1]} labels"
    return tell(
        [
            Figure(what, f"seconds of the fit, {told}", f"{fit:.3f} s over 1 s", fit, 1.0, False),
            Figure(
                what,
                "one epoch of plain torchvision fine-tuning (head only) over the fit",
                f"{epoch:.1f} s over {fit:.3f} s",
                epoch / fit,
                200.0,
            ),
        ],
        args.record,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A retrain on kept embeddings.")
    parser.add_argument("--count", type=int, default=1000, help="images; default: 1000")
    parser.add_argument("--dim", type=int, default=512, help="of drawn embeddings; default: 512")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--images", type=Path, help="a folder with a folder for each label")
    parser.add_argument("--weights", default="none", help="of resnet18; default: random ones")
    add_record(parser)
    return parser.parse_args()


def photos(args: argparse.Namespace, folder: Path) -> tuple[list[Path], list[int]]:
    """JPEGs, and the label of each: those of ``--images``, or noise."""
    if args.images:
        found = [f for f in photos_in(args.images) if f.parent.parent == args.images]
        labels = sorted({f.parent for f in found})
        if len(labels) < 2:
            raise SystemExit(f"{args.images} holds no folders of photos, one for each label")
        pairs = [(f, labels.index(f.parent)) for f in found]
        order = np.random.default_rng(0).permutation(len(pairs))[: args.count]
        return [pairs[i][0] for i in order], [pairs[i][1] for i in order]
    folder.mkdir()
    rng, files = np.random.default_rng(0), []
    for number in range(args.count):
        coarse = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        files.append(folder / f"{number}.jpg")
        Image.fromarray(coarse).resize((512, 384), Image.Resampling.BICUBIC).save(files[-1])
    return files, [number % LABELS for number in range(args.count)]


def draw(args: argparse.Namespace, chosen: list[int]) -> Vector:
    """Embeddings, (n, dim): no value below 0, a spectrum that falls off."""
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(64, args.dim)) / np.sqrt(np.arange(1, 65))[:, None]
    inner = rng.normal(size=(LABELS, 64))[chosen] + 1.5 * rng.normal(size=(len(chosen), 64))
    noise = rng.normal(0.2, 0.3, (len(chosen), args.dim))
    return np.maximum(inner @ axes + noise, 0).astype(np.float32)


def embed(files: list[Path], weights: str) -> Vector:
    """Embeddings of images, by annoloop's own pipeline."""
    from annolooop.model.backbones.classifier import build_backbone
    from annolooop.model.backbones.pipeline import Pipeline
    from annolooop.model.backbones.weights import load_weights

    def refuse(what: str, folder: Path) -> None:
        raise SystemExit(f"{what} is not downloaded here")

    state, transform = load_weights("resnet18", weights, Path("none"), refuse, print)
    pipeline = Pipeline(build_backbone("resnet18", weights, state, transform), BATCH)
    found: dict[str, Vector] = {}
    for batch in pipeline.embed((str(file), file.read_bytes()) for file in files):
        found |= batch.vectors
    return np.stack([found[str(file)] for file in files])


def time_fit(folder: Path, vectors: Vector, targets: NDArray[np.bool_], rounds: int) -> float:
    """Median seconds from the store to the head."""
    store = ArtifactStore(str(folder / "store"))
    hashes = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(len(vectors))]
    writer = Embeddings(store, "space", folder / "cache")
    for at in range(0, len(hashes), SHARD):
        part = hashes[at : at + SHARD]
        writer.add(dict(zip(part, vectors[at : at + SHARD], strict=True)))
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        embeddings = Embeddings(store, "space", folder / "cache")
        embeddings.load()
        _, figures, _ = fit_head(embeddings.matrix(hashes), targets, False, 0)
        seconds.append(time.perf_counter() - begun)
    print(f"fit: {', '.join(f'{s:.3f}' for s in seconds)} s; C {figures['C']:g}", end=", ")
    print(f"out of fold: {figures['accuracy']:.3f} right, log loss {figures['log_loss']:.3f}")
    return statistics.median(seconds)


def time_epoch(files: list[Path], chosen: list[int], weights: str) -> float:
    """Seconds of one epoch."""
    import torch
    from torchvision import models, transforms

    class Photos(torch.utils.data.Dataset[tuple[torch.Tensor, int]]):
        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, at: int) -> tuple[torch.Tensor, int]:
            return prepare(Image.open(io.BytesIO(files[at].read_bytes())).convert("RGB")), chosen[
                at
            ]

    prepare = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    network = models.resnet18(weights=None)  # which weights takes no time
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    network.fc = torch.nn.Linear(network.fc.in_features, max(chosen) + 1)
    network.eval()
    optimizer = torch.optim.SGD(network.fc.parameters(), lr=0.01, momentum=0.9)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    batches = torch.utils.data.DataLoader(Photos(), BATCH, shuffle=True, num_workers=cores or 1)
    begun = time.perf_counter()
    for pixels, labels in batches:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(pixels), labels)
        loss.backward()
        optimizer.step()
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
