"""The pretrained backbone of a fine-tuned one."""

from __future__ import annotations

from dataclasses import replace

from annolooop.domain.versions import BackboneInfo


def pretrained(info: BackboneInfo) -> BackboneInfo:
    """The backbone that this one was fine-tuned from; itself if it was not."""
    return replace(info, fingerprint=info.base, base="", tuned="") if info.base else info
