"""From a file's bytes to the pixels a backbone sees: one path for training and inference."""

import io
import warnings
from dataclasses import dataclass

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

# Large photographs are welcome; what is too large is an error of its own, at twice the limit.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)

MAX_ASPECT = 100  # long side over short: beyond it, resizing the short side fills the memory
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


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
        try:
            with Image.open(io.BytesIO(data)) as opened:
                # Lets the JPEG decoder skip detail that resizing would throw away.
                opened.draft("RGB", (self.resize, self.resize))
                if max(opened.size) > MAX_ASPECT * min(opened.size):
                    raise Unreadable(f"too long and thin: {opened.width} × {opened.height} pixels")
                image = _to_rgb(ImageOps.exif_transpose(opened))
        except Unreadable:
            raise
        except Exception as error:  # decoders raise whatever they like on broken bytes
            raise Unreadable(_reason(data, error)) from error
        mode = InterpolationMode(self.interpolation)
        resized = F.resize(image, [self.resize], interpolation=mode, antialias=True)
        pixels: torch.Tensor = F.pil_to_tensor(F.center_crop(resized, [self.crop, self.crop]))
        return pixels

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) uint8 pixels to float32, on the device they are on."""
        mean = torch.tensor(self.mean, device=pixels.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).view(1, 3, 1, 1)
        return (pixels.float() / 255 - mean) / std


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
