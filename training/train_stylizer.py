"""Train the stylizer on the latents of a trained autoencoder.

    python -m training.train_stylizer --pack packs/train.npz --autoencoder runs/autoencoder \\
        --run.out runs/stylizer --run.steps 12000
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from torch import Tensor

from stylize.checkpoint import config_to_dict, load_network, save_network, write_json
from stylize.models.autoencoder import Autoencoder
from stylize.models.stylizer import Stylizer, StylizerConfig
from training.classifiers import IGNORE, SequenceClassifier, label_index, train_classifier
from training.datasets import FeatureClip, load_feature_clips, random_crop
from training.loop import RunOptions, Trainer, set_up
from training.stylizer_losses import LossWeights, StyleBatch, StylizerTraining
from training.train_autoencoder import load_autoencoder


@dataclass(frozen=True)
class TrainStylizer:
    """Train the stylizer on the latents of a trained autoencoder.

    Attributes:
        pack: the training pack (training.prepare).
        autoencoder: folder of the autoencoder's run.
        run: length, device, seed and folder.
        model: sizes; the labels are taken from the pack.
        weights: of the losses.
        batch_size: contents a step.
        guide_steps: steps of the classifiers that guide.
        other_action: how often the code that rebuilds a clip comes from another action.
        unlabelled: share of contents from clips without a label.
        small_set: share of contents from the styles of a set with a prefix ("set1/...").
        start_from: folder of a run whose stylizer to go on with, with other settings.
    """

    pack: Path
    autoencoder: Path
    run: RunOptions
    model: StylizerConfig = field(default_factory=lambda: StylizerConfig(labels=()))
    weights: LossWeights = field(default_factory=LossWeights)
    batch_size: int = 24
    guide_steps: int = 1500
    other_action: float = 0.85
    unlabelled: float = 0.15
    small_set: float = 0.2
    start_from: Path | None = None


CROP_LENGTHS = (10, 16, 24)
"""Latent frames of a batch's contents: 1.3 to 3.2 seconds."""


class StyleSampler:
    """Draws batches of contents with their references from latents (N, C) of labelled and unlabelled clips."""

    def __init__(self, clips: list[FeatureClip], latents: list[Tensor], options: TrainStylizer) -> None:
        self.latents = latents
        self.rng = np.random.default_rng(options.run.seed)
        self.labels = tuple(sorted({clip.style for clip in clips if clip.style}))
        self.contents = tuple(sorted({clip.content for clip in clips if clip.content}))
        self.style = np.array([label_index(self.labels, clip.style) for clip in clips])
        self.content = np.array([label_index(self.contents, clip.content) for clip in clips])
        self.sizes = np.array([len(sequence) for sequence in latents])
        self.lengths = [length for length in CROP_LENGTHS if length <= self.sizes.max()]
        self.options = options
        self.by_style: dict[int, np.ndarray] = {
            label: np.flatnonzero(self.style == label) for label in range(len(self.labels))
        }
        self.weights = self._weights()

    def _weights(self) -> np.ndarray:
        """Every style of a set as often as the others, every action of a style as often as its others."""
        prefixed = np.array(["/" in self.labels[label] if label != IGNORE else False for label in self.style])
        pair_sizes: dict[tuple[int, int], int] = defaultdict(int)
        for pair in zip(self.style, self.content, strict=True):
            pair_sizes[pair] += 1
        weights = np.array([1 / pair_sizes[pair] ** 0.75 for pair in zip(self.style, self.content, strict=True)])
        unlabelled = self.style == IGNORE
        weights[unlabelled] = self.sizes[unlabelled]
        shares = (
            (unlabelled, self.options.unlabelled),
            (prefixed, self.options.small_set),
            (~unlabelled & ~prefixed, 1 - self.options.unlabelled - self.options.small_set),
        )
        for members, share in shares:
            if members.any():
                weights[members] *= share / weights[members].sum()
        return weights / weights.sum()

    def choose(self, count: int, length: int, labelled: bool = False) -> np.ndarray:
        """Indices (count,) of clips of at least ``length`` latent frames."""
        weights = self.weights * (self.sizes >= length) * ((self.style != IGNORE) | (not labelled))
        return self.rng.choice(len(weights), size=count, p=weights / weights.sum())

    def crop(self, index: int, length: int) -> Tensor:
        """A random part (C, length) of a clip's latents."""
        return random_crop(self.latents[index], length, self.rng).T

    def partner(self, index: int) -> int:
        """A clip in the same style, of another action most of the time; the clip itself without a label."""
        if self.style[index] == IGNORE:
            return index
        candidates = self.by_style[self.style[index]]
        if self.rng.random() < self.options.other_action:
            other = candidates[self.content[candidates] != self.content[index]]
            candidates = other if len(other) else candidates
        return int(self.rng.choice(candidates))

    def crops(self, indices: np.ndarray, length: int) -> Tensor:
        """(B, C, length) random parts of clips."""
        return torch.stack([self.crop(index, length) for index in indices])

    def batch(self, device: torch.device) -> StyleBatch:
        """A batch whose contents share one random length, and whose references share another."""
        length, reference_length = (int(n) for n in self.rng.choice(self.lengths, size=2))
        count = self.options.batch_size * CROP_LENGTHS[-1] // max(length, CROP_LENGTHS[-1] // 2)
        chosen = self.choose(count, length)
        others = self.choose(count, reference_length, labelled=True)
        partners = np.array([self.partner(index) for index in chosen])
        return StyleBatch(
            self.crops(chosen, length).to(device),
            self.crops(partners, reference_length).to(device),
            self.crops(others, reference_length).to(device),
            torch.from_numpy(self.style[chosen]).to(device),
            torch.from_numpy(self.content[chosen]).to(device),
            torch.from_numpy(self.style[others]).to(device),
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
        }


@torch.no_grad()
def encode_clips(autoencoder: Autoencoder, clips: list[FeatureClip]) -> list[Tensor]:
    """The latents (N, C) of every clip."""
    return [autoencoder.encode(torch.from_numpy(clip.features)[None])[0].T.contiguous() for clip in clips]


def main(options: TrainStylizer) -> None:
    """Train the guides, then the stylizer; write stylizer.safetensors and stylizer.json into the run's folder."""
    set_up(options.run)
    clips = load_feature_clips(options.pack, mirror=True)
    autoencoder = load_autoencoder(options.autoencoder)
    sampler = StyleSampler(clips, encode_clips(autoencoder, clips), options)
    config = replace(options.model, labels=sampler.labels, latent_channels=autoencoder.config.latent_channels)
    guide = SequenceClassifier(config.latent_channels, {"style": len(sampler.labels), "content": len(sampler.contents)})
    guide_options = replace(options.run, steps=options.guide_steps)
    guide = train_classifier(guide, sampler.labelled_batch, guide_options, "guide", [sampler.rng])
    stylizer = Stylizer(config)
    if options.start_from:
        load_network(stylizer, options.start_from / "stylizer.safetensors")
        stylizer.requires_grad_(True)
    training = StylizerTraining(stylizer, guide, options.weights)
    trainer = Trainer(training, options.run, [sampler.rng])
    trained = trainer.run(lambda _: training(sampler.batch(trainer.device)))
    assert isinstance(trained, StylizerTraining)
    save_network(trained.stylizer, options.run.out / "stylizer.safetensors")
    write_json(config_to_dict(config), options.run.out / "stylizer.json")


if __name__ == "__main__":
    main(tyro.cli(TrainStylizer, description=__doc__))
