"""Make the synthetic styles that a stylizer is trained with: latents of neutral clips under many style operators.

    python -m training.synthetic_styles --pack packs/train.npz --autoencoder runs/autoencoder \\
        --out packs/synthetic.safetensors
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from stylize.errors import StylizeError
from stylize.features import BLOCKS, FPS, encode
from stylize.motion import Motion
from stylize.skeleton import SKELETON_22
from training.command import run_command
from training.datasets import change_speed, shared_out
from training.packs import Pack
from training.processes import process_pool
from training.recorded_differences import Difference, RecordedDifferences, random_weights
from training.style_operators import Manner, sample_operator, turned
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
        recorded: share of groups whose styles are mixtures of what real clips of the same actions show
            (training.recorded_differences), as a rule with an operator of its own on top of each.
        groups: how many groups of operators, each with its own clips.
        operators: a group; one more "style" in each is the clips as they are.
        clips: a group.
        frames: of each clip of a group, before its speed is changed: one of these, for short clips show other actions.
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
    recorded: float = 0.0
    groups: int = 400
    operators: int = 4
    clips: int = 5
    frames: tuple[int, ...] = (48, 64, 96)
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
    """Draws batches from files that this module wrote: groups of latents (speeds, styles, clips, C, N).

    StylizeError if there is no such file.
    """

    def __init__(self, paths: Sequence[Path], seed: int) -> None:
        self.speeds: list[np.ndarray] = []
        self.groups: list[list[Tensor]] = []
        for path in paths:
            if not path.is_file():
                raise StylizeError(f"There are no synthetic styles {path}; make them with training.synthetic_styles.")
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
MAX_LOG_SPEED = 0.9
"""Of a mixture, about as far as the training clips of one action are apart."""
MIXED = 3
"""Real styles in a mixture at most."""
CHANGED_FURTHER = 0.5
"""Share of mixtures with an operator on top."""


@dataclass(frozen=True, eq=False)
class SyntheticStyle:
    """What one style of a group is made of.

    Attributes:
        manners: of which an operator borrows the difference, if it does.
        recorded: the differences of a mixture of real styles, one a clip, if it is one.
        operator: whether it has an operator.
    """

    manners: tuple[Manner, Manner] | None = None
    recorded: list[Difference] | None = None
    operator: bool = True


@dataclass(frozen=True, eq=False)
class Group:
    """Clips (local rotations and root positions), the styles to put them in, and what operators are drawn with."""

    clips: list[tuple[np.ndarray, np.ndarray]]
    styles: list[SyntheticStyle]
    speed_spread: float
    seed: int


def make_group(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Features (styles, clips, T, 272) of a group's clips in each style, and the styles' speeds."""
    rng = np.random.default_rng(group.seed)
    originals = [Motion(SKELETON_22, rotations, roots, FPS) for rotations, roots in group.clips]
    features, speeds = [np.stack([encode(clip) for clip in originals])], [1.0]
    for style in group.styles:
        clips, speed = originals, 1.0
        if style.recorded:
            clips = [turned(clip, each.turns) for clip, each in zip(clips, style.recorded, strict=True)]
            speed = float(np.exp(np.clip(style.recorded[0].log_speed, -MAX_LOG_SPEED, MAX_LOG_SPEED)))
        if style.operator:
            operator = sample_operator(rng, style.manners, group.speed_spread)
            clips, speed = [operator(clip) for clip in clips], speed * operator.speed
        features.append(np.stack([encode(clip) for clip in clips]))
        speeds.append(speed)
    return np.stack(features), np.array(speeds)


class Groups:
    """Draws groups of clips of a pack and of styles to put them in."""

    def __init__(self, options: SyntheticStylesOptions) -> None:
        self.options = options
        self.pack = pack = Pack.load(options.pack)
        self.rng = np.random.default_rng(options.seed)
        self.manners = [
            Manner.of(pack.motion(index)) for index, clip in enumerate(pack.clips) if clip.style not in options.held_out
        ]
        self.recorded = None
        if options.recorded:
            self.recorded = RecordedDifferences(pack, options.held_out, self.rng)

    def __iter__(self) -> Iterator[Group]:
        for index in range(self.options.groups):
            recorded = self.recorded if self.rng.random() < self.options.recorded else None
            frames = int(self.rng.choice(self.options.frames))
            clips, styles = self._mixed(recorded, frames) if recorded else self._invented(frames)
            arrays = [(clip.local_rotations, clip.root_positions) for clip in clips]
            yield Group(arrays, styles, self.options.speed_spread, self.options.seed * 1_000_003 + index)

    def _invented(self, frames: int) -> tuple[list[Motion], list[SyntheticStyle]]:
        options, rng, clips = self.options, self.rng, self.pack.clips
        usable = [
            index
            for index, clip in enumerate(clips)
            if clip.frames >= frames and (clip.style is None or clip.style in options.neutral)
        ]
        # Long recordings more often than short ones, but not as often as they are longer.
        weights = np.array([min(clips[index].frames, 900) for index in usable], dtype=float)
        unlabelled = np.array([clips[index].style is None for index in usable])
        shares = ((unlabelled, options.unlabelled), (~unlabelled, 1 - options.unlabelled))
        chosen = rng.choice(usable, options.clips, replace=False, p=shared_out(weights, shares))
        pairs = [rng.choice(len(self.manners), 2, replace=False) for _ in range(options.operators)]
        manners = [(self.manners[i], self.manners[j]) if rng.random() < options.borrowed else None for i, j in pairs]
        return [self._crop(int(index), frames)[0] for index in chosen], [SyntheticStyle(each) for each in manners]

    def _mixed(self, recorded: RecordedDifferences, frames: int) -> tuple[list[Motion], list[SyntheticStyle]]:
        options, rng = self.options, self.rng
        chosen, names = recorded.clips(rng, options.clips, MIXED, frames)
        crops = [self._crop(index, frames) for index in chosen]
        styles = []
        for _ in range(options.operators):
            some = rng.choice(names, min(int(rng.integers(1, MIXED + 1)), len(names)), replace=False).tolist()
            whole = recorded.mixed(chosen, random_weights(rng, some))
            parts = [each.part(cut, twin) for each, (_, cut, twin) in zip(whole, crops, strict=True)]
            styles.append(SyntheticStyle(recorded=parts, operator=bool(rng.random() < CHANGED_FURTHER)))
        return [clip for clip, _, _ in crops], styles

    def _crop(self, index: int, frames: int) -> tuple[Motion, slice, bool]:
        """A part of a clip, half the time mirrored; which of its frames, and whether it is."""
        start = int(self.rng.integers(0, self.pack.clips[index].frames - frames + 1))
        cut, twin = slice(start, start + frames), bool(self.rng.random() < 0.5)
        motion = self.pack.motion(index).with_frames(cut)
        return (motion.mirror() if twin else motion), cut, twin


@torch.no_grad()
def main(options: SyntheticStylesOptions) -> None:
    """Change, encode and write."""
    autoencoder = load_autoencoder(options.autoencoder)
    tensors, speeds = {}, []
    with process_pool(options.workers) as pool:
        results = pool.map(make_group, Groups(options))
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
    run_command(main, SyntheticStylesOptions, __doc__)
