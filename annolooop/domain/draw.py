"""A random but stable draw: one number for each content and purpose."""

SPLIT = slice(0, 13)  # holdout or training set; also which images people see without a prediction
TWO_PEOPLE = slice(13, 26)  # which images two people are asked about
HOLDOUT_ORDER = slice(26, 39)  # in which order images of the holdout are asked about
SPOT_CHECK = slice(39, 52)  # which confident predictions are left for people all the same
REPORT_SAMPLE = slice(51, 64)  # which images the map of the report shows


def draw(sha256: str, purpose: slice) -> float:
    """A number in [0, 1) that is always the same for one content and one purpose.

    It is read from the digits of the content's hash; each purpose has digits of its own, so that
    draws for two purposes are independent.

    Args:
        sha256: of the content, 64 hexadecimal digits.
        purpose: one of the constants of this module: 13 digits, which are the 52 bits that a
            float holds.
    """
    digits = sha256[purpose]
    return float(int(digits, 16) / 16 ** len(digits))
