"""Pictures to learn from out of any annotated file: whole and visible masks of every object, scaled, mirrored, varied.

Sample number i of a run is photo number i of an endless line of epochs, each a permutation of all photos; what is done
to it follows from the sample's own generator. So a run can stop and go on anywhere, and be shared among processes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int64, UInt8

from amodal.data.truth import Truth, read_truth
from amodal.errors import AmodalError, InputError, NoSplits
from amodal.images import read_photo
from amodal.masks import CropMask
from amodal.scene import Instance
from amodal.training.sources import ALIKE

_LEAST_SIDE_PX, _LEAST_SEEN_PX = 3.0, 4  # of an object, after scaling; smaller ones are left out
_PIECE = 2**20  # bytes read at once


@dataclass(frozen=True)
class Variation:
    """What chance does to a photo before it is learned from.

    Attributes:
        shortest_px, longest_px: the size after scaling, see `scaled_size`.
        smallest: the least share of that; drawn uniformly.
        mirrored: share of the pictures that are mirrored left to right.
        brightness: light and contrast change by up to this share.
    """

    shortest_px: int
    longest_px: int
    smallest: float = 0.8
    mirrored: float = 0.5
    brightness: float = 0.2


@dataclass(frozen=True, eq=False)
class Picture:
    """A scaled picture and all that is known of it, in its own pixels.

    Attributes:
        boxes: amodal, XYXY, cut at the frame.
        labels: numbers of the classes, 1 and up.
        amodal, inmodal: masks of 0 and 1, inmodal inside amodal.
        whole: False where only the visible part is known; there amodal repeats inmodal.
        complete: everything of the classes is annotated, so that the rest is background.
        seed: for whatever else is drawn for this picture.
        name: of the photo, for messages.
    """

    pixels: UInt8[np.ndarray, "h w 3"]
    boxes: Float32[np.ndarray, "n 4"]
    labels: Int64[np.ndarray, " n"]
    amodal: UInt8[np.ndarray, "n h w"]
    inmodal: UInt8[np.ndarray, "n h w"]
    whole: Bool[np.ndarray, " n"]
    complete: bool
    seed: int
    name: str


@dataclass(frozen=True, eq=False)
class TruthPictures:
    """All photos to learn from, in epochs.

    Attributes:
        order_seed: chooses the permutations of the epochs.
        rare_share: classes that a smaller share of the photos hold are shown more often; see `line_of`.
    """

    truths: tuple[Truth, ...]
    classes: tuple[str, ...]
    digest: str = ""
    order_seed: int = 0
    rare_share: float = 0.0

    def draw(self, index: int, variation: Variation, rng: np.random.Generator) -> Picture:
        """Sample number `index` of a run; all chance but the photo comes from `rng`."""
        return varied(self.truths[self.photo_of(index)], self.classes, variation, rng)

    def photo_of(self, index: int) -> int:
        """Which photo sample number `index` is: every epoch has each photo once, those of rare classes more often."""
        epoch, place = divmod(index, len(self.line))
        return int(self.line[np.random.default_rng([self.order_seed, epoch]).permutation(len(self.line))[place]])

    @cached_property
    def line(self) -> Int64[np.ndarray, " n"]:
        """The photos of an epoch, before they are shuffled."""
        return line_of([{one.label for one in _taught(truth, self.classes)} for truth in self.truths], self.rare_share)

    @property
    def counts(self) -> Counter[str]:
        """How many objects there are of each class."""
        return counted(self.truths)

    def describe(self) -> dict[str, Any]:
        """For the model file: how much there is to learn from."""
        repeated = {"rare_share": self.rare_share} if self.rare_share else {}
        return {
            "annotations_sha256": self.digest,
            "photos": len(self.truths),
            "objects": dict(sorted(self.counts.items())),
            "objects_whole": sum(is_whole(truth, one) for truth in self.truths for one in truth.given),
            **repeated,
        }


def read_pictures(
    data: Sequence[Path],
    images: Sequence[Path | None] = (),
    *,
    split: str | None = None,
    classes: Sequence[str] | None = None,
    order_seed: int = 0,
    rare_share: float = 0.0,
) -> TruthPictures:
    """The photos of annotated files or folders of any format we know, one after the other.

    Args:
        data: see `read_truth`.
        images: folder of photos for each of `data`; none: they are found beside it.
        split: of files that have splits, only this one; files without splits are taken whole.
        classes: to tell apart; None for all that have examples.
        order_seed: chooses the permutations.
        rare_share: 0 to 1; classes that fewer photos hold are shown more often.

    Raises:
        InputError: a file that cannot be read, a share that is none, a class without examples, a photo that is missing.
        AmodalError: nothing to learn from.
    """
    if not 0 <= rare_share <= 1:
        raise InputError("train", "--rare-share", f"is {rare_share}", "expected 0 to 1")
    folders = list(images) or [None] * len(data)
    if len(folders) != len(data):
        found, expected = f"found {len(folders)} for {len(data)} files", "expected one for each of --data, or none"
        raise InputError("train", "--images", found, expected)
    digest, truths = hashlib.sha256(), list[Truth]()
    for path, folder in zip(data, folders, strict=True):
        truths += [_with_visible_masks(truth, path) for truth in read_truths(path, folder, split)]
        for piece in _content(path):
            digest.update(piece)
    if not truths:
        raise AmodalError(f"{', '.join(map(str, data))}: no photo to learn from")
    if not any(truth.scene.instances for truth in truths):
        raise AmodalError(f"{', '.join(map(str, data))}: no annotations in {len(truths)} photos, nothing to learn from")
    wanted = _classes(truths, classes, ", ".join(map(str, data)))
    useful = tuple(truth for truth in truths if truth.path is not None and _taught(truth, wanted))
    for truth in useful:
        if truth.path is not None and not truth.path.is_file():
            raise InputError(str(truth.path), "photo", "no such file", "expected every annotated photo; see --images")
    if not useful:
        raise AmodalError(f"{', '.join(map(str, data))}: no photo holds an object of {', '.join(wanted)}")
    return TruthPictures(useful, wanted, digest.hexdigest()[:16], order_seed, rare_share)


def _with_visible_masks(truth: Truth, path: Path) -> Truth:
    """The truth itself.

    Raises:
        InputError: whole masks alone are known, which would be learned as visible ones.
    """
    if "amodal" in truth.knows and "modal" not in truth.knows:
        expected = "expected them; amodal data order FILE --inmodal scenes.json makes them from whole ones and order"
        raise InputError(str(path), truth.scene.image or "photo", "has no visible masks", expected)
    return truth


def line_of(labels: Sequence[Collection[str]], rare_share: float) -> Int64[np.ndarray, " n"]:
    """Numbers of photos, each as often as its rarest class asks for: sqrt(rare_share / share of photos) times, rounded.

    `labels`: the classes in each photo. The root, as for LVIS (Gupta et al. 2019), so that a few photos are not shown
    until they are known by heart.
    """
    photos = Counter(label for own in labels for label in set(own))
    times = {label: max(1, round((rare_share * len(labels) / count) ** 0.5)) for label, count in photos.items()}
    return np.repeat(np.arange(len(labels)), [max((times[label] for label in own), default=1) for own in labels])


def counted(truths: Sequence[Truth]) -> Counter[str]:
    """How many objects there are of each class, classes without any included."""
    counts = Counter({label: 0 for truth in truths for label in truth.classes})
    counts.update(one.label for truth in truths for one in truth.given)
    return counts


def is_whole(truth: Truth, instance: Instance) -> bool:
    """Whether the object's whole mask is known: because the data set says it, or because nothing hides the object."""
    return "amodal" in truth.knows or instance.meta.get("clean") is True


