"""Clips of a pack as features, mirrored ones too, and batches of random crops."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from stylize.features import BLOCKS, FPS, NUM_FEATURES, NUM_JOINTS, encode
from stylize.skeleton import CONTACT_ROLES, SKELETON_22
from training.metrics import MIN_PACE, tempo
from training.packs import Pack


@cache
def feature_mirror() -> tuple[np.ndarray, np.ndarray]:
    """Columns (272,) and signs (272,): ``features[:, columns] * signs`` are those of the mirrored motion."""
    columns, signs = np.arange(NUM_FEATURES), np.ones(NUM_FEATURES, np.float32)
    flip = np.array([-1.0, 1.0, 1.0], np.float32)
    partner = SKELETON_22.mirrored_joints
    signs[BLOCKS["root_yaw_velocity"]] = -1
    signs[BLOCKS["root_planar_velocity"]] = (-1, 1)
    per_joint = {"positions": flip, "velocities": flip, "rot6d": np.outer(flip, flip[:2]).ravel()}
    for name, sign in per_joint.items():
        block = columns[BLOCKS[name]].reshape(NUM_JOINTS, len(sign))
        columns[BLOCKS[name]] = block[partner].ravel()
        signs[BLOCKS[name]] = np.tile(sign, NUM_JOINTS)
    other_side = [
        CONTACT_ROLES.index(r.replace("left", "right") if "left" in r else r.replace("right", "left"))
        for r in CONTACT_ROLES
    ]
    columns[BLOCKS["contacts"]] = columns[BLOCKS["contacts"]][other_side]
    return columns, signs


def mirror_content(content: str | None) -> str | None:
    """An action's name with left and right swapped."""
    if content is None:
        return None
    return content.replace("left", "\0").replace("right", "left").replace("\0", "right")


@dataclass(frozen=True)
class FeatureClip:
    """A clip as the networks see it: features (T, 272), style and content label, whether it is mirrored.

    A caption is the source's own description, with the sides as they were before any mirroring.
    """

    name: str
    features: np.ndarray
    style: str | None
    content: str | None
    mirrored: bool = False
    caption: str | None = None


def warp(features: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The features (T, 272) at other frame times (N,), their velocities scaled by how fast the times run."""
    times = np.clip(times, 0, len(features) - 1)
    before = np.minimum(times.astype(int), len(features) - 2)
    weight = (times - before)[:, None]
    warped = features[before] * (1 - weight) + features[before + 1] * weight
    speed = np.gradient(times)[:, None] if len(times) > 1 else np.ones((1, 1))
    for name in ("root_yaw_velocity", "root_planar_velocity", "velocities"):
        warped[:, BLOCKS[name]] *= speed
    return warped.astype(np.float32)


def change_speed(features: np.ndarray, factor: float) -> np.ndarray:
    """The features (T, 272) of the same motion ``factor`` times as fast: (T / factor, 272), velocities scaled."""
    return warp(features, np.arange(0, len(features) - 1 + 1e-6, factor))


def joint_positions(features: np.ndarray) -> np.ndarray:
    """The positions (T, 22, 3) in features (T, 272), in metres in the root's ground frame."""
    return features[:, BLOCKS["positions"]].reshape(len(features), NUM_JOINTS, 3)


def log_tempo(features: np.ndarray) -> float:
    """Log of a clip's tempo (see metrics.tempo)."""
    return float(np.log(max(tempo(joint_positions(features), FPS), 1e-3)))


def mean_pace(features: np.ndarray) -> float:
    """A clip's mean speed of the root along the ground in m/s (see metrics.pace)."""
    return float(np.linalg.norm(features[:-1, BLOCKS["root_planar_velocity"]], axis=-1).mean())


def log_pace(features: np.ndarray) -> float:
    """Log of a clip's pace; NaN for somebody who hardly goes anywhere."""
    pace = mean_pace(features)
    return float(np.log(pace)) if pace > MIN_PACE else np.nan


def shared_out(weights: np.ndarray, shares: Iterable[tuple[np.ndarray, float]]) -> np.ndarray:
    """Weights (N,) that sum to 1, in which the members (N,) of each group have together the share that it is given.

    A group without members leaves its share to the others.
    """
    weights = weights.astype(np.float64)
    for members, share in shares:
        if members.any():
            weights[members] *= share / weights[members].sum()
    return weights / weights.sum()


def load_feature_clips(path: Path, *, mirror: bool) -> list[FeatureClip]:
    """Every clip of a pack as features, and with ``mirror`` its mirrored twin right after it."""
    pack = Pack.load(path)
    columns, signs = feature_mirror()
    clips = []
    for index, clip in enumerate(pack.clips):
        features = encode(pack.motion(index))
        clips.append(FeatureClip(clip.name, features, clip.style, clip.content, caption=clip.caption))
        if mirror:
            twin = features[:, columns] * signs
            content = mirror_content(clip.content)
            clips.append(FeatureClip(clip.name, twin, clip.style, content, True, clip.caption))
    return clips


def feature_statistics(clips: list[FeatureClip]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (272,) over all frames; one deviation for each kind of number.

    A deviation of its own for every column would blow up the noise of those that hardly move, so a block's
    columns share the mean of theirs in part.
    """
    frames = np.concatenate([clip.features for clip in clips])
    mean, std = frames.mean(0), frames.std(0)
    for block in BLOCKS.values():
        std[block] = 0.5 * std[block] + 0.5 * std[block].mean()
    return torch.from_numpy(mean), torch.from_numpy(std + 1e-4)


def random_crop(sequence: torch.Tensor, length: int, rng: np.random.Generator) -> torch.Tensor:
    """A random part (length, C) of a sequence (T, C); a shorter one is repeated back and forth."""
    if len(sequence) < length:
        turns = -(-length // len(sequence))
        sequence = torch.cat([sequence if turn % 2 == 0 else sequence.flip(0) for turn in range(turns)])
    start = int(rng.integers(0, len(sequence) - length + 1))
    return sequence[start : start + length]


class CropSampler:
    """Random crops of equal length out of clips, each clip as often as its weight says.

    Args:
        sequences: (T, C) arrays or tensors.
        lengths: crop lengths to choose from, one a batch; a clip that is shorter than it is left out then.
        weights: one a sequence; their lengths when None.
        seed: of the choices.
    """

    def __init__(
        self, sequences: list, lengths: tuple[int, ...], weights: np.ndarray | None = None, seed: int = 0
    ) -> None:
        self.sequences = sequences
        self.sizes = np.array([len(sequence) for sequence in sequences])
        self.lengths = tuple(length for length in lengths if length <= self.sizes.max())
        self.weights = self.sizes.astype(np.float64) if weights is None else weights
        self.rng = np.random.default_rng(seed)

    def choose(self, length: int, batch_size: int) -> np.ndarray:
        """Indices (B,) of sequences of at least ``length`` frames."""
        weights = self.weights * (self.sizes >= length)
        return self.rng.choice(len(self.sizes), size=batch_size, p=weights / weights.sum())

    def crop(self, index: int, length: int):
        """A random part of ``length`` frames of one sequence."""
        start = self.rng.integers(0, self.sizes[index] - length + 1)
        return self.sequences[index][start : start + length]

    def batch(self, batch_size: int) -> np.ndarray:
        """(B, L, C) crops of one random length; short crops come in larger batches, for an even cost."""
        length = int(self.rng.choice(self.lengths))
        count = batch_size * max(self.lengths) // length
        return np.stack([self.crop(index, length) for index in self.choose(length, count)])
