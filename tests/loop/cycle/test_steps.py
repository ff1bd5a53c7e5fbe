"""Steps say what they do, and where one fails, what is left."""

import pytest

from annolooop.loop.cycle.steps import Steps

COMMANDS = ["annoloop up", "annoloop train", "annoloop infer photos"]


def test_each_step_says_which_command_it_is() -> None:
    lines: list[str] = []
    steps = Steps(COMMANDS, "annoloop start photos", lines.append)
    with steps.step("Label Studio"):
        pass
    assert lines == ["1/3 Label Studio  (= annoloop up)"]
    assert list(steps.seconds) == ["Label Studio"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failed_step_says_what_is_left_and_what_to_type(error: type[BaseException]) -> None:
    lines: list[str] = []
    steps = Steps(COMMANDS, "annoloop start photos", lines.append)
    with steps.step("Label Studio"):
        pass
    with pytest.raises(error), steps.step("the first version"):
        raise error
    assert lines[-2:] == [
        "left to do: annoloop train, then: annoloop infer photos",
        "All of it, with the same command again: annoloop start photos",
    ]