def scaled_size(height: int, width: int, *, shortest_px: float, longest_px: float) -> tuple[int, int]:
    """Height and width with the shorter side at `shortest_px`, unless the longer one would exceed `longest_px`."""
    factor = min(shortest_px / min(height, width), longest_px / max(height, width))
    return max(8, round(height * factor)), max(8, round(width * factor))


def varied(truth: Truth, classes: Sequence[str], variation: Variation, rng: np.random.Generator) -> Picture:
    """The photo at a random size, mirrored or not, lighter or darker, with what is known of it."""
    if truth.path is None:
        raise AmodalError(f"{truth.scene.image}: has no photo")
    photo = _photo_of(truth, truth.path)
    share = rng.uniform(variation.smallest, 1.0)
    mirrored = bool(rng.random() < variation.mirrored)
    gain = rng.uniform(1 - variation.brightness, 1 + variation.brightness)
    shift = rng.uniform(-0.5, 0.5) * 255 * variation.brightness
    seed = int(rng.integers(2**62))

    height, width = scaled_size(
        *photo.shape[:2], shortest_px=variation.shortest_px * share, longest_px=variation.longest_px * share
    )
    pixels = _resized(photo, height, width)
    pixels = np.clip(pixels.astype(np.float32) * gain + shift + 0.5, 0, 255).astype(np.uint8)
    known = _taught(truth, classes)
    amodal, inmodal = _scaled_masks(truth, known, height, width)
    scale = np.tile([width / photo.shape[1], height / photo.shape[0]], 2)
    boxes = np.array([_box(truth, one) for one in known]).reshape(-1, 4) * scale
    boxes = boxes.clip(0, np.array([width, height, width, height]))
    if mirrored:
        pixels, amodal, inmodal = pixels[:, ::-1], amodal[:, :, ::-1], inmodal[:, :, ::-1]
        boxes = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)
    large = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) >= _LEAST_SIDE_PX
    large &= inmodal.reshape(len(inmodal), -1).sum(axis=1) >= _LEAST_SEEN_PX
    return Picture(
        pixels=np.ascontiguousarray(pixels),
        boxes=np.ascontiguousarray(boxes[large], np.float32),
        labels=np.array([1 + classes.index(one.label) for one in known], np.int64)[large],
        amodal=np.ascontiguousarray(amodal[large]),
        inmodal=np.ascontiguousarray(inmodal[large]),
        whole=np.array([is_whole(truth, one) for one in known], bool)[large],
        # What was too small to learn from overlaps no proposal by half, so nothing changes by its absence.
        complete=_is_complete(truth, classes),
        seed=seed,
        name=truth.path.name,
    )


