"""From a file's bytes to the pixels a backbone sees: one path for training and inference."""

from dataclasses import dataclass
from threading import Lock

import torch
from torchvision.transforms import v2

from annolooop.model.backbones.pixels import read_pixels, resize

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CROP_AREA = (0.5, 1.0)  # share of the picture that a random crop shows
CROP_ASPECT = (3 / 4, 4 / 3)  # its width over its height, before it becomes a square

_drawing = Lock()  # torchvision draws from torch's one generator; see _draw_crop


@dataclass(frozen=True)
class EvalTransform:
    """Resize the short side, cut out the centre, normalise.

    Attributes:
        resize: length of the short side after resizing, in pixels.
        crop: side of the centred square, in pixels.
        interpolation: ``bilinear`` or ``bicubic``.
        mean, std: of the training data, for red, green and blue in 0..1.
    """

    resize: int = 256
    crop: int = 224
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    @property
    def id(self) -> str:
        """All of it in one line, for records; :meth:`parse` reads it."""
        mean, std = (",".join(f"{x:g}" for x in values) for values in (self.mean, self.std))
        return f"{self.interpolation} {self.resize} {self.crop} {mean} {std}"

    @classmethod
    def parse(cls, text: str) -> "EvalTransform":
        """The transform of this :attr:`id`."""
        interpolation, resize, crop, mean, std = text.split(" ")
        numbers = [tuple(float(x) for x in values.split(",")) for values in (mean, std)]
        return cls(int(resize), int(crop), interpolation, *numbers)

    def decode(self, data: bytes) -> torch.Tensor:
        """Decode one file to (3, crop, crop) uint8 pixels, upright, RGB.

        Raises:
            Unreadable: it cannot be decoded whole.
        """
        pixels = read_pixels(data, self.resize)
        height, width = pixels.shape[1:]
        short = min(height, width)
        size = (self.resize * height // short, self.resize * width // short)
        resized = resize(pixels, size, self.interpolation)
        cropped: torch.Tensor = v2.functional.center_crop(resized, [self.crop, self.crop])
        return cropped

    def augment(self, data: bytes, seed: int) -> torch.Tensor:
        """Decode a random part of one file, perhaps mirrored: (3, crop, crop) uint8 pixels.

        The same bytes and seed give the same pixels, in whatever thread.

        Raises:
            Unreadable: it cannot be decoded whole.
        """
        # The smallest part still has about as many pixels as the crop.
        pixels = read_pixels(data, round(self.resize * CROP_AREA[0] ** -0.5))
        (top, left, height, width), mirrored = _draw_crop(pixels, seed)
        part = pixels[:, top : top + height, left : left + width]
        square = resize(part, (self.crop, self.crop), self.interpolation)
        return square.flip(2) if mirrored else square

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) uint8 pixels to float32 in channels_last, on the device they are on."""
        count, colours, height, width = pixels.shape
        std = torch.tensor(self.std, device=pixels.device)
        mean = torch.tensor(self.mean, device=pixels.device)
        # By whole rows: with three numbers at a time, this would take as long as decoding does.
        rows = pixels.permute(0, 2, 3, 1).reshape(count * height, width * colours).float()
        rows.mul_((1 / (255 * std)).repeat(width)).sub_((mean / std).repeat(width))
        return rows.view(count, height, width, colours).permute(0, 3, 1, 2)


def _draw_crop(pixels: torch.Tensor, seed: int) -> tuple[tuple[int, int, int, int], bool]:
    """A random crop of (3, h, w) pixels, and whether to mirror it.

    torch has one generator for all threads: each draw seeds it and puts it back, alone.
    """
    with _drawing, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        box = v2.RandomResizedCrop.get_params(pixels, list(CROP_AREA), list(CROP_ASPECT))
        return box, bool(torch.rand(1).item() < 0.5)
