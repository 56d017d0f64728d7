"""Make the synthetic styles that a stylizer is trained with: latents of neutral clips under many style operators.

    python -m training.synthetic_styles --pack packs/train.npz --autoencoder runs/autoencoder \\
        --out packs/synthetic.safetensors
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from stylize.features import BLOCKS, FPS, encode
from stylize.motion import Motion
from stylize.skeleton import SKELETON_22
from training.datasets import change_speed, shared_out
from training.packs import Pack
from training.style_operators import Manner, sample_operator
from training.train_autoencoder import load_autoencoder


@dataclass(frozen=True)
class SyntheticStylesOptions:
    """Make synthetic styles.

    Attributes:
        pack: the training pack; its clips without a style label, and those of the ``neutral`` styles, are changed.
        autoencoder: folder of the autoencoder's run.
        out: the file to write.
        neutral: style labels of clips that have no style of their own.
        borrowed: share of operators that take the difference of two real clips of any style as their own.
        held_out: style labels of clips that are not used in any way.
        unlabelled: share of clips without a label; theirs are other actions each, which says less about a style.
        speed_spread: deviation of the log speed of a strong style.
        groups: how many groups of operators, each with its own clips.
        operators: a group; one more "style" in each is the clips as they are.
        clips: a group.
        frames: of each clip, before an operator changes its speed.
        seed: of everything that is drawn.
        workers: processes.
    """

    pack: Path
    autoencoder: Path
    out: Path
    neutral: tuple[str, ...] = ("normal",)
    borrowed: float = 0.6
    held_out: tuple[str, ...] = ()
    unlabelled: float = 0.1
    speed_spread: float = 0.25
    groups: int = 400
    operators: int = 4
    clips: int = 5
    frames: int = 96
    seed: int = 0
    workers: int = 2


@dataclass(frozen=True)
class SyntheticBatch:
    """Latents (B, C, N) that synthetic styles relate to each other.

    Attributes:
        contents: clips in one style, already at the tempo of another.
        references: other clips in that other style.
        targets: the contents' clips in it, frame by frame.
        slow_contents: the contents at their own tempo, (B, C, M).
        tempo_change: (B,) log of how many times as fast the targets are as those.
    """

    contents: Tensor
    references: Tensor
    targets: Tensor
    slow_contents: Tensor
    tempo_change: Tensor


class SyntheticStyles:
    """Draws batches from files that this module wrote: groups of latents (speeds, styles, clips, C, N)."""

    def __init__(self, paths: Sequence[Path], seed: int) -> None:
        self.speeds: list[np.ndarray] = []
        self.groups: list[list[Tensor]] = []
        for path in paths:
            tensors = load_file(path)
            for group, speeds in enumerate(tensors.pop("speeds").numpy()):
                self.speeds.append(speeds)
                self.groups.append([tensors[f"{group:04d}-{speed}"] for speed in range(len(speeds))])
        self.rng = np.random.default_rng(seed)

    def batch(self, count: int, length: int, device: torch.device) -> SyntheticBatch:
        """A batch whose sequences have ``length`` latent frames; faster styles are repeated back and forth."""
        rows: list[list[Tensor]] = []
        changes = []
        for group in self.rng.integers(0, len(self.groups), count):
            at_speed = self.groups[group]
            styles, clips = at_speed[0].shape[:2]
            own, wanted = self.rng.choice(styles, 2, replace=False)
            content, reference = self.rng.choice(clips, 2, replace=False)
            sequences = at_speed[wanted]
            start = int(self.rng.integers(0, max(sequences.shape[-1] - length, 0) + 1))
            aligned = (sequences[own, content], sequences[wanted, content])
            others = (sequences[wanted, reference], at_speed[own][own, content])
            rows.append(
                [_crop(sequence, start, length) for sequence in aligned]
                + [
                    _crop(other, int(self.rng.integers(0, max(other.shape[-1] - length, 0) + 1)), length)
                    for other in others
                ]
            )
            changes.append(np.log(self.speeds[group][wanted] / self.speeds[group][own]))
        contents, targets, references, slow = (torch.stack(column).to(device) for column in zip(*rows, strict=True))
        return SyntheticBatch(
            contents, references, targets, slow, torch.tensor(changes, dtype=torch.float32, device=device)
        )


def _crop(sequence: Tensor, start: int, length: int) -> Tensor:
    """``length`` frames of (C, N) from ``start``, turning round at the end where it is too short."""
    count = sequence.shape[-1]
    frames = torch.arange(start, start + length) % max(2 * count - 2, 1)
    return sequence[:, torch.minimum(frames, 2 * count - 2 - frames)].float()


MAX_SPEED = 40.0
"""Metres a second of a joint; a group that has a faster one is left out, since a recording in it is broken."""

Job = tuple[list[tuple[np.ndarray, np.ndarray]], list[tuple[Manner, Manner] | None], float, int]
"""Local rotations and root positions of a group's clips, what each operator borrows, their speeds, and the seed."""


