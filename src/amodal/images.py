"""Photos from files that strangers made, decoded to one plain form: 8-bit RGB, the right way up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFile

from amodal.errors import InputError

MAX_PIXELS = 100_000_000
MAX_SIDE = 65_535
# Left out are formats whose reading runs a program (EPS) and those that hold no photo (icons, volumes).
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
ORIENTATION_TAG = 0x0112
_EXPECTED = f"expected a picture ({', '.join(FORMATS)})"
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")  # what is taken for a photo in a folder


def read_photo(path: str | os.PathLike[str], max_pixels: int = MAX_PIXELS) -> UInt8[np.ndarray, "h w 3"]:
    """Read a photo as 8-bit RGB, turned upright by its EXIF orientation.

    Grey, palette, CMYK and 16-bit pictures are converted, transparency is laid over white, and of several
    frames the first is taken. The size is judged from the header, before anything is decoded.

    Raises:
        InputError: no such file, not a picture, truncated, or larger than `max_pixels`.
    """
    with _opened(path) as stream:
        return read_photo_from(stream, os.fspath(path), max_pixels)


def read_photo_from(stream: BinaryIO, where: str, max_pixels: int = MAX_PIXELS) -> UInt8[np.ndarray, "h w 3"]:
    """Do what `read_photo` does, with bytes that are open already; `where` begins its errors."""
    with _identified(stream, where, max_pixels) as image:
        image.load()
        orientation = _orientation(image)
        pixels = _as_rgb(image)
    return np.ascontiguousarray(_upright(pixels, orientation))


def pixels_of(photo: str | os.PathLike[str] | np.ndarray, where: str) -> UInt8[np.ndarray, "h w 3"]:
    """The pixels of a photo given as a path or as RGB pixels.

    Raises:
        InputError: a file that `read_photo` refuses, or an array that is no RGB photo; `where` begins its message.
    """
    if not isinstance(photo, np.ndarray):
        return read_photo(photo)
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or photo.size == 0:
        found = f"is {photo.dtype} {photo.shape}"
        raise InputError(where, "photo", found, "expected uint8 RGB of shape (height, width, 3)")
    return photo


def photo_size(path: str | os.PathLike[str], max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height in pixels of what `read_photo` would give, from the header where the format allows.

    (A PNG may carry its orientation behind its pixels, so a PNG that has none in front is read to the end.)

    Raises:
        InputError: as in `read_photo`, but a truncated picture may pass.
    """
    with _opened(path) as stream, _identified(stream, os.fspath(path), max_pixels) as image:
        width, height = image.size
        # Pillow reports a TIFF's size upright already.
        turned = image.format != "TIFF" and _orientation(image) >= 5
    return (height, width) if turned else (width, height)


def unique_stems(photos: Sequence[Path]) -> list[str]:
    """A name for each photo's pictures: its stem, with a number where several photos share it."""
    taken: set[str] = set()
    stems = []
    for photo in photos:
        stem, number = photo.stem, 1
        while stem.lower() in taken:  # some file systems do not tell cases apart
            number += 1
            stem = f"{photo.stem}-{number}"
        taken.add(stem.lower())
        stems.append(stem)
    return stems


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - closed below; only opening it may mean "no such file"
    except (FileNotFoundError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(os.fspath(path), "photo", "no such file", _EXPECTED) from error
    except OSError as error:
        raise InputError(os.fspath(path), "photo", f"cannot be read ({error.strerror})", _EXPECTED) from error
    with stream:
        yield stream


@contextmanager
def _identified(stream: BinaryIO, where: str, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """The picture with only its header read; every failure inside the block becomes an `InputError`."""
    try:
        image = _identify(stream)
        if image is not None:
            _check_size(where, image, max_pixels)
            yield image
    except InputError:
        raise
    except Exception as error:  # on broken bytes Pillow's decoders raise nearly anything
        found = f"cannot be decoded ({error})"
        raise InputError(where, "photo", found, "expected a whole, undamaged picture") from error
    if image is None:
        raise InputError(where, "photo", "is not a picture we know", _EXPECTED)


def _identify(stream: BinaryIO) -> ImageFile.ImageFile | None:
    """Open by the first bytes, as `PIL.Image.open` does.

    `Image.open` judges the size by a global setting, with a warning at one size and an error without the size
    at another; judging it ourselves needs no change of global state, which other threads would see.
    """
    Image.init()
    prefix = stream.read(16)
    for name in FORMATS:
        if name not in Image.OPEN:  # built without this decoder
            continue
        factory, accepts = Image.OPEN[name]
        if accepts is None or accepts(prefix) is True:
            stream.seek(0)
            return factory(stream, "")
    return None


def _check_size(where: str, image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    found = f"is {width} × {height} px"
    if width * height > max_pixels:
        raise InputError(where, "photo", found, f"expected at most {max_pixels:,} pixels")
    if max(width, height) > MAX_SIDE:
        raise InputError(where, "photo", found, f"expected sides of at most {MAX_SIDE:,} px")


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1 to 8; 1 (upright) where it is absent, nonsense or unreadable."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # as above: nearly anything
        return 1  # a photo with good pixels is not refused for a damaged note about it
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _as_rgb(image: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    if image.mode == "F" or image.mode.startswith("I"):
        grey = _grey_to_8_bits(np.asarray(image))
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _grey_to_8_bits(grey: np.ndarray) -> UInt8[np.ndarray, "h w"]:
    """Integers of 16 bits to 8 bits. Wider ones and floats have no known white, so they are refused."""
    if grey.dtype.kind not in "iu" or grey.min() < 0 or grey.max() > 65_535:
        raise ValueError(f"{grey.dtype} grey values from {grey.min()} to {grey.max()}, not 8 or 16 bits")
    return np.asarray(grey // 256).astype(np.uint8)


def _upright(pixels: UInt8[np.ndarray, "h w 3"], orientation: int) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Undo an EXIF orientation: 5 to 8 lie on their side, and of each four two are mirrored."""
    turns_and_mirror = {
        1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True),
        5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False),
    }  # fmt: skip
    turns, mirrored = turns_and_mirror[orientation]
    turned = np.rot90(pixels, turns)
    return turned[:, ::-1] if mirrored else turned
