from __future__ import annotations

import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from amodal.errors import InputError
from amodal.images import photo_size, read_photo

ORIENTATION = 0x0112


def a_picture(width: int = 40, height: int = 24) -> np.ndarray:
    """Four flat quarters of different colours, so that no turn or mirror leaves it as it is."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = 250, 10, 10
    pixels[: height // 2, width // 2 :] = 10, 250, 10
    pixels[height // 2 :, : width // 2] = 10, 10, 250
    pixels[height // 2 :, width // 2 :] = 250, 250, 10
    return pixels


def a_png_header_for(path: Path, width: int, height: int) -> Path:
    """A PNG that claims a size and has next to no pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


def test_png_is_read_pixel_for_pixel(tmp_path: Path) -> None:
    Image.fromarray(a_picture()).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert photo.dtype == np.uint8
    assert photo.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(photo, a_picture())


def test_path_may_be_a_string(tmp_path: Path) -> None:
    Image.fromarray(a_picture()).save(tmp_path / "a.png")
    assert read_photo(str(tmp_path / "a.png")).shape == (24, 40, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_exif_orientation_is_undone_as_pillow_does(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    settings = {"lossless": True} if suffix == "webp" else {"quality": 95} if suffix == "jpg" else {}
    Image.fromarray(a_picture()).save(path, exif=exif, **settings)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read_photo(path), expected)
    assert photo_size(path) == (expected.shape[1], expected.shape[0])


def test_orientation_out_of_range_is_ignored(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 77
    Image.fromarray(a_picture()).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), a_picture())


def test_damaged_exif_does_not_cost_the_photo(tmp_path: Path) -> None:
    Image.fromarray(a_picture()).save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff broken")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert read_photo(tmp_path / "a.jpg").shape == (24, 40, 3)


def test_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    Image.fromarray(a_picture()).convert("CMYK").save(tmp_path / "a.jpg", quality=98)
    photo = read_photo(tmp_path / "a.jpg")
    assert np.abs(photo[4, 4].astype(int) - [250, 10, 10]).max() < 12


def test_16_bit_grey_keeps_its_high_byte(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 24 * 40).reshape(24, 40).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(photo, np.repeat((grey >> 8)[:, :, None], 3, axis=2))


def test_16_bit_colour_keeps_its_high_byte(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    deep = np.random.default_rng(0).integers(0, 65536, (24, 40, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), deep[:, :, ::-1])
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), deep >> 8)


def test_float_tiff_is_refused_because_its_white_is_unknown(tmp_path: Path) -> None:
    Image.fromarray(np.ones((8, 8), np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(InputError, match=r"a\.tiff: photo: .*float32"):
        read_photo(tmp_path / "a.tiff")


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_black_and_white_and_palette_become_rgb(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(a_picture()).convert(mode)
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), np.asarray(image.convert("RGB")))


def test_alpha_lies_over_white(tmp_path: Path) -> None:
    pixels = np.dstack([a_picture(), np.full((24, 40), 255, np.uint8)])
    pixels[:, :10, 3], pixels[:, 10:20, 3] = 0, 128
    Image.fromarray(pixels).save(tmp_path / "a.png")
    alpha = pixels[:, :, 3:] / 255.0
    expected = pixels[:, :, :3] * alpha + 255 * (1 - alpha)
    assert np.abs(read_photo(tmp_path / "a.png") - expected).max() <= 1


def test_grey_with_alpha_lies_over_white(tmp_path: Path) -> None:
    Image.new("LA", (8, 8), (30, 0)).save(tmp_path / "a.png")
    assert (read_photo(tmp_path / "a.png") == 255).all()


def test_transparent_colour_of_a_palette_becomes_white(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([9, 9, 9, 200, 100, 50])
    image.putpixel((3, 4), 1)
    image.save(tmp_path / "a.png", transparency=0)
    photo = read_photo(tmp_path / "a.png")
    assert photo[4, 3].tolist() == [200, 100, 50]
    assert (np.delete(photo.reshape(-1, 3), 4 * 8 + 3, axis=0) == 255).all()


def test_of_an_animation_the_first_frame_is_read(tmp_path: Path) -> None:
    red, green = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "lime")
    red.save(tmp_path / "a.gif", save_all=True, append_images=[green])
    assert (read_photo(tmp_path / "a.gif") == [255, 0, 0]).all()


def test_one_pixel_photo_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), "red").save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").tolist() == [[[255, 0, 0]]]


@pytest.mark.parametrize("read", [read_photo, photo_size])
def test_png_of_400_megapixels_is_refused_from_its_header(tmp_path: Path, read) -> None:
    path = a_png_header_for(tmp_path / "huge.png", 20_000, 20_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracemalloc.start()
        with pytest.raises(InputError, match=r"huge\.png: photo: is 20000 × 20000 px, .*100,000,000 pixels"):
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 20e6


def test_limit_on_pixels_can_be_set(tmp_path: Path) -> None:
    Image.fromarray(a_picture()).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="at most 959 pixels"):
        read_photo(tmp_path / "a.png", max_pixels=40 * 24 - 1)
    assert read_photo(tmp_path / "a.png", max_pixels=40 * 24).shape == (24, 40, 3)


def test_side_longer_than_masks_allow_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sides of at most"):
        read_photo(a_png_header_for(tmp_path / "long.png", 70_000, 10))


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "bmp"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_truncated_photo_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(InputError, match=rf"cut\.{suffix}: photo: "):
        read_photo(path)


def test_missing_photo_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.jpg: photo: no such file"):
        read_photo(tmp_path / "nowhere.jpg")


def test_folder_is_no_photo(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_photo(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(InputError, match="not a picture we know"):
        read_photo(tmp_path / "a.jpg")


def test_format_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    Image.fromarray(a_picture()).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.jpg"), a_picture())


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_never_raise_anything_but_input_error(tmp_path: Path, seed: int) -> None:
    chance = np.random.default_rng(seed)
    path = tmp_path / f"a.{['jpg', 'png', 'tiff', 'webp', 'gif', 'bmp', 'ppm', 'jp2'][seed % 8]}"
    Image.fromarray(a_picture()).save(path)
    content = bytearray(path.read_bytes())
    for place in chance.integers(0, len(content), 12):
        content[place] = chance.integers(0, 256)
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            assert read_photo(path, max_pixels=10_000_000).shape[2] == 3
        except InputError as error:
            assert str(path) in str(error)
