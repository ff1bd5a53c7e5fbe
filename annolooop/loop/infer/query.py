"""Choose which images people annotate next: those from which a model would learn most."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import islice

from annolooop.domain.annotations import Annotation, ProjectCounts
from annolooop.domain.draw import TWO_PEOPLE, draw
from annolooop.domain.examples import Example, build_examples
from annolooop.domain.progress import Track
from annolooop.domain.rounds import Round
from annolooop.domain.versions import ModelVersion
from annolooop.loop.infer.candidates import Candidate, Candidates
from annolooop.loop.labels.pull import pull
from annolooop.loop.labels.split import recorded_split, rules_of_stack
from annolooop.loop.push.push import IMAGES_PER_PART
from annolooop.loop.rounds.queue import open_round, place_between, rounds_of
from annolooop.loop.versions.predict import Predictor
from annolooop.model.choosing.choose import choose
from annolooop.model.choosing.pool import Pool
from annolooop.model.heads.targets import build_targets
from annolooop.model.judging.duplicates import near_limit
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Embeddings


@dataclass(frozen=True)
class QueryReport:
    """What `infer --query` asks people next.

    Attributes:
        round: its number; 0 when nothing was left to ask.
        strategy: that was asked for.
        used: what chose, which for ``auto`` is another one; empty where only images of the holdout
            were left.
        why: in words.
        asked: tasks, the holdout among them.
        holdout: of these, that no strategy chose.
        twice: of these, that two people are asked.
        left: tasks that nobody annotated and that were not asked this time.
        unseen: tasks that could not be chosen, as this model's backbone has not seen their images.
        seconds: that choosing took.
        crowded: several people may be given one task, since the server does not pass over tasks
            that others have open.
    """

    round: int
    strategy: str
    used: str
    why: str
    asked: int
    holdout: int
    twice: int
    left: int
    seconds: float
    crowded: bool = False
    unseen: int = 0


@dataclass(frozen=True)
class Query:
    """What to ask.

    Attributes:
        count: tasks.
        strategy: that chooses.
        overlap: share of the tasks that two people are asked.
    """

    count: int
    strategy: str = "auto"
    overlap: float = 0.0


def ask(
    stack: Stack,
    project: ProjectCounts,
    version: ModelVersion,
    embeddings: Embeddings,
    query: Query,
    track: Track,
) -> QueryReport:
    """Choose tasks, and make them the queue.

    Images of the holdout are chosen by no strategy: their share of the tasks is fixed, and which
    they are is drawn by their hash. The others are what the strategy finds among the images that
    nobody annotated or skipped, that are still there, and whose embedding is kept.

    Args:
        stack: the annotation loop.
        project: whose tasks; what the task index says of them must be right.
        version: the current model version.
        embeddings: of its backbone.
        query: what to ask.
        track: shows how far it is.

    Raises:
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    now = stack.studio.projects.get(project.id) or project  # its counters have moved on
    annotations = pull(stack.studio, now, stack.snapshots.latest()).annotations
    rounds = list(rounds_of(stack, stack.config.dataset.name).each())
    choosing = _Choosing(stack, version, embeddings, query, stack.config.train.seed + len(rounds))
    candidates = choosing.look(annotations, track)
    share = candidates.holdout_share(query.count, sum(len(r.query) for r in rounds))
    held = candidates.held[:share]
    count = min(query.count - len(held), candidates.free)
    # Near-duplicates are asked about once: a strategy may choose fewer.
    picks, used, why = choosing.choose(candidates.to_choose_from, annotations, count)
    seconds = round(time.monotonic() - begun, 3)
    if not picks and not held:
        nothing = QueryReport(0, query.strategy, "", "", 0, 0, 0, candidates.total, seconds)
        return replace(nothing, unseen=choosing.unseen)
    order = place_between([c.task for c in picks], [c.task for c in held])
    twice = [c.task for c in (*picks, *held) if is_asked_twice(c.image.sha256, query.overlap)]
    opened = open_round(
        stack,
        Round(
            number=0,
            created_at=datetime.now(timezone.utc).isoformat(),
            project=project.identity,
            version=version.name,
            strategy=used,
            why=why,
            query=tuple(order),
            holdout=tuple(c.task for c in held),
            twice=tuple(twice),
        ),
        rounds,
    )
    return QueryReport(
        opened.number,
        query.strategy,
        used,
        why,
        asked=len(order),
        holdout=len(held),
        twice=len(twice),
        left=candidates.total - len(order),
        seconds=seconds,
        # Our own server is set to pass over tasks that others have open; whether another one does
        # cannot be seen from outside.
        crowded=stack.daemon is None and len(stack.studio.people.emails()) > 1,
        unseen=choosing.unseen,
    )


