"""Which texts can be labels."""

import re
import unicodedata

VARIABLE = re.compile(r"\$[A-Za-z0-9_\[\].{}]+")  # as Label Studio's page looks for them
SEPARATORS = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of characters, line ends


def why_no_label(label: str) -> str:
    """Why a text cannot be a label; empty where it can.

    Label Studio would show something else, or people and files could not tell it from another one.
    """
    if not label.strip():
        return "is empty"
    if label != label.strip():
        return "starts or ends with a space"
    if any(unicodedata.category(character) in SEPARATORS for character in label):
        return "has a line break or a control character, which no button and no file shows"
    if variable := VARIABLE.search(label):
        return (
            f"has {variable[0]}, which Label Studio takes for a variable of the task's data and "
            "replaces; a dollar sign at the end, or before a space, is fine"
        )
    return ""
