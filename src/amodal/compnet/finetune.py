"""End-to-end fine-tuning of all of {Ω, Θ}: backbone, kernels and templates together (science: §2 step 6).

Three losses: cross-entropy of the class log-scores, a term that keeps features close to their kernels
(−Σ max_k μ_k·f) and one that keeps them close to the object's own mixture (−log p(F | θ^m_y)).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from amodal.compnet.maps import CLASS_SHARPNESS, PackedTemplates, class_maps, outlier_log_likelihood
from amodal.compnet.model import ClassModel, CompNet
from amodal.compnet.templates import PRIOR_MARGIN, Templates
from amodal.compnet.vmf import Kernels
from amodal.compnet.workshop import Tensors, Workshop
from amodal.features.backbone import Backbone
from amodal.features.crops import Pyramid, extract_crop
from amodal.features.lattice import Lattice, Shape


@dataclass(frozen=True)
class Example:
    """A training object: how to get its photo, its lattice there, its class."""

    photo: Callable[[], UInt8[np.ndarray, "h w 3"]]
    lattice: Lattice
    label: str


@dataclass(frozen=True)
class FinetuneSettings:
    """SGD with momentum as published; the weights of the two keeping terms are ours (the papers name none)."""

    epochs: int = 1
    learning_rate: float = 0.01
    momentum: float = 0.9
    batch: int = 8
    kernel_weight: float = 0.1
    mixture_weight: float = 0.1
    seed: int = 0


class Trainable(nn.Module):
    """The model's parameters: distributions as logits, so that every step stays on the simplex."""

    def __init__(self, model: CompNet, backbone: Backbone) -> None:
        super().__init__()
        self.network = backbone
        self.directions = nn.Parameter(model.kernels.directions.clone())
        # Numbered, not named: a class may have any name, a parameter may not.
        self.number = {label: number for number, label in enumerate(model.classes)}
        templates = [entry.templates for entry in model.classes.values()]
        self.foreground = nn.ParameterList([parts.foreground.log() for parts in templates])
        self.context = nn.ParameterList([parts.context.log() for parts in templates])
        self.prior = nn.ParameterList([torch.logit(parts.prior, PRIOR_MARGIN) for parts in templates])
        self.model = model

    def kernels(self) -> Kernels:
        """The dictionary as it is now, of unit length."""
        return Kernels(functional.normalize(self.directions, dim=1), self.model.kernels.concentration)

    def templates(self, label: str) -> Templates:
        """A class's templates as they are now, on the simplex."""
        number = self.number[label]
        return Templates(
            self.model.classes[label].templates.shape,
            torch.softmax(self.foreground[number], 1),
            torch.softmax(self.context[number], 1),
            torch.sigmoid(self.prior[number]),
        )

    def losses(
        self,
        crops: Float[Tensor, "n 3 h w"],
        inside: Float[Tensor, "n cells"],
        labels: Sequence[str],
        shape: Shape,
    ) -> dict[str, Tensor]:
        """The three losses of a batch of one lattice shape."""
        features = self.network(crops)
        kernels = self.kernels()
        similarity = torch.einsum("kd,ndrc->nkrc", kernels.directions, features).flatten(2)
        likelihood = torch.exp(kernels.concentration * (similarity - 1))
        outlier = outlier_log_likelihood(likelihood, self.model.outliers)
        scores, own = [], {}
        for label in self.model.labels:
            packed = PackedTemplates.of(self.templates(label).on(shape))
            prior = self.model.classes[label].outlier_log_prior
            maps = class_maps(likelihood, outlier, packed, prior)
            scores.append(maps.score(inside).amax(1))
            whole = torch.logaddexp(maps.foreground, maps.context) + outlier[:, None]
            own[label] = whole.mean(2).amax(1)
        target = torch.tensor([self.model.labels.index(label) for label in labels])
        mixture = torch.stack([own[label][n] for n, label in enumerate(labels)])
        return {
            "class": functional.cross_entropy(CLASS_SHARPNESS * torch.stack(scores, 1), target),
            "kernel": -similarity.amax(1).mean(),
            "mixture": -mixture.mean(),
        }

    def trained(self) -> CompNet:
        """The model with what was learned; the calibrated numbers are as they were."""
        with torch.no_grad():
            classes = {
                label: ClassModel(self.templates(label), old.threshold, old.outlier_log_prior)
                for label, old in self.model.classes.items()
            }
            kernels = Kernels(self.kernels().directions.detach().clone(), self.model.kernels.concentration)
        state = {name: tensor.clone() for name, tensor in self.network.network.state_dict().items()}
        return replace(self.model, kernels=kernels, classes=classes, backbone_state=state, _packed={})