def is_asked_twice(sha256: str, share: float) -> bool:
    """Whether two people are asked about an image: a stable share, unrelated to the split."""
    return draw(sha256, TWO_PEOPLE) < share


class _Choosing:
    """What one query chooses from, and how.

    Args:
        stack, version, embeddings, query: as for :func:`ask`.
        seed: of what is drawn.
    """

    def __init__(
        self,
        stack: Stack,
        version: ModelVersion,
        embeddings: Embeddings,
        query: Query,
        seed: int,
    ) -> None:
        self._stack, self._version, self._embeddings = stack, version, embeddings
        self._query, self._seed = query, seed
        self.unseen = 0  # tasks that could be asked, had their images an embedding
        # Predictions of a fresh head are drawn at random.
        self._predictor = Predictor(stack, version, embeddings) if version.trained else None

    def look(self, annotations: Sequence[Annotation], track: Track) -> Candidates:
        """The tasks that can be asked."""
        holdout = self._stack.config.train.holdout
        recorded = recorded_split(self._stack, self._stack.config.dataset.name, holdout)
        candidates = Candidates(self._query.count, holdout, recorded, self._predictor, self._seed)
        parts = self._free(annotations)
        for part in track(parts, "look", -(-len(self._stack.catalog) // IMAGES_PER_PART)):
            candidates.add(part)
        return candidates

    def _free(self, annotations: Sequence[Annotation]) -> Iterator[list[Candidate]]:
        """Tasks that can be asked, one for each content, some thousands at a time."""
        stack = self._stack
        touched = {a.task for a in annotations}
        seen = {_short(a.sha256) for a in annotations if a.sha256}
        images = stack.catalog.images()
        while part := {image.key: image for image in islice(images, IMAGES_PER_PART)}:
            missing = self._embeddings.missing(image.sha256 for image in part.values())
            candidates = []
            for task in stack.task_index.tasks(part):
                image = part[task.key]
                if task.replaced or task.vanished or task.sha256 != image.sha256:
                    continue
                content = _short(image.sha256)
                if task.id in touched or content in seen:
                    continue
                seen.add(content)
                if image.sha256 in missing:
                    self.unseen += 1
                    continue
                candidates.append(Candidate(task.id, image))
            yield candidates

    def choose(
        self, candidates: Sequence[Candidate], annotations: Sequence[Annotation], count: int
    ) -> tuple[list[Candidate], str, str]:
        """Those to ask, best first; what chose them, and why."""
        if not count:
            return [], "", "only images of the holdout are left"
        images = [c.image for c in candidates]
        vectors = self._embeddings.matrix(i.sha256 for i in images)
        examples = self._examples(annotations)
        labelled = self._embeddings.matrix(e.sha256 for e in examples)
        pool = Pool(
            embeddings=vectors,
            probabilities=self._predictor.probabilities(images) if self._predictor else None,
            labelled=labelled.reshape(len(examples), vectors.shape[1]),
            targets=build_targets(examples, self._version.labels),
            multiple=self._version.choice == "multiple",
            near=near_limit(vectors),
            accuracy=(self._version.metrics.get("cross_validation") or {}).get("accuracy"),
        )
        choice = choose(self._query.strategy, pool, count, self._seed)
        return [candidates[i] for i in choice.order[:count].tolist()], choice.used, choice.why

    def _examples(self, annotations: Sequence[Annotation]) -> list[Example]:
        """What people labelled outside of the holdout, and whose embedding is kept."""
        known = build_examples(annotations, rules_of_stack(self._stack)).examples
        examples = [e for e in known if e.split == "train"]
        missing = self._embeddings.missing(e.sha256 for e in examples)
        return [e for e in examples if e.sha256 not in missing]


def _short(sha256: str) -> int:
    """Enough of a hash to tell contents apart, in less memory."""
    return int(sha256[:16], 16)
