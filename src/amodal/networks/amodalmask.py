"""AmodalMask (Zhu et al. 2017): SharpMask (Pinheiro et al. 2016) taught with whole objects.

A square window goes bottom-up to a coarse code of the mask of the object in its middle and to a score, whether there is
one that fits; then the code is refined with ever finer feature maps of the backbone until it is a mask of the window,
with no regard to class. Windows come from given boxes, or slide over the photo; then boxes are those of the masks.
Ours: features of the photo are computed once, and windows of all sizes cut from them, where published ones slide over a
pyramid of scaled photos; bottom-up and refinement are trained together; an inmodal mask beside the amodal one; and, as
the other networks name what they find, a layer that names the object (`classify`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import batched_nms, box_iou, clip_boxes_to_image, nms, roi_align

from amodal.errors import InputError
from amodal.networks.parts.batch import Batch, Found, Targets
from amodal.networks.parts.boxes import given_or_likeliest, of_class
from amodal.networks.parts.masks import mask_loss
from amodal.networks.parts.refinement import Lateral, Refinement
from amodal.networks.parts.sampling import Rois
from amodal.networks.parts.settings import KINDS, TwoStage
from amodal.networks.parts.trunk import STRIDES, Backbone
from amodal.networks.parts.windows import around, boxes_of, shaken, sliding, strangers

_POOLED = 7  # cells along a window, bottom-up
_CODED = 14  # cells of the coarse code
_REFINED = (16, 8, 4)  # strides of the maps that refine it, to 28, 56 and 112
_COPIES = 4  # of an object's window at most, in a picture
_NEAR = 0.3  # IoU with an object's window from which a wrong one is a near miss
_AT_ONCE = 1024  # windows scored together
_SAME_WINDOW = 0.7  # IoU from which the better of two sliding windows stays


@dataclass(frozen=True)
class AmodalMaskSettings(TwoStage):
    """AmodalMask's own settings; of the others anchors, ratios and the pyramid's are not used.

    `proposals` are the windows sampled in a picture, `foreground` those of them on objects; `channels` is the width of
    what goes bottom-up; the second of `proposals_kept` is how many sliding windows are refined.
    """

    code: int = 32
    """Channels of the coarse code; each refinement halves them."""
    smallest_window_px: int = 44
    """Side of the smallest sliding window; objects are expected in 4/7 of it."""
    classify: bool = True
    """Name objects; without it all are of class 1."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        super().__post_init__()
        if self.code < 16 or self.code % 8:
            raise InputError("settings", "code", f"is {self.code}", "expected a multiple of 8 from 16")
        if not 16 <= self.smallest_window_px <= 4096:
            raise InputError("settings", "smallest_window_px", f"is {self.smallest_window_px}", "expected 16 to 4096")


@dataclass(frozen=True, eq=False)
class Maps:
    """What windows are cut from: the two coarsest stages, reduced; and what refines a code, by stride."""

    coarse: dict[int, Float[Tensor, "n c h w"]]
    fine: dict[int, Float[Tensor, "n skip h w"]]

    def of_picture(self, number: int) -> Maps:
        """Of one picture alone."""
        rows = slice(number, number + 1)
        return Maps({stride: own[rows] for stride, own in self.coarse.items()},
                    {stride: own[rows] for stride, own in self.fine.items()})  # fmt: skip