def finetune(
    model: CompNet,
    backbone: Backbone,
    examples: Sequence[Example],
    settings: FinetuneSettings,
    workshop: Workshop,
    progress: Callable[[str, int, int], None],
) -> CompNet:
    """Fine-tune everything for some epochs; each finished epoch is kept in the workshop."""
    known = [example for example in examples if example.label in model.labels]
    trainable = Trainable(model, backbone)
    optimizer = torch.optim.SGD(trainable.parameters(), lr=settings.learning_rate, momentum=settings.momentum)
    for epoch in range(settings.epochs):

        def compute(epoch: int = epoch) -> Tensors:
            _one_epoch(trainable, optimizer, known, settings, epoch, progress)
            return _state(trainable, optimizer)

        _restore(trainable, optimizer, workshop.stage(f"finetune-{epoch:03d}", compute))
    return trainable.trained()


def batches(examples: Sequence[Example], size: int, generator: np.random.Generator) -> list[list[Example]]:
    """Shuffled batches of one lattice shape each."""
    by_shape: dict[Shape, list[Example]] = defaultdict(list)
    for index in generator.permutation(len(examples)):
        by_shape[examples[index].lattice.shape].append(examples[index])
    made = [group[start : start + size] for group in by_shape.values() for start in range(0, len(group), size)]
    return [made[index] for index in generator.permutation(len(made))]


def _one_epoch(
    trainable: Trainable,
    optimizer: torch.optim.Optimizer,
    examples: Sequence[Example],
    settings: FinetuneSettings,
    epoch: int,
    progress: Callable[[str, int, int], None],
) -> None:
    generator = np.random.default_rng((settings.seed, epoch))
    todo = batches(examples, settings.batch, generator)
    weights = {"class": 1.0, "kernel": settings.kernel_weight, "mixture": settings.mixture_weight}
    for index, batch in enumerate(todo):
        shape = batch[0].lattice.shape
        pairs = [(example, example.photo()) for example in batch]
        offset = trainable.network.spec.cell_offset
        crops = np.stack([extract_crop(Pyramid(p), e.lattice, (offset, offset)) for e, p in pairs])
        inside = np.stack([e.lattice.cells_inside(p.shape[1], p.shape[0]).ravel() for e, p in pairs])
        losses = trainable.losses(
            torch.from_numpy(crops).permute(0, 3, 1, 2).float(),
            torch.from_numpy(inside),
            [example.label for example in batch],
            shape,
        )
        optimizer.zero_grad()
        torch.stack([weights[name] * loss for name, loss in losses.items()]).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress(f"fine-tuning, epoch {epoch + 1}", index + 1, len(todo))


def _state(trainable: Trainable, optimizer: torch.optim.Optimizer) -> Tensors:
    tensors = {f"model.{name}": tensor.detach().clone() for name, tensor in trainable.state_dict().items()}
    for name, parameter in trainable.named_parameters():
        momentum = optimizer.state[parameter].get("momentum_buffer")
        if momentum is not None:
            tensors[f"momentum.{name}"] = momentum.clone()
    return tensors


def _restore(trainable: Trainable, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    trainable.load_state_dict(
        {name.removeprefix("model."): tensors[name] for name in tensors if name.startswith("model.")}
    )
    for name, parameter in trainable.named_parameters():
        if f"momentum.{name}" in tensors:
            optimizer.state[parameter]["momentum_buffer"] = tensors[f"momentum.{name}"].clone()
