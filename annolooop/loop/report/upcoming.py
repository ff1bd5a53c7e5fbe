"""What comes next, for who types no commands."""

from annolooop.domain.answers import count_tasks
from annolooop.domain.versions import ModelVersion
from annolooop.errors import counted
from annolooop.loop.labels.current import Labels
from annolooop.loop.quality.stats import with_model
from annolooop.loop.rounds.figures import RoundStats, last_round
from annolooop.loop.rounds.next_step import LoopState, Step, next_step
from annolooop.page.content import Verdict
from annolooop.stack import Stack

WORDS = (  # how commands begin, and what they are for; {left}: images that wait for people
    ("annoloop dataset launch", "People answer about {left} that are waiting for them."),
    ("annoloop next", "The model learns from the new answers; then people are asked about more."),
    ("annoloop dataset review", "Somebody looks at labels that may be wrong."),
    ("annoloop infer --batch", "More images are added: people have answered about all of them."),
    ("annoloop infer", "The model chooses images that it can learn most from, for people."),
    ("annoloop train --rerun", "The model learns from the new answers."),
    ("annoloop train", "The first model is made."),
    ("annoloop sync", "The answers of people are read."),
    ("annoloop report", "People have answered about all images; to go on, more are needed."),
    ("", "Whoever runs annoloop looks after it."),
)


def upcoming(
    stack: Stack, labels: Labels, version: ModelVersion | None, verdict: Verdict, images: int
) -> tuple[str, Step, RoundStats | None]:
    """What comes next in words, as a command, and the last round.

    Args:
        stack: the annotation loop.
        labels: of the dataset.
        version: the current one.
        verdict: whether the target is reached.
        images: of the dataset; where Label Studio was not asked, they stand for its tasks.
    """
    annotations, choice = labels.snapshot.annotations, labels.rules.choice
    asked = last_round(stack, labels.dataset, annotations, choice)
    left = asked.asked - asked.answered if asked else 0
    name, project, predictions = labels.dataset, labels.project, {}
    tasks = project.tasks if project else images
    to_do = max(0, count_tasks(annotations, choice).to_do(tasks))
    if project:
        predictions = stack.studio.predictions.count_by_version(project.id)
    state = LoopState(
        dataset=name,
        own=stack.owns(name),
        tasks=tasks,
        to_do=to_do,
        asked=asked.asked if asked else 0,
        left=left,
    )
    snapshots = (labels.last, labels.snapshot)
    step = next_step(with_model(stack, state, version, predictions, snapshots, labels.rules))
    return in_words(step, left or to_do, verdict), step, asked


def in_words(step: Step, left: int | None, verdict: Verdict) -> str:
    """What a command is for."""
    if verdict.state == "reached":
        return "The target is reached: labelling may end here."
    images = counted(left, "image") if left else "the images"
    words = next(words for begins, words in WORDS if step.command.startswith(begins))
    return words.format(left=images)
