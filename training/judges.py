"""Three classifiers of real clips that say what a motion shows: its style, its style by dynamics alone, its action.

Each is a network of its own, so that what one has learnt of styles holds nothing that only actions need. All
see whole clips (or most of one), at any length, on mirrored copies and at slightly changed speeds too.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from stylize.errors import StylizeError
from stylize.features import BLOCKS, NUM_FEATURES, NUM_JOINTS, encode
from stylize.motion import Motion
from stylize.rotations import matrix_to_rotvec, nearest_rotation, rot6d_to_matrix
from training.classifiers import SequenceClassifier, label_index, train_classifier
from training.datasets import FeatureClip
from training.loop import RunOptions, set_up

RATE = 2
"""Every second frame is looked at."""
MIN_SHARE = 0.65
"""The least of a clip that a training crop shows; an action is not in every part of a clip."""

_POSTURE_COLUMNS = np.concatenate([np.arange(NUM_FEATURES)[BLOCKS[name]] for name in BLOCKS if name != "contacts"])
_VELOCITY_COLUMNS = np.concatenate(
    [np.arange(NUM_FEATURES)[BLOCKS[name]] for name in ("root_yaw_velocity", "root_planar_velocity", "velocities")]
)
_ROOT_COLUMNS = np.arange(4)  # yaw velocity, planar velocity, height


def posture_view(features: np.ndarray) -> np.ndarray:
    """Features (T, 272) to all of them but the contacts (T / RATE, 268)."""
    return features[::RATE, _POSTURE_COLUMNS]


def dynamics_view(features: np.ndarray) -> np.ndarray:
    """Features (T, 272) to how the pose moves about the clip's mean pose (T / RATE, 70).

    Rotation vectors of every joint from its own mean rotation over the clip, and the root's velocities and
    height less their means. A constant rotation in front of a joint's rotations changes nothing of it, so that
    a posture that was put on by constants does not show. Positions would show it: an arm that was raised by a
    constant swings in another direction.
    """
    rotations = rot6d_to_matrix(features[:, BLOCKS["rot6d"]].reshape(-1, NUM_JOINTS, 6).astype(np.float64))
    mean = nearest_rotation(rotations.mean(0))
    turned = matrix_to_rotvec(np.swapaxes(mean, -1, -2) @ rotations).reshape(len(features), -1)
    view = np.concatenate([features[:, _ROOT_COLUMNS], turned], axis=1)
    return (view - view.mean(0))[::RATE].astype(np.float32)


@dataclass(frozen=True)
class View:
    """What a judge sees of features.

    Attributes:
        of: features (T, 272) to (T / RATE, C).
        velocities: which of its columns scale with the speed.
        centred: whether a crop's mean is taken off.
    """

    of: Callable[[np.ndarray], np.ndarray]
    velocities: np.ndarray
    centred: bool


POSTURE = View(posture_view, np.flatnonzero(np.isin(_POSTURE_COLUMNS, _VELOCITY_COLUMNS)), centred=False)
DYNAMICS = View(dynamics_view, np.arange(3), centred=True)


class CropBatches:
    """Batches of crops of one length at changed speeds, each a large part of its clip.

    Args:
        sequences: (T, C) each.
        targets: (N,) label indices.
        weights: (N,) how often each is taken.
        view: what the sequences are.
        max_speed_change: natural logarithm of the largest factor.
        rng: of the choices.
    """

    def __init__(
        self,
        sequences: list[np.ndarray],
        targets: np.ndarray,
        weights: np.ndarray,
        view: View,
        max_speed_change: float,
        rng: np.random.Generator,
    ) -> None:
        self.frames = torch.from_numpy(np.concatenate(sequences))
        self.sizes = np.array([len(sequence) for sequence in sequences])
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.targets, self.weights, self.view, self.rng = targets, weights / weights.sum(), view, rng
        self.max_speed_change = max_speed_change
        self.noise = 0.05 * _spread(self.frames)

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Sequences (B, C, L) and labels (B,)."""
        rng = self.rng
        length = max(int(rng.uniform(MIN_SHARE, 1) * rng.choice(self.sizes, p=self.weights)), 8)
        fitting = self.weights * ((self.sizes > length) & (self.sizes * MIN_SHARE <= length + 8))
        chosen = rng.choice(len(self.sizes), size=size, p=fitting / fitting.sum())
        factor = np.exp(rng.uniform(-self.max_speed_change, self.max_speed_change, size))
        factor = np.minimum(factor, (self.sizes[chosen] - 1.01) / (length - 1))
        start = rng.uniform(0, self.sizes[chosen] - 1.005 - factor * (length - 1))
        times = torch.from_numpy(start[:, None] + factor[:, None] * np.arange(length))
        index = times.long()
        weight = (times - index).float()[..., None]
        index = index + torch.from_numpy(self.starts[chosen])[:, None]
        crops = torch.lerp(self.frames[index], self.frames[index + 1], weight)
        crops[..., self.view.velocities] *= torch.from_numpy(factor).float()[:, None, None]
        if self.view.centred:
            crops = crops - crops.mean(1, keepdim=True)
        crops = crops + self.noise * torch.randn_like(crops)
        return crops.transpose(1, 2), torch.from_numpy(self.targets[chosen])


