"""In what the network computes."""

import torch

from annolooop.errors import ConfigError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def pick_precision(requested: str, device: torch.device) -> str:
    """``fp32``, ``bf16`` or ``fp16``; ``auto`` takes the fastest that the device has.

    Raises:
        ConfigError: the device does not compute in it.
    """
    able = _able(device)
    if requested == "auto":
        return able[0]
    if requested not in able:
        raise ConfigError(
            f"infer.precision is {requested}, which this {device.type} does not compute in",
            "Let it choose: --set infer.precision=auto",
        )
    return requested


def _able(device: torch.device) -> tuple[str, ...]:
    """What a device computes in natively, the best first."""
    if device.type == "cuda":
        # Both are as fast; fp16 rounds eight times finer.
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return ("fp16", "bf16", "fp32") if native else ("fp16", "fp32")
    if device.type == "mps":
        return ("fp16", "fp32")
    return ("bf16", "fp32") if _cpu_has_bf16() else ("fp32",)


def _cpu_has_bf16() -> bool:
    """Whether this processor multiplies bf16; without that, it would be slower than fp32.

    torch asks the processor itself, on any system; an older torch knows of fewer instructions.
    """
    asks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, ask, bool)() for ask in asks)
