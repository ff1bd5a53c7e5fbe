"""Colours by name, for paper and light screens, and for dark ones."""

from typing import Any

LIGHT = {
    "bg": "#ffffff",
    "panel": "#f5f6f8",
    "text": "#1a1f26",
    "muted": "#586270",
    "line": "#d9dee5",
    "accent": "#2458c5",
    "soft": "#a9bde8",
    "warm": "#b4540a",
    "good": "#1c7c3c",
    "low": "#eef1f6",
    "high": "#2458c5",
    "sure": "#d3dbe8",
    "unsure": "#b3261e",
}
DARK = {
    "bg": "#12151a",
    "panel": "#1b2027",
    "text": "#e7eaee",
    "muted": "#a0aab6",
    "line": "#343c47",
    "accent": "#86abff",
    "soft": "#4a5f93",
    "warm": "#f2a55c",
    "good": "#62c67f",
    "low": "#1b2027",
    "high": "#2f5fd0",
    "sure": "#3a4452",
    "unsure": "#ff8a7a",
}
# Distinct for most people who see few colours, on white and on black.
LABELS = (
    "#4269d0",
    "#e8930c",
    "#3ca951",
    "#ff725c",
    "#a463f2",
    "#22b8b0",
    "#d6589f",
    "#9c6b4e",
    "#7f93b2",
    "#a3a614",
)
SHAPES = ("circle", "square", "diamond", "triangle-up", "star")  # for more labels than colours


def css(name: str) -> Any:
    """In a figure: a colour by name, which the page replaces by that of its scheme."""
    return {"css": name}


def variables(colours: dict[str, str]) -> str:
    """As declarations of a style sheet."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())


def of_label(place: int) -> tuple[str, str]:
    """Colour and shape of a label by its place."""
    return LABELS[place % len(LABELS)], SHAPES[place // len(LABELS) % len(SHAPES)]