class AmodalMask(nn.Module):
    """The network; classes include the background, which no object is."""

    def __init__(self, classes: int, settings: AmodalMaskSettings, *, pretrained: bool) -> None:
        super().__init__()
        self.classes, self.settings = classes, settings
        self.backbone = Backbone(settings.backbone, settings.frozen_stages, pretrained=pretrained)
        widths = dict(zip(STRIDES, self.backbone.channels, strict=True))
        self.reduce = nn.ModuleDict({str(stride): Lateral(widths[stride], settings.channels) for stride in (16, 32)})
        self.window = WindowHead(settings, classes)
        steps = [settings.code // 2**number for number in range(4)]
        self.lateral = nn.ModuleDict(
            {str(stride): Lateral(widths[stride], step) for stride, step in zip(_REFINED, steps[:3], strict=True)}
        )
        self.refine = nn.ModuleList(Refinement(step, step, step // 2) for step in steps[:3])
        self.mask = nn.Conv2d(steps[3], len(settings.masks), 3, padding=1)
        self.to(memory_format=torch.channels_last)

    def maps(self, images: ImageList) -> Maps:
        """Of a batch of pictures."""
        stages = dict(zip(STRIDES, self.backbone(images.tensors), strict=True))
        coarse = {stride: self.reduce[str(stride)](stages[stride]) for stride in (16, 32)}
        return Maps(coarse, {stride: self.lateral[str(stride)](stages[stride]) for stride in _REFINED})

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Score and class of windows, and masks of those on objects, all of weight 1."""
        maps = self.maps(batch.images)
        rows = zip(batch.targets, batch.images.image_sizes, strict=True)
        sampled = [sampled_windows(target, size, self.settings) for target, size in rows]
        hidden = self.window(maps.coarse, [own.boxes for own in sampled])
        losses = self._window_losses(hidden, sampled)
        shown = [own.on_objects() for own in sampled]
        on_objects = torch.cat([own.labels > 0 for own in sampled])
        masks = self._masks(maps, hidden[on_objects], [own.boxes for own in shown])
        for number, kind in enumerate(self.settings.masks):
            logits = masks[:, number : number + 1].expand(-1, self.classes, -1, -1)
            losses[f"mask_{kind}"] = mask_loss(logits, shown, batch.targets, kind)
        return losses

    def find(self, images: ImageList) -> list[Found]:
        """The objects of every picture, met by sliding windows; their boxes are those of the masks found."""
        maps = self.maps(images)
        windows = [
            self._best(maps.of_picture(number), sliding(size, self.settings.smallest_window_px).to(images.tensors))
            for number, size in enumerate(images.image_sizes)
        ]
        seen = self._seen(maps, windows, [torch.zeros(len(own), dtype=torch.int64) for own in windows])
        return [_thinned(own, size, self.settings) for own, size in zip(seen, images.image_sizes, strict=True)]

    def look(
        self, images: ImageList, boxes: Sequence[Float[Tensor, "n 4"]], labels: Sequence[Int64[Tensor, " n"]]
    ) -> list[Found]:
        """Masks in the windows of given boxes; where a label is 0, the likeliest class."""
        seen = self._seen(self.maps(images), [around(own) for own in boxes], labels)
        return [replace(found, boxes=own) for found, own in zip(seen, boxes, strict=True)]

    def _best(self, maps: Maps, windows: Float[Tensor, "n 4"]) -> Float[Tensor, "k 4"]:
        """Those of one picture's windows that an object fits best, no two nearly the same."""
        scores = torch.cat(
            [
                self.window.score(self.window(maps.coarse, [some]))[:, 0].float()
                for some in torch.split(windows, _AT_ONCE)
            ]
        ).sigmoid()
        likely = torch.where(scores > self.settings.least_score)[0]
        kept = likely[nms(windows[likely], scores[likely], _SAME_WINDOW)]
        return windows[kept[: self.settings.proposals_kept[1]]]

    def _seen(
        self, maps: Maps, windows: Sequence[Float[Tensor, "_ 4"]], labels: Sequence[Int64[Tensor, " _"]]
    ) -> list[Found]:
        """What is in the windows of every picture; a label of 0 is chosen."""
        hidden = self.window(maps.coarse, windows)
        scores = self.window.score(hidden)[:, 0].float().sigmoid()
        given = torch.cat(list(labels)).to(scores.device)
        chances = self.window.chances(hidden)
        chosen = given_or_likeliest(given, chances)
        scores = scores * of_class(chances, chosen - 1)
        masks = self._masks(maps, hidden, windows).sigmoid()
        counts = [len(own) for own in windows]
        kinds = self.settings.masks
        whole, visible = (masks[:, kinds.index(kind) if kind in kinds else 0] for kind in KINDS)
        rows = zip(windows, *(torch.split(part, counts) for part in (chosen, scores, whole, visible)), strict=True)
        return [
            Found(boxes_of(amodal, frames), own, sure, frames, amodal, inmodal)
            for frames, own, sure, amodal, inmodal in rows
        ]

    def _masks(
        self, maps: Maps, hidden: Float[Tensor, "k f"], windows: Sequence[Float[Tensor, "_ 4"]]
    ) -> Float[Tensor, "k kinds 112 112"]:
        """Logits over each window: its code, refined by the maps one after the other."""
        code = self.window.coded(hidden)
        for step, stride in zip(self.refine, _REFINED, strict=True):
            code = step(code, cut({stride: maps.fine[stride]}, windows, code.shape[-1]))
        logits: Tensor = self.mask(code)
        return logits.float()

    def _window_losses(self, hidden: Float[Tensor, "k f"], sampled: Sequence[Rois]) -> dict[str, Tensor]:
        """Losses "score" and, if objects are named, "class", the mean over pictures."""
        counts = [len(own.boxes) for own in sampled]
        scores = self.window.score(hidden)[:, 0].float()
        wanted = [(own.labels > 0).float() for own in sampled]
        rows = zip(torch.split(scores, counts), wanted, strict=True)
        by_score = [_or_zero(functional.binary_cross_entropy_with_logits, *row) for row in rows]
        losses = {"score": torch.stack(by_score).mean()}
        if self.window.names is not None:
            logits = torch.split(self.window.names(hidden).float(), counts)
            named = [of.on_objects().labels - 1 for of in sampled]
            by_class = [
                _or_zero(functional.cross_entropy, own[: len(labels)], labels)
                for own, labels in zip(logits, named, strict=True)
            ]
            losses["class"] = torch.stack(by_class).mean()
        return losses


class WindowHead(nn.Module):
    """Bottom-up: one fully connected layer over a window, and from it score, class and coarse code."""

    def __init__(self, settings: AmodalMaskSettings, classes: int) -> None:
        super().__init__()
        self.objects = classes - 1
        self.hidden = nn.Linear(2 * settings.channels * _POOLED**2, settings.box_features)
        self.score = nn.Linear(settings.box_features, 1)
        self.names = nn.Linear(settings.box_features, self.objects) if settings.classify else None
        self.code = nn.Linear(settings.box_features, settings.code * _CODED**2)

    def forward(
        self, coarse: Mapping[int, Float[Tensor, "n c h w"]], windows: Sequence[Float[Tensor, "_ 4"]]
    ) -> Float[Tensor, "k f"]:
        """What all else is said from."""
        return functional.relu(self.hidden(cut(coarse, windows, _POOLED).flatten(1)))

    def chances(self, hidden: Float[Tensor, "k f"]) -> Float[Tensor, "k objects"]:
        """Of the classes, the background left out; without names all is of the first."""
        if self.names is None:
            return functional.one_hot(hidden.new_zeros(len(hidden), dtype=torch.int64), self.objects).float()
        return torch.softmax(self.names(hidden).float(), 1)

    def coded(self, hidden: Float[Tensor, "k f"]) -> Float[Tensor, "k code 14 14"]:
        """The coarse code of the mask."""
        return functional.relu(self.code(hidden)).view(len(hidden), self.code.out_features // _CODED**2, _CODED, _CODED)


def cut(
    maps: Mapping[int, Float[Tensor, "n c h w"]], windows: Sequence[Float[Tensor, "_ 4"]], side: int
) -> Float[Tensor, "k all side side"]:
    """Maps (by stride) over windows of every picture, their channels behind one another; beyond the photo 0."""
    rois = list(windows)
    return torch.cat([roi_align(own, rois, side, 1 / stride, 2, aligned=True) for stride, own in maps.items()], 1)


def sampled_windows(target: Targets, size: tuple[int, int], settings: AmodalMaskSettings) -> Rois:
    """Windows to learn from in one picture: some that meet an object, the others sliding ones that do not nearly.

    Half of those others overlap an object's window: where two objects meet, windows between them look best of all that
    are wrong, and are few among all.
    """
    chance, device = target.generator(), target.boxes.device
    own = around(target.boxes)
    count = min(settings.foreground, _COPIES * len(own))
    turns = [torch.randperm(len(own), generator=chance) for _ in range(_COPIES)]
    objects = torch.cat(turns)[:count].to(device)
    meeting = shaken(own[objects], chance)
    beside = sliding(size, settings.smallest_window_px).to(device)
    beside = beside[strangers(beside, own)] if target.complete else beside[:0]
    beside = beside[torch.randperm(len(beside), generator=chance).to(device)]
    if len(own):
        near = box_iou(beside, own).amax(1) > _NEAR
        half = (settings.proposals - count) // 2
        beside = torch.cat([beside[near][:half], beside[~near]])
    beside = beside[: settings.proposals - count]
    nothing = objects.new_zeros(len(beside))
    labels = torch.cat([target.labels[objects], nothing])
    return Rois(torch.cat([meeting, beside]), labels, torch.cat([objects, nothing]))


def _thinned(found: Found, size: tuple[int, int], settings: AmodalMaskSettings) -> Found:
    """Without weak ones and doubles, boxes cut at the frame."""
    boxes = clip_boxes_to_image(found.boxes, size)
    sides = boxes[:, 2:] - boxes[:, :2]
    rows = torch.where((found.scores > settings.least_score) & (sides > 0).all(1))[0]
    kept = rows[batched_nms(boxes[rows], found.scores[rows], found.labels[rows], settings.overlap)]
    kept = kept[: settings.most_found]
    return Found(boxes[kept], found.labels[kept], found.scores[kept], found.frames[kept], found.amodal[kept],
                 found.inmodal[kept])  # fmt: skip


def _or_zero(loss: Callable[[Tensor, Tensor], Tensor], found: Tensor, wanted: Tensor) -> Tensor:
    """The mean over nothing is nothing."""
    return loss(found, wanted) if len(found) else found.sum() * 0
