"""The next command, as a table of states."""

import shlex
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import typer

from annolooop.cli import app
from annolooop.loop.rounds.next_step import LoopState, Step, next_step

LOOP = LoopState(dataset="my set", tasks=60, to_do=40, asked=20)
LAUNCH = "annoloop dataset launch 'my set'"
RERUN = "annoloop train --rerun"
NEXT = "annoloop next"
REVIEW = "annoloop dataset review"
ADD = "annoloop infer --batch FOLDER"
DONE = replace(LOOP, to_do=0)
NO_ROUND = replace(LOOP, asked=0)
UNKNOWN = LoopState(dataset="my set")  # what a command knows that looked at nothing


@pytest.mark.parametrize(
    ("state", "command"),
    [
        # before the first labels
        (LoopState(running=False, model=None), "annoloop up"),
        (LoopState(running=False, folder="a b"), "cd 'a b' && annoloop up"),
        (LoopState(running=False, folder="b", bucket=True), "cd b && annoloop storage setup"),
        (LoopState(bucket=True), "annoloop storage setup"),
        (LoopState(model=None), "annoloop train"),
        (replace(LOOP, model=False), "annoloop train"),
        (replace(LOOP, model=False, tasks=0, to_do=0), "annoloop train"),
        (replace(LOOP, tasks=0, to_do=0, asked=0), ADD),
        (NO_ROUND, LAUNCH),
        (UNKNOWN, LAUNCH),
        # a round is open
        (replace(LOOP, left=20), LAUNCH),
        (replace(LOOP, left=1, news=True), LAUNCH),
        (replace(LOOP, left=1, stale=True), LAUNCH),
        (replace(DONE, left=3), "annoloop report"),  # its tasks are gone
        # a round is done
        (replace(LOOP, news=True), NEXT),
        (replace(LOOP, stale=True), "annoloop infer --rerun --query 20"),
        (LOOP, "annoloop infer --query 20"),
        (replace(LOOP, news=True, enough=False), "annoloop infer --query 20"),
        # labels, and no round
        (replace(NO_ROUND, news=True), LAUNCH),
        (replace(NO_ROUND, stale=True), "annoloop infer --rerun --query 50"),
        (replace(NO_ROUND, news=True, enough=False), LAUNCH),
        # little is known
        (replace(UNKNOWN, news=None), RERUN),
        (replace(UNKNOWN, to_do=4, news=True), RERUN),
        (replace(UNKNOWN, to_do=4, news=True, enough=False), LAUNCH),
        (replace(UNKNOWN, to_do=4, stale=True), "annoloop infer --rerun --query 50"),
        # no task is left
        (replace(DONE, news=True), RERUN),
        (replace(DONE, stale=True), "annoloop report"),
        (DONE, "annoloop report"),
        (replace(DONE, measured=False), ADD),
        (replace(DONE, news=True, enough=False), ADD),
        # the labels of the dataset changed
        (replace(LOOP, relabelled=True), RERUN),
        (replace(LOOP, relabelled=True, left=3), RERUN),
        (replace(LOOP, relabelled=True, tasks=0, to_do=0), RERUN),
        (replace(LOOP, relabelled=True, model=False), "annoloop train"),
        # after an infer
        (replace(UNKNOWN, batch=""), LAUNCH),
        (replace(UNKNOWN, batch="", stale=True), "annoloop infer --rerun"),
        (replace(UNKNOWN, batch="a b", stale=True), "annoloop infer --batch 'a b' --rerun"),
        (replace(UNKNOWN, batch="a b", stale=True, left=9), LAUNCH),
        (replace(UNKNOWN, batch="a b", sent=False), "annoloop infer --batch 'a b'"),
        (replace(UNKNOWN, batch="", sent=False, stale=True), "annoloop infer"),
        # the gate refused what learnt these labels
        (replace(LOOP, refused="v4-0123ab"), REVIEW),
        (replace(DONE, refused="v4-0123ab"), REVIEW),
        (replace(LOOP, refused="v4-0123ab", left=3), LAUNCH),
        (replace(LOOP, refused="v4-0123ab", relabelled=True), RERUN),
        # labels may be wrong
        (replace(LOOP, doubt="to correct labels"), REVIEW),
        (replace(LOOP, doubt="to correct labels", own=False), f"{REVIEW} 'my set'"),
        # snapshots were listed
        (
            replace(UNKNOWN, snapshot=3),
            "annoloop dataset export 'my set' --snapshot 3 --format csv --out snapshot-3.csv",
        ),
        # nobody looked
        (replace(UNKNOWN, looked=False), "annoloop stats"),
        (replace(UNKNOWN, looked=False, model=False), "annoloop train"),
        (replace(UNKNOWN, looked=False, own=False), "annoloop dataset describe 'my set'"),
        (replace(UNKNOWN, pulled=False), "annoloop sync"),
        # another dataset than the stack file's
        (replace(LOOP, own=False, news=True), LAUNCH),
        (replace(LOOP, own=False, model=False), LAUNCH),
        (replace(UNKNOWN, own=False), "annoloop dataset describe 'my set'"),
        (
            replace(DONE, own=False),
            "annoloop dataset export 'my set' --format csv --out my_set.csv",
        ),
    ],
)
def test_state_has_its_command(state: LoopState, command: str) -> None:
    assert next_step(state).command == command


def test_why_tells_the_other_way_on() -> None:
    assert next_step(replace(NO_ROUND, news=True)).why.endswith(RERUN)
    assert next_step(replace(LOOP, news=True)).why.endswith("infer --rerun --query 20")
    assert next_step(replace(DONE, news=True)).why == ""
    assert ADD in next_step(DONE).why
    refused = replace(LOOP, refused="v4-0123ab")
    assert next_step(refused).why.endswith("annoloop model promote v4")
    assert next_step(replace(refused, left=3)).why.endswith(REVIEW)
    assert "holdout is too small" in next_step(replace(DONE, measured=False)).why
    assert "too few to learn" in next_step(replace(DONE, news=True, enough=False)).why


def every_step() -> set[Step]:
    """What all states lead to."""
    either = (False, True)
    rows = product(
        *(either, either, either, (False, None, True)),
        *(either, either, either, (None, "", "a b")),
        *((None, 0, 9), (None, 0, 20), (0, 3)),
        *(("", "v4-0123ab"), ("", "to correct labels"), either),
    )
    names = ("own", "model", "relabelled", "news", "enough", "stale", "sent", "batch", "to_do")
    keys = (*names, "asked", "left", "refused", "doubt", "looked")
    return {
        next_step(replace(UNKNOWN, measured=m, running=r, **dict(zip(keys, row, strict=True))))
        for row in rows
        for m in either
        for r in either
    } | {next_step(replace(UNKNOWN, snapshot=3))}


def test_every_command_has_only_arguments_that_there_are() -> None:
    root = typer.main.get_command(app)
    commands = {step.command for step in every_step()}
    for step in every_step():
        at = step.why.find("annoloop ")
        commands |= {step.why[at:]} if at >= 0 else set()
    assert len(commands) > 8
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "annoloop"
        parse(root, words)  # an error where it takes no such words


def parse(command: Any, words: list[str]) -> None:
    """Read words as the program does."""
    while subcommands := getattr(command, "commands", None):
        command, words = subcommands[words[0]], words[1:]
    command.make_context("annoloop", words)
