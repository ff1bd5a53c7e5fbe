"""What comes next, in words that need no command line."""

from support.trained_dataset import TrainedDataset

from annolooop.loop.report.upcoming import in_words, upcoming
from annolooop.loop.rounds.next_step import Step
from annolooop.page.content import EARLY, Verdict

REACHED = Verdict("reached", "", "")


def test_a_command_has_its_words() -> None:
    launch = Step("annoloop dataset launch 'my set'")
    assert in_words(launch, 12, EARLY).startswith("People answer about 12 images")
    assert in_words(launch, 1, EARLY).startswith("People answer about 1 image that")
    assert in_words(launch, None, EARLY).startswith("People answer about the images")
    assert "learns" in in_words(Step("annoloop next"), 3, EARLY)
    assert "chooses" in in_words(Step("annoloop infer --rerun --query 20"), 3, EARLY)
    assert "More images" in in_words(Step("annoloop infer --batch FOLDER"), 0, EARLY)


def test_no_words_hold_a_command() -> None:
    for command in ("annoloop up", "annoloop stats", "cd x && annoloop up", "annoloop report"):
        assert "annoloop " not in in_words(Step(command), 3, EARLY).replace("runs annoloop ", "")


def test_a_target_that_is_reached_ends_the_work() -> None:
    assert "may end" in in_words(Step("annoloop next"), 3, REACHED)


def test_without_label_studio_the_last_snapshot_decides(dataset: TrainedDataset) -> None:
    words, step, asked = upcoming(dataset.stack(), dataset.read(), dataset.version, EARLY, 80)
    assert step.command == "annoloop dataset launch offline"
    assert words == "People answer about 20 images that are waiting for them."
    assert asked is None
    all_done = upcoming(dataset.stack(), dataset.read(), dataset.version, EARLY, 60)
    assert all_done[0].startswith("People have answered about all images")
