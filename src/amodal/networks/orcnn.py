"""ORCNN (Follmann et al. 2019): Mask R-CNN whose two masks must also agree on what is hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from amodal.errors import InputError
from amodal.networks.maskrcnn import MaskRcnn
from amodal.networks.parts.batch import Targets
from amodal.networks.parts.masks import cell_loss
from amodal.networks.parts.sampling import Rois
from amodal.networks.parts.settings import KINDS, MaskKind, TwoStage


class OrCnn(MaskRcnn):
    """An amodal and a visible mask branch; what the first says beyond the second is the hidden mask, with a loss."""

    def __init__(self, classes: int, settings: TwoStage, *, pretrained: bool) -> None:
        if set(settings.masks) != set(KINDS):
            raise InputError("settings", "masks", f"is {settings.masks}", "expected both: orcnn compares them")
        super().__init__(classes, settings, pretrained=pretrained)

    def mask_losses(
        self, logits: Mapping[MaskKind, Tensor], rois: Sequence[Rois], targets: Sequence[Targets]
    ) -> dict[str, Tensor]:
        """Both masks' losses, and that of the hidden mask."""
        hidden = functional.relu(logits["amodal"] - logits["inmodal"])
        return super().mask_losses(logits, rois, targets) | {"mask_hidden": hidden_loss(hidden, rois, targets)}


def hidden_loss(
    logits: Float[Tensor, "k classes side side"], rois: Sequence[Rois], targets: Sequence[Targets]
) -> Tensor:
    """Binary cross entropy of the object's class with amodal minus inmodal; objects that are known whole alone.

    These logits are never negative, so a cell where nothing is hidden costs log 2 at least, as published.
    """
    masks = [target.amodal * (1 - target.inmodal) for target in targets]
    return cell_loss(logits, rois, masks, [target.whole for target in targets])