def make_group(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Features (styles, clips, T, 272) of clips under each operator of a seed, and the styles' speeds."""
    arrays, borrowed, speed_spread, seed = job
    motions = [Motion(SKELETON_22, rotations, roots, FPS) for rotations, roots in arrays]
    rng = np.random.default_rng(seed)
    styles = [sample_operator(rng, manners, speed_spread) for manners in borrowed]
    plain = np.stack([encode(motion) for motion in motions])
    changed = [np.stack([encode(style(motion)) for motion in motions]) for style in styles]
    return np.stack([plain, *changed]), np.array([1.0] + [style.speed for style in styles])


def _jobs(options: SyntheticStylesOptions) -> Iterator[Job]:
    pack = Pack.load(options.pack)
    rng = np.random.default_rng(options.seed)
    usable = [
        index
        for index, clip in enumerate(pack.clips)
        if clip.frames >= options.frames and (clip.style is None or clip.style in options.neutral)
    ]
    manners = [
        Manner.of(pack.motion(index)) for index, clip in enumerate(pack.clips) if clip.style not in options.held_out
    ]
    # Long recordings more often than short ones, but not as often as they are longer.
    weights = np.array([min(pack.clips[index].frames, 900) for index in usable], dtype=float)
    unlabelled = np.array([pack.clips[index].style is None for index in usable])
    weights = shared_out(weights, ((unlabelled, options.unlabelled), (~unlabelled, 1 - options.unlabelled)))
    for group in range(options.groups):
        motions = []
        for index in rng.choice(usable, options.clips, replace=False, p=weights):
            start = int(rng.integers(0, pack.clips[index].frames - options.frames + 1))
            motion = pack.motion(int(index)).with_frames(slice(start, start + options.frames))
            motion = motion.mirror() if rng.random() < 0.5 else motion
            motions.append((motion.local_rotations, motion.root_positions))
        pairs = [rng.choice(len(manners), 2, replace=False) for _ in range(options.operators)]
        borrowed = [(manners[i], manners[j]) if rng.random() < options.borrowed else None for i, j in pairs]
        yield motions, borrowed, options.speed_spread, options.seed * 1_000_003 + group


@torch.no_grad()
def main(options: SyntheticStylesOptions) -> None:
    """Change, encode and write."""
    autoencoder = load_autoencoder(options.autoencoder)
    tensors, speeds = {}, []
    with ProcessPoolExecutor(options.workers) as pool:
        results = pool.map(make_group, _jobs(options))
        for features, group_speeds in tqdm(results, total=options.groups, mininterval=5):
            if np.abs(features[..., BLOCKS["velocities"]]).max() > MAX_SPEED:
                continue
            latents = []
            for speed in group_speeds:
                at_speed = np.stack([change_speed(clip, speed) for style in features for clip in style])
                latents.append(autoencoder.encode(torch.from_numpy(at_speed)).unflatten(0, features.shape[:2]))
            tensors |= {f"{len(speeds):04d}-{index}": each.half().contiguous() for index, each in enumerate(latents)}
            speeds.append(group_speeds)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors | {"speeds": torch.from_numpy(np.stack(speeds))}, options.out)
    print(f"{len(speeds) * options.operators} synthetic styles in {options.out}")


if __name__ == "__main__":
    main(tyro.cli(SyntheticStylesOptions, description=__doc__))
