"""Train the stylizer on the latents of a trained autoencoder.

    python -m training.train_stylizer --pack packs/train.npz --autoencoder runs/autoencoder \\
        --run.out runs/stylizer --run.steps 12000
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stylize.checkpoint import config_to_dict, load_network, resolve_device, save_network, write_json
from stylize.errors import StylizeError
from stylize.models.autoencoder import Autoencoder, fill_up, stack_frames
from stylize.models.layers import time_statistics
from stylize.models.stylizer import Stylizer, StylizerConfig
from stylize.restyle import MAX_TEMPO_CHANGE
from training.aligned_clips import (
    MAX_COST,
    Alignment,
    align_clips,
    align_unlabelled,
    movement_amounts,
    movement_pattern,
)
from training.classifiers import IGNORE, Guide, label_index, train_classifier
from training.command import run_command
from training.datasets import (
    FeatureClip,
    change_speed,
    load_feature_clips,
    log_pace,
    log_tempo,
    random_crop,
    shared_out,
    warp,
)
from training.loop import RunOptions, Trainer, set_up
from training.style_neighbours import linked_groups, style_groups, style_neighbours
from training.stylizer_losses import LossWeights, StyleBatch, StylizerTraining, posture_scale
from training.synthetic_styles import SyntheticStyles
from training.train_autoencoder import load_autoencoder, save_autoencoder, set_feature_statistics


@dataclass(frozen=True)
class TrainStylizer:
    """Train the stylizer on the latents of a trained autoencoder.

    Attributes:
        pack: the training pack (training.prepare).
        autoencoder: folder of the autoencoder's run; end to end only its sizes are taken.
        run: length, device, seed and folder.
        model: sizes; the labels are taken from the pack.
        weights: of the losses.
        synthetic: files of synthetic styles (training.synthetic_styles) to train with as well.
        supervised: use the clips' labels; otherwise nothing is known of any clip.
        label_priors: give every label a prior of its own. Without, labels only say which clips are in one style, and
            the stylizer can be given a reference alone, but of any style: its codes lie apart as the styles do.
        held_out: style labels whose clips are left out.
        batch_size: contents a step.
        synthetic_batch_size: contents in synthetic styles a step.
        aligned: rebuild real clips of another style from clips of the same action on their timeline.
        guide_steps: steps of the classifiers that guide.
        homo_style: homo-style alignment (Guo, Mu et al., 2024): a clip is rebuilt with the code of another clip in
            its style, and the two codes are drawn together (``weights.alignment``). Otherwise a clip is rebuilt
            with its own code, which nothing keeps from holding the clip's action too.
        end_to_end: start from an untrained autoencoder and train it with its own losses along with the stylizer,
            through one another; without guidance, since latents that move cannot be judged.
        other_action: how often the code that rebuilds a clip comes from another action.
        unlabelled: share of contents from clips without a label.
        small_set: share of contents from the styles of a set with a prefix ("set1/...").
        start_from: folder of a run whose stylizer to go on with, with other settings.
        neighbours: without labels, among how many of the nearest style codes of ``start_from`` clips of other actions
            are found that count as being in the same style; 0 takes nothing for granted but the clip itself.
        groups: without labels, into how many groups the clips' style codes of ``start_from`` are parted; a group counts
            as a style then, and guides. More groups than styles are no harm, groups of two styles are.
        linked_groups: put what one style does in several actions into one group, as far as can be told.
    """

    pack: Path
    autoencoder: Path
    run: RunOptions
    model: StylizerConfig = field(default_factory=lambda: StylizerConfig(labels=()))
    weights: LossWeights = field(default_factory=LossWeights)
    synthetic: tuple[Path, ...] = ()
    supervised: bool = True
    label_priors: bool = True
    held_out: tuple[str, ...] = ()
    batch_size: int = 24
    synthetic_batch_size: int = 12
    aligned: bool = True
    guide_steps: int = 1500
    homo_style: bool = True
    end_to_end: bool = False
    other_action: float = 0.85
    unlabelled: float = 0.15
    small_set: float = 0.15
    start_from: Path | None = None
    neighbours: int = 0
    groups: int = 0
    linked_groups: bool = False


CROP_LENGTHS = (10, 16, 24)
"""Latent frames of a batch's contents: 1.3 to 3.2 seconds."""
SURE = 0.8
"""Probability over which a guide's word on a clip's action counts."""
TEMPO_JITTER = 0.05, 0.15
"""Deviation of the log tempo of contents where the tempo is known for the style, and where it is not."""