class Standardize(nn.Module):
    """Fixed means and deviations. Those of a batch would tell of the lengths in it, and so of its actions."""

    mean: Tensor
    std: Tensor

    def __init__(self, frames: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", frames.mean(0)[:, None])
        self.register_buffer("std", _spread(frames)[:, None])

    def forward(self, sequence: Tensor) -> Tensor:
        """(B, C, T) to (B, C, T)."""
        return (sequence - self.mean) / self.std


def _spread(frames: Tensor) -> Tensor:
    """Deviations (C,) of frames (F, C), none so small that a column's noise would be blown up."""
    std = frames.std(0)
    return 0.7 * std + 0.3 * std.mean()


@dataclass(frozen=True)
class Judge:
    """One classifier: the names of its classes, what it sees, its network."""

    names: tuple[str, ...]
    view: View
    network: SequenceClassifier

    @torch.inference_mode()
    def __call__(self, features: np.ndarray) -> tuple[str, np.ndarray]:
        """The class of features (T, 272), and the network's features (D,) under its head."""
        sequence = torch.from_numpy(np.ascontiguousarray(self.view.of(features).T))[None]
        embedding = self.network.embed(sequence)
        logits = self.network.heads["label"](embedding)
        return self.names[int(logits[0].argmax())], embedding[0].numpy()


@dataclass(frozen=True)
class Verdict:
    """What the judges say of a motion: two styles, an action, and its style features (D,)."""

    style: str
    dynamics: str
    content: str
    embedding: np.ndarray


@dataclass(frozen=True)
class Judges:
    """The three of them."""

    style: Judge
    dynamics: Judge
    content: Judge

    def __call__(self, motion: Motion) -> Verdict:
        """What a canonical motion at 30 fps shows."""
        features = encode(motion)
        style, embedding = self.style(features)
        return Verdict(style, self.dynamics(features)[0], self.content(features)[0], embedding)

    @staticmethod
    def train(clips: list[FeatureClip], options: RunOptions) -> "Judges":
        """Train them on labelled clips, or load them where the run's folder has them.

        Raises:
            StylizeError: the folder holds judges of other clips.
        """
        clips = [clip for clip in clips if clip.style and clip.content]
        _check_clips(clips, options.out)
        set_up(options)
        return Judges(
            style=_train(clips, [clip.style for clip in clips], POSTURE, 0.08, options, "style"),
            dynamics=_train(clips, [clip.style for clip in clips], DYNAMICS, 0.08, options, "dynamics"),
            content=_train(clips, [clip.content for clip in clips], POSTURE, 0.25, options, "content"),
        )


def _train(
    clips: list[FeatureClip],
    labels: list[str | None],
    view: View,
    max_speed_change: float,
    options: RunOptions,
    name: str,
) -> Judge:
    names = tuple(sorted({label for label in labels if label}))
    rng = np.random.default_rng(options.seed)
    sequences = [view.of(clip.features) for clip in clips]
    cells = np.unique([f"{clip.style} {clip.content}" for clip in clips], return_inverse=True)[1]
    weights = 1 / np.sqrt(np.bincount(cells)[cells])
    targets = np.array([label_index(names, label) for label in labels])
    batches = CropBatches(sequences, targets, weights, view, max_speed_change, rng)

    def batch_of() -> tuple[Tensor, dict[str, Tensor]]:
        crops, target = batches.batch(32)
        return crops, {"label": target}

    network = SequenceClassifier(sequences[0].shape[1], {"label": len(names)}, width=128)
    network.body[0] = Standardize(batches.frames)
    return Judge(names, view, train_classifier(network, batch_of, options, name, [rng]))


def _check_clips(clips: list[FeatureClip], folder: Path) -> None:
    """Judges are kept with a mark of the clips that they saw; those of other clips are refused."""
    mark = hashlib.sha256("\n".join(f"{c.name} {c.mirrored} {len(c.features)}" for c in clips).encode()).hexdigest()
    path = folder / "clips.sha256"
    if path.exists() and path.read_text(encoding="utf-8") != mark:
        raise StylizeError(f"{folder} holds judges of other clips; choose another folder or delete it.")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(mark, encoding="utf-8")