def read_truths(path: Path, folder: Path | None = None, split: str | None = None) -> list[Truth]:
    """What is known of the photos of a split; files without splits are whole, as a training set often is a file."""
    if split is None:
        return read_truth(path, images=folder)
    try:
        return read_truth(path, images=folder, split=split)
    except NoSplits:
        return read_truth(path, images=folder)


def _photo_of(truth: Truth, path: Path) -> UInt8[np.ndarray, "h w 3"]:
    photo = read_photo(path)
    if photo.shape[:2] != (truth.scene.height, truth.scene.width):
        found, expected = f"is {photo.shape[1]} × {photo.shape[0]} px", f"{truth.scene.width} × {truth.scene.height}"
        raise InputError(str(path), "photo", found, f"expected {expected} as in the annotation")
    return photo


def _scaled_masks(
    truth: Truth, known: Sequence[Instance], height: int, width: int
) -> tuple[UInt8[np.ndarray, "n height width"], UInt8[np.ndarray, "n height width"]]:
    """Amodal and inmodal masks."""
    inmodal = _scaled([one.modal for one in known], height, width)
    # A mask that hides nothing is the same object, and need not be scaled twice.
    hidden = [index for index, one in enumerate(known) if is_whole(truth, one) and one.amodal != one.modal]
    amodal = inmodal.copy()
    if hidden:
        amodal[hidden] = _scaled([known[index].amodal for index in hidden], height, width)
    return amodal, inmodal


def _content(path: Path) -> Iterator[bytes]:
    """What a digest is made of: a file piece by piece, since it may be large; of a folder the names and sizes."""
    if path.is_file():
        with path.open("rb") as file:
            yield from iter(lambda: file.read(_PIECE), b"")
        return
    files = sorted(f"{file.relative_to(path)} {file.stat().st_size}" for file in path.rglob("*.*"))
    yield "\n".join(files).encode()


def _classes(truths: Sequence[Truth], asked: Sequence[str] | None, where: str) -> tuple[str, ...]:
    counts = counted(truths)
    if asked is None:
        return tuple(sorted(label for label, count in counts.items() if count))
    without = [label for label in asked if not counts[label]]
    if without:
        there = ", ".join(f"{label} {count}" for label, count in sorted(counts.items()) if count) or "nothing"
        found = f"no object of {', '.join(without)}"
        raise InputError(where, "--classes", found, f"expected classes with examples; there are: {there}")
    if len(set(asked)) < len(asked):
        raise InputError("train", "--classes", f"found {', '.join(asked)}", "expected each class once")
    return tuple(asked)


def _taught(truth: Truth, classes: Sequence[str]) -> list[Instance]:
    return [one for one in truth.given if one.label in classes and not one.modal.is_empty]


def _is_complete(truth: Truth, classes: Sequence[str]) -> bool:
    """Crowds, classes that lack annotation, and vehicles of a kind that is not told apart leave open what is there."""
    alike = any(one.label in ALIKE and one.label not in classes for one in truth.given)
    return not (truth.ignore or alike or truth.unannotated & frozenset(classes))


def _box(truth: Truth, instance: Instance) -> tuple[float, ...]:
    """Of the whole object as far as it is known."""
    if is_whole(truth, instance) and "boxes" in truth.knows and truth.scene.boxes_are == "amodal":
        return instance.box
    mask = instance.amodal if is_whole(truth, instance) else instance.modal
    return tuple(map(float, mask.box))


def _scaled(masks: Sequence[CropMask], height: int, width: int) -> UInt8[np.ndarray, "n height width"]:
    """A pixel is the object's where at least half of it is; subsets stay subsets."""
    frames = np.zeros((len(masks), height, width), np.uint8)
    for frame, mask in zip(frames, masks, strict=True):
        frame[...] = _resized(mask.to_dense().astype(np.float32), height, width) >= 0.5
    return frames


def _resized(values: Float[np.ndarray, "h w *rest"], height: int, width: int) -> np.ndarray:
    method = cv2.INTER_AREA if height < values.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, (width, height), interpolation=method))