class StyleSampler:
    """Draws batches of contents with their references from labelled and unlabelled clips."""

    def __init__(self, clips: list[FeatureClip], encode: Callable[[Tensor], Tensor], options: TrainStylizer) -> None:
        self.clips = clips
        self.encode = encode
        self.latents = encode_clips(encode, clips, resolve_device(options.run.device))
        self.rng = np.random.default_rng(options.run.seed)
        self.contents = tuple(sorted({clip.content for clip in clips if clip.content}))
        self.content = np.array([label_index(self.contents, clip.content) for clip in clips])
        self.sizes = np.array([len(sequence) for sequence in self.latents])
        self.lengths = [length for length in CROP_LENGTHS if length <= self.sizes.max()]
        self.options = options
        labels = tuple(sorted({clip.style for clip in clips if clip.style}))
        self._set_styles(labels, np.array([label_index(labels, clip.style) for clip in clips]))
        self.alignments = self._align() if options.aligned else {}
        self.neighbours: list[np.ndarray] = []

    def _set_styles(self, labels: tuple[str, ...], style: np.ndarray) -> None:
        self.labels, self.style = labels, style
        self.by_style = {label: np.flatnonzero(style == label) for label in range(len(labels))}
        self.weights = self._weights()
        self._measure_pairs()

    @property
    def label_counts(self) -> tuple[int, int]:
        """How many styles and actions have a label."""
        return len(self.labels), len(self.contents)

    def _align(self) -> dict[tuple[int, int], list[Alignment]]:
        """Clips on the timelines of others, by clip and the others' style; IGNORE without labels."""
        if self.options.supervised:
            found = align_clips(self.clips, self.rng)
            return {(index, self.labels.index(style)): [alignment] for (index, style), alignment in found.items()}
        return {(index, IGNORE): found for index, found in align_unlabelled(self.clips, self.rng).items()}

    def _measure_pairs(self) -> None:
        self.tempos, self.paces = self._pair_means(log_tempo), self._pair_means(log_pace)

    def _pair_means(self, measure: Callable[[np.ndarray], float]) -> np.ndarray:
        """(styles + 1, contents + 1) the mean of a measure of each pair's clips; NaN where there are none.

        The last style is that of the clips without a label.
        """
        means = np.full((len(self.labels) + 1, len(self.contents) + 1), np.nan)
        by_pair: dict[tuple[int, int], list[float]] = defaultdict(list)
        for clip, style, content in zip(self.clips, self.style, self.content, strict=True):
            if content != IGNORE:
                by_pair[style, content].append(measure(clip.features))
        for pair, values in by_pair.items():
            means[pair] = np.mean(values)
        return means

    def _weights(self) -> np.ndarray:
        """Every style of a set as often as the others, every action of a style as often as its others."""
        prefixed = np.array(["/" in self.labels[label] if label != IGNORE else False for label in self.style])
        pair_sizes: dict[tuple[int, int], int] = defaultdict(int)
        for pair in zip(self.style, self.content, strict=True):
            pair_sizes[pair] += 1
        weights = np.array([1 / pair_sizes[pair] ** 0.75 for pair in zip(self.style, self.content, strict=True)])
        unlabelled = self.style == IGNORE
        weights[unlabelled] = np.minimum(self.sizes[unlabelled], 10 * CROP_LENGTHS[-1])
        named = unlabelled & (self.content != IGNORE)
        share = self.options.unlabelled / (2 if named.any() else 1)
        shares = (
            (unlabelled & ~named, share),
            (named, share),
            (prefixed, self.options.small_set),
            (~unlabelled & ~prefixed, 1 - self.options.unlabelled - self.options.small_set),
        )
        return shared_out(weights, shares)

    def choose(self, count: int, length: int, labelled: bool = False) -> np.ndarray:
        """Indices (count,) of clips of at least ``length`` latent frames."""
        weights = self.weights * (self.sizes >= length) * ((self.style != IGNORE) | (not labelled))
        return self.rng.choice(len(weights), size=count, p=weights / weights.sum())

    def crop(self, index: int, length: int) -> Tensor:
        """A random part (C, length) of a clip's latents."""
        return random_crop(self.latents[index], length, self.rng).T

    def find_neighbours(self, stylizer: Stylizer, count: int) -> None:
        """Let clips without a label have partners, by the style codes of a trained network."""
        patterns = np.stack([movement_pattern(clip.features) for clip in self.clips[::2]])
        found = style_neighbours(self._codes(stylizer), patterns, count)
        self.neighbours = [2 * each + mirrored for each in found for mirrored in (0, 1)]

    def find_groups(self, stylizer: Stylizer, count: int, linked: bool) -> None:
        """Let groups of clips whose style codes are near, by a trained network, be the styles."""
        codes = self._codes(stylizer)
        if linked:
            statistics = np.stack([time_statistics(each.T[None])[0].numpy() for each in self.latents[::2]])
            amounts = np.stack([movement_amounts(clip.features) for clip in self.clips[::2]])
            groups = linked_groups(codes, statistics, amounts, count, self.rng)
        else:
            groups = style_groups(codes, count, self.rng)
        self._set_styles(tuple(f"group {group}" for group in range(count)), np.repeat(groups, 2))

    @torch.no_grad()
    def _codes(self, stylizer: Stylizer) -> np.ndarray:
        """Style codes (N, S) of the clips, without their mirrored twins."""
        return np.stack([stylizer.encode_style(each.T[None])[0][0].numpy() for each in self.latents[::2]])

    @torch.no_grad()
    def name_actions(self, guide: Guide) -> None:
        """Let clips without a label be of the action that a guide surely sees in them, in a style of other people."""
        guide, length = guide.cpu().eval(), min(self.lengths)
        for index in np.flatnonzero((self.style == IGNORE) & (self.sizes >= length)):
            pieces = self.latents[index].unfold(0, length, length // 2)
            action = guide(pieces)["content"].softmax(1).mean(0)
            if action.max() > SURE:
                self.content[index] = int(action.argmax())
        self.weights = self._weights()
        self._measure_pairs()

    def partner(self, index: int) -> int:
        """A clip in the same style, of another action most of the time; the clip itself if none is known."""
        if self.style[index] == IGNORE:
            known = (
                len(self.neighbours) and len(self.neighbours[index]) and self.rng.random() < self.options.other_action
            )
            return int(self.rng.choice(self.neighbours[index])) if known else index
        candidates = self.by_style[self.style[index]]
        if self.rng.random() < self.options.other_action:
            other = candidates[self.content[candidates] != self.content[index]]
            candidates = other if len(other) else candidates
        return int(self.rng.choice(candidates))

    def crop_at_tempo(self, index: int, length: int, change: float) -> np.ndarray:
        """A random part of a clip's features (4 length, 272), played exp(change) times as fast."""
        speed, count = float(np.exp(change)), length * Autoencoder.downsampling
        needed = int(np.ceil((count - 1) * speed)) + 2
        features = random_crop(torch.from_numpy(self.clips[index].features), needed, self.rng)
        return change_speed(features.numpy(), speed)[:count]

    def aligned_crop(self, index: int, style: int, length: int) -> tuple[np.ndarray, Tensor, int] | None:
        """A part of a clip's features (4 length, 272) on the timeline of a clip in a style, its latents and index."""
        found = [
            alignment
            for alignment in self.alignments.get((index, style), ())
            if alignment.cost <= MAX_COST and self.sizes[alignment.other] >= length
        ]
        if not found:
            return None
        alignment = found[self.rng.integers(len(found))]
        start = int(self.rng.integers(0, self.sizes[alignment.other] - length + 1))
        frames = np.arange(start * Autoencoder.downsampling, (start + length) * Autoencoder.downsampling)
        times = alignment.times[np.minimum(frames, len(alignment.times) - 1)]
        target = self.latents[alignment.other][start : start + length].T
        return warp(self.clips[index].features, times), target, alignment.other

    def crops(self, indices: np.ndarray, length: int) -> Tensor:
        """(B, C, length) random parts of clips."""
        return torch.stack([self.crop(index, length) for index in indices])

    def batch(self, device: torch.device) -> StyleBatch:
        """A batch whose contents share one random length, and whose references share another."""
        length, reference_length = (int(n) for n in self.rng.choice(self.lengths, size=2))
        count = self.options.batch_size * CROP_LENGTHS[-1] // max(length, CROP_LENGTHS[-1] // 2)
        chosen = self.choose(count, length)
        others = self.choose(count, reference_length, labelled=self.options.supervised)
        partners = np.array([self.partner(index) for index in chosen])
        known, pace_change = (
            means[self.style[others], self.content[chosen]] - means[self.style[chosen], self.content[chosen]]
            for means in (self.tempos, self.paces)
        )
        stride_change = pace_change - known
        jitter = self.rng.normal(0, np.where(np.isnan(known), TEMPO_JITTER[1], TEMPO_JITTER[0]))
        change = np.clip(np.nan_to_num(known) + jitter, -MAX_TEMPO_CHANGE, MAX_TEMPO_CHANGE)
        at_tempo = [self.crop_at_tempo(i, length, c) for i, c in zip(chosen, change, strict=True)]
        aligned = torch.full((count, self.latents[0].shape[1], length), torch.nan)
        for row, (index, other) in enumerate(zip(chosen, others, strict=True)):
            wanted = int(self.style[other]) if self.options.supervised else IGNORE
            found = self.aligned_crop(index, wanted, length)
            if found is not None:
                at_tempo[row], aligned[row], other = found
                if not self.options.supervised:
                    others[row] = self.partner(other)
                    known[row] = log_tempo(self.clips[other].features) - log_tempo(self.clips[index].features)
        with torch.no_grad():
            contents = self.encode(torch.from_numpy(np.stack(at_tempo)).to(device)).float()
        latents = self.crops(chosen, length)
        same_style = self.crops(partners, reference_length) if self.options.homo_style else latents
        return StyleBatch(
            latents.to(device),
            contents,
            same_style.to(device),
            self.crops(others, reference_length).to(device),
            torch.from_numpy(self.style[chosen]).to(device),
            torch.from_numpy(self.content[chosen]).to(device),
            torch.from_numpy(self.style[others]).to(device),
            torch.from_numpy(known).float().to(device),
            torch.from_numpy(stride_change).float().to(device),
            aligned.to(device),
        )

    def labelled_batch(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Noisy crops of labelled clips with their labels, for a classifier.

        The noise is strong and of any strength, so that a small change of the latents cannot please it.
        """
        length = int(self.rng.choice(self.lengths))
        chosen = self.choose(64, length, labelled=True)
        crops = self.crops(chosen, length)
        noise = self.options.weights.guide_noise * torch.rand(len(crops), 1, 1)
        return crops + noise * torch.randn_like(crops), {
            "style": torch.from_numpy(self.style[chosen]),
            "content": torch.from_numpy(self.content[chosen]),
            "movement": torch.from_numpy(self.style[chosen]),
        }


@torch.no_grad()
def encode_clips(encode: Callable[[Tensor], Tensor], clips: list[FeatureClip], device: torch.device) -> list[Tensor]:
    """The latents (N, C) of every clip, on the CPU."""
    return [encode(torch.from_numpy(clip.features)[None].to(device))[0].T.contiguous().cpu() for clip in clips]


def stacked(features: Tensor) -> Tensor:
    """Features (B, T, 272) in the form of latents (B, 4 * 272, ceil(T/4)), where the training itself encodes them."""
    return stack_frames(fill_up(features))


def main(options: TrainStylizer) -> None:
    """Train the guides, then the stylizer; write stylizer.safetensors and stylizer.json into the run's folder."""
    set_up(options.run)
    clips = [clip for clip in load_feature_clips(options.pack, mirror=True) if clip.style not in options.held_out]
    if not options.supervised:
        clips = [replace(clip, style=None, content=None) for clip in clips]
    autoencoder = load_autoencoder(options.autoencoder).to(resolve_device(options.run.device))
    if options.end_to_end:
        if options.synthetic or not autoencoder.config.latent:
            raise StylizeError(
                "--end-to-end trains an autoencoder anew, so leave --synthetic out and give one with latents."
            )
        autoencoder = Autoencoder(autoencoder.config)
        set_feature_statistics(autoencoder, clips)
    sampler = StyleSampler(clips, stacked if options.end_to_end else autoencoder.encode, options)
    labels = sampler.labels if options.label_priors else ()
    config = replace(options.model, labels=labels, latent_channels=autoencoder.config.channels)
    stylizer = Stylizer(config)
    if options.start_from:
        load_network(stylizer, options.start_from / "stylizer.safetensors")
        if options.neighbours and not options.supervised:
            sampler.find_neighbours(stylizer, options.neighbours)
        if options.groups and not options.supervised:
            sampler.find_groups(stylizer, options.groups, options.linked_groups)
        stylizer.requires_grad_(True)
    guide = None
    if sampler.labels and options.weights.guidance and not options.end_to_end:
        guide = Guide(config.latent_channels, len(sampler.labels), max(len(sampler.contents), 1))
        guide_options = replace(options.run, steps=options.guide_steps)
        guide = train_classifier(guide, sampler.labelled_batch, guide_options, "guide", [sampler.rng])
        sampler.name_actions(guide)
    synthetic = SyntheticStyles(options.synthetic, options.run.seed) if options.synthetic else None
    together = autoencoder if options.end_to_end else None
    decoder = None if options.end_to_end else autoencoder
    scale = posture_scale(sampler.latents, min(CROP_LENGTHS)) if options.weights.synthetic_posture else None
    training = StylizerTraining(stylizer, guide, options.weights, sampler.label_counts, together, decoder, scale)
    trainer = Trainer(training, options.run, [sampler.rng] + ([synthetic.rng] if synthetic else []))

    def losses_of(_: int) -> dict[str, Tensor]:
        losses = training(sampler.batch(trainer.device))
        if synthetic is not None:
            length = int(sampler.rng.choice(CROP_LENGTHS[:2]))
            losses |= training.synthetic(synthetic.batch(options.synthetic_batch_size, length, trainer.device))
        return losses

    trained = trainer.run(losses_of)
    assert isinstance(trained, StylizerTraining)
    save_network(trained.stylizer, options.run.out / "stylizer.safetensors")
    write_json(config_to_dict(config), options.run.out / "stylizer.json")
    if trained.autoencoder is not None:
        save_autoencoder(trained.autoencoder, options.run.out)


if __name__ == "__main__":
    run_command(main, TrainStylizer, __doc__)
