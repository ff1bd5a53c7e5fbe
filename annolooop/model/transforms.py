"""From a file's bytes to the pixels a backbone sees: one path for training and inference."""

import io
import warnings
from dataclasses import dataclass
from threading import Lock

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms import functional as F

# Large photographs are welcome; what is too large is an error of its own, at twice the limit.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)

MAX_ASPECT = 100  # long side over short: beyond it, resizing the short side fills the memory
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CROP_AREA = (0.5, 1.0)  # share of the picture that a random crop shows
CROP_ASPECT = (3 / 4, 4 / 3)  # its width over its height, before it becomes a square

_drawing = Lock()  # torchvision draws from torch's one generator; see _draw_crop


class Unreadable(Exception):
    """These bytes are not an image that can be decoded; the text says why."""


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
        image = _open(data, self.resize)
        mode = InterpolationMode(self.interpolation)
        resized = F.resize(image, [self.resize], interpolation=mode, antialias=True)
        pixels: torch.Tensor = F.pil_to_tensor(F.center_crop(resized, [self.crop, self.crop]))
        return pixels

    def augment(self, data: bytes, seed: int) -> torch.Tensor:
        """Decode a random part of one file, perhaps mirrored: (3, crop, crop) uint8 pixels.

        The same bytes and seed give the same pixels, in whatever thread.

        Raises:
            Unreadable: it cannot be decoded whole.
        """
        # The smallest part still has about as many pixels as the crop.
        image = _open(data, round(self.resize * CROP_AREA[0] ** -0.5))
        (top, left, height, width), mirrored = _draw_crop(image, seed)
        mode = InterpolationMode(self.interpolation)
        part = v2.functional.resized_crop(
            image, top, left, height, width, [self.crop, self.crop], mode, antialias=True
        )
        pixels: torch.Tensor = v2.functional.pil_to_tensor(
            v2.functional.horizontal_flip(part) if mirrored else part
        )
        return pixels

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) uint8 pixels to float32, on the device they are on."""
        mean = torch.tensor(self.mean, device=pixels.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).view(1, 3, 1, 1)
        return (pixels.float() / 255 - mean) / std


def _open(data: bytes, side: int) -> Image.Image:
    """The picture upright and in RGB, its short side at least ``side`` pixels if it has them."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            # Lets the JPEG decoder skip detail that resizing would throw away.
            opened.draft("RGB", (side, side))
            if max(opened.size) > MAX_ASPECT * min(opened.size):
                raise Unreadable(f"too long and thin: {opened.width} × {opened.height} pixels")
            return _to_rgb(ImageOps.exif_transpose(opened))
    except Unreadable:
        raise
    except Exception as error:  # decoders raise whatever they like on broken bytes
        raise Unreadable(_reason(data, error)) from error


def _draw_crop(image: Image.Image, seed: int) -> tuple[tuple[int, int, int, int], bool]:
    """A random crop (top, left, height, width), and whether to mirror it.

    torch has one generator for all threads: each draw seeds it and puts it back, alone.
    """
    with _drawing, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        box = v2.RandomResizedCrop.get_params(image, list(CROP_AREA), list(CROP_ASPECT))
        return box, bool(torch.rand(1).item() < 0.5)


def _to_rgb(image: Image.Image) -> Image.Image:
    """RGB of any mode: 16 bits are scaled to 8, and what is transparent becomes white."""
    if image.mode.startswith("I"):
        return image.point(lambda value: value / 257, "L").convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _reason(data: bytes, error: Exception) -> str:
    if not data:
        return "the file is empty"
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels"
    return str(error) or type(error).__name__
