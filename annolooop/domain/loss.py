"""Answers that a server lost: whether a pull would lose them, and which of a snapshot it lacks."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from annolooop.domain.annotations import Annotation, ProjectCounts, Snapshot

ANSWERS = 5  # fewer lost ones are what people delete by hand
SHARE = 0.1  # of all answers, likewise


def is_other_project(last: Snapshot, project: ProjectCounts) -> bool:
    """Whether a snapshot has answers, of another project than this one."""
    return bool(last.annotations) and last.project != project.identity


def find_loss(last: Snapshot, pulled: Snapshot) -> str:
    """What is missing in ``pulled``, in words; empty where little or nothing is.

    Predictions that were accepted are nobody's answers: they can be accepted again.

    Args:
        last: the newest snapshot.
        pulled: what the same project has now.
    """
    now = {a.id: a.updated_at for a in pulled.annotations}
    answers = [a for a in last.annotations if not a.accepted]
    lost = sum(a.id not in now for a in answers)
    older = sum(now.get(a.id, a.updated_at) < a.updated_at for a in answers)
    total = len(answers)
    if older:
        return f"{older} of {total} answers are older there than in"
    if lost >= ANSWERS and lost > SHARE * total:
        return f"{lost} of {total} answers are not there any more that are in"
    return ""


Picture = tuple[str, str]  # its key, or the address of one without a key; and its content hash


@dataclass(frozen=True)
class Matching:
    """Answers of a snapshot beside those of a server.

    Attributes:
        pairs: an answer of the snapshot, and the same one on the server.
        changed: an answer of the snapshot, and a different one of the same person about the same
            picture.
        missing: answers of the snapshot that the server does not have.
    """

    pairs: tuple[tuple[Annotation, Annotation], ...]
    changed: tuple[tuple[Annotation, Annotation], ...]
    missing: tuple[Annotation, ...]


def picture_of(a: Annotation) -> Picture:
    """What an answer is about."""
    return (a.key, a.sha256) if a.key else (a.address, "")


def emails_of(people: Mapping[int, str], nobody: str) -> Callable[[Annotation], str]:
    """What names the person of an answer on every server: an e-mail address.

    People whose address is not known get one that nobody has, so that they stay apart.

    Args:
        people: user id -> e-mail address.
        nobody: name for those whose account was deleted.
    """

    def name(a: Annotation) -> str:
        if a.annotator is None:
            return nobody
        return people.get(a.annotator, f"person-{a.annotator}@unknown.invalid")

    return name


def match(
    kept: Iterable[Annotation],
    kept_by: Callable[[Annotation], str],
    present: Iterable[Annotation],
    present_by: Callable[[Annotation], str],
) -> Matching:
    """Pair the answers of a snapshot with those of a server.

    Numbers mean nothing: those of another database count from 1 again. Answers are the same when
    their person, picture and content are.

    Args:
        kept: of the snapshot.
        kept_by: names the person of such an answer.
        present: of the server.
        present_by: likewise.
    """
    there: dict[tuple[Picture, str], list[Annotation]] = defaultdict(list)
    for a in sorted(present, key=_age):
        there[picture_of(a), present_by(a)].append(a)
    pairs, unpaired = [], []
    for a in sorted(kept, key=_age):
        same = there[picture_of(a), kept_by(a)]
        twin = next((b for b in same if _content(b) == _content(a)), None)
        if twin:
            same.remove(twin)
            pairs.append((a, twin))
        else:
            unpaired.append(a)
    changed, missing = [], []
    for a in unpaired:
        same = there[picture_of(a), kept_by(a)]
        if same:
            changed.append((a, same.pop(0)))
        else:
            missing.append(a)
    return Matching(tuple(pairs), tuple(changed), tuple(missing))


def _content(a: Annotation) -> tuple[object, ...]:
    return a.labels, a.skipped, a.ground_truth, a.extra


def _age(a: Annotation) -> tuple[str, int]:
    return a.updated_at, a.id
