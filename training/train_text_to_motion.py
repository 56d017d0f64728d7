"""Train the text-to-motion generator.

    python -m training.train_text_to_motion --pack packs/train.npz --autoencoder runs/autoencoder \\
        --run.out runs/text_to_motion --run.steps 6000 --run.average 0.998

It learns whole clips, so that a gesture begins and ends; only of actions that have no end are parts taken. Each
caption names the action alone. The manner comes beside it, as an index: asked for "normal", the generator makes the
action without a manner, and the stylizer gives it one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stylize.checkpoint import config_from_dict, config_to_dict, load_network, read_json, save_network, write_json
from stylize.features import FPS
from stylize.generate import LONGEST_PIECE, NORMAL
from stylize.models.autoencoder import DOWNSAMPLING, Autoencoder
from stylize.models.text_to_motion import Condition, TextToMotion, TextToMotionConfig
from stylize.text.bank import KnownAction, TextBank, embed_manners
from stylize.text.encoder import MiniLM, TextEncoder
from stylize.text.wordings import actions, phrase, side_of, styles, swap_sides
from training.captions import OWN_DESCRIPTION_SHARE, captions_of, clip_action
from training.command import run_command
from training.datasets import FeatureClip, change_speed, load_feature_clips
from training.loop import RunOptions, Trainer, set_up
from training.train_autoencoder import load_autoencoder

NAME = "text_to_motion"
MAX_LATENTS = round(LONGEST_PIECE * FPS) // DOWNSAMPLING
MIN_CROP = FPS // DOWNSAMPLING
BATCHES_SORTED_TOGETHER = 16
EMPTY_CHANNEL = 0.4
"""Deviation of a raw latent channel below which it holds nothing: those that the autoencoder uses have about 1, and
those that its prior has emptied less than 0.2."""
ENOUGH_CLIPS = 4
"""Neutral clips of an action that tell how long it usually takes; of fewer, clips in all styles tell."""


@dataclass(frozen=True)
class TrainTextToMotion:
    """Train the text-to-motion generator.

    Attributes:
        pack: the training pack (training.prepare), with captions where its sources have them.
        autoencoder: folder of the autoencoder's run, or a checkpoint folder.
        run: length, device, seed and folder.
        model: sizes; the manners are those of the pack.
        batch_size: clips a step.
        captions: sentences composed for each action.
        speeds: every clip is learnt at each of these speeds.
        unlabelled_share: how much of a batch has no labels but a description.
        few_share: how much of a batch is of the labelled set with one clip a style and action ("set1/").
        normal_weight: how many times as often as in any other manner an action comes in the one that is asked for.
        cyclic_weight: how many times as often as others an action comes of which any part is as good as the whole.
        described_weight: of a clip with a description alone, where its action has neutral clips with labels.
        anything: how often the condition is left out, for guidance.
        embedding_noise: deviation of the noise on an embedding, over that of the captions' embeddings.
    """

    pack: Path
    autoencoder: Path
    run: RunOptions
    model: TextToMotionConfig = field(default_factory=lambda: TextToMotionConfig(manners=()))
    batch_size: int = 32
    captions: int = 200
    speeds: tuple[float, ...] = field(default=(0.87, 1.0, 1.15))
    unlabelled_share: float = 0.15
    few_share: float = 0.1
    normal_weight: float = 10.0
    cyclic_weight: float = 2.0
    described_weight: float = 0.1
    anything: float = 0.12
    embedding_noise: float = 0.3


@dataclass(frozen=True)
class Example:
    """A clip at one speed: latents (C, N), its action and manner, and the captions (rows of a pool) that fit it."""

    latents: Tensor
    action: int
    manner: int
    description: int | None = None


class CaptionPool:
    """Sentences with their embeddings and sides, for every action and for every description of a clip."""

    def __init__(self, descriptions: Sequence[str], encoder: TextEncoder, count: int, seed: int) -> None:
        texts = [captions_of(action, count, seed + index) for index, action in enumerate(actions())]
        self.first = np.cumsum([0] + [len(each) for each in texts])
        self.texts = [text for each in texts for text in each] + list(descriptions)
        self.embeddings = torch.from_numpy(encoder(self.texts))
        self.sides = torch.tensor([side_of(text) for text in self.texts])
        self.noise = self.embeddings.std(0)

    def draw(self, action: int, rng: np.random.Generator) -> int:
        """A row of a caption that names an action."""
        return int(rng.integers(self.first[action], self.first[action + 1]))

    def description(self, index: int) -> int:
        """The row of a description."""
        return int(self.first[-1]) + index


class ExampleBatches:
    """Batches of clips of similar lengths, each with a caption drawn anew."""

    def __init__(self, examples: list[Example], weights: np.ndarray, pool: CaptionPool, options: TrainTextToMotion):
        self.examples, self.weights, self.pool, self.options = examples, weights / weights.sum(), pool, options
        self.rng = np.random.default_rng(options.run.seed)
        self.waiting: list[list[tuple[Example, slice]]] = []

    def batch(self) -> tuple[Tensor, Tensor, Condition]:
        """Latents (B, C, N), lengths (B,) and the condition."""
        if not self.waiting:
            size = self.options.batch_size
            chosen = self.rng.choice(len(self.examples), size * BATCHES_SORTED_TOGETHER, p=self.weights)
            cut = [(self.examples[index], self._part(self.examples[index])) for index in chosen]
            cut.sort(key=lambda pair: pair[1].stop - pair[1].start)
            batches = [cut[start : start + size] for start in range(0, len(cut), size)]
            self.waiting = [batches[index] for index in self.rng.permutation(len(batches))]
        members = self.waiting.pop()
        lengths = torch.tensor([part.stop - part.start for _, part in members])
        latents = torch.zeros(len(members), members[0][0].latents.shape[0], int(lengths.max()))
        for row, (example, part) in zip(latents, members, strict=True):
            row[:, : part.stop - part.start] = example.latents[:, part].float()
        return latents, lengths, self._condition([example for example, _ in members])

    def _part(self, example: Example) -> slice:
        """The whole of a clip, or where its action has no end any part of it."""
        count = example.latents.shape[1]
        if not actions()[example.action].cyclic:
            return slice(0, min(count, MAX_LATENTS))
        length = min(count, MAX_LATENTS)
        if self.rng.random() < 0.6 and length > MIN_CROP:
            length = int(self.rng.integers(MIN_CROP, length + 1))
        start = int(self.rng.integers(0, count - length + 1))
        return slice(start, start + length)

    def _condition(self, examples: list[Example]) -> Condition:
        rng, pool = self.rng, self.pool
        rows, others = [], []
        for example in examples:
            row = pool.draw(example.action, rng)
            if example.description is not None and rng.random() < OWN_DESCRIPTION_SHARE:
                row = pool.description(example.description)
            rows.append(row)
            others.append(pool.draw(example.action, rng))
        # Between two sentences that mean the same lie others that do.
        share = torch.from_numpy(rng.random(len(rows)) * (rng.random(len(rows)) < 0.3)).float()[:, None]
        embedding = torch.lerp(pool.embeddings[rows], pool.embeddings[others], 0.5 * share)
        embedding = embedding / embedding.norm(dim=1, keepdim=True)
        noise = torch.from_numpy(rng.normal(size=embedding.shape)).float()
        embedding = embedding + self.options.embedding_noise * pool.noise * noise
        known = torch.from_numpy((rng.random(len(rows)) >= self.options.anything).astype(np.int64))
        return Condition(embedding, pool.sides[rows], torch.tensor([e.manner for e in examples]), known)


def used_channels(autoencoder: Autoencoder) -> list[int]:
    """The latent channels that hold something."""
    return torch.nonzero(autoencoder.latent_std > EMPTY_CHANNEL).flatten().tolist()


def manner_of(style: str | None) -> str:
    """The manner of a clip: the styles without one are all "normal", and so are clips without labels."""
    return NORMAL if style is None or style == f"set1/{NORMAL}" else style


def flow_losses(network: TextToMotion, latents: Tensor, lengths: Tensor, condition: Condition) -> dict[str, Tensor]:
    """How far the velocity is from that of the straight line between noise and latents (B, C, N)."""
    noise = torch.randn_like(latents)
    time = torch.sigmoid(torch.randn(len(latents), device=latents.device))
    at = time[:, None, None]
    velocity = network((1 - at) * noise + at * latents, time, condition, lengths).float()
    inside = (torch.arange(latents.shape[-1], device=latents.device) < lengths[:, None])[:, None]
    error = (velocity - (latents - noise)).square() * inside
    return {"velocity": error.sum() / (inside.sum() * latents.shape[1])}


@torch.inference_mode()
def make_examples(
    clips: list[FeatureClip], autoencoder: Autoencoder, manners: tuple[str, ...], speeds: Sequence[float]
) -> tuple[list[Example], list[FeatureClip], list[str]]:
    """Every clip with a known action at every speed, the clip of each, and the descriptions of clips."""
    examples, sources = [], []
    descriptions: dict[str, int] = {}
    for clip in clips:
        action = clip_action(clip)
        if action is None:
            continue
        description = None
        if clip.caption is not None:
            text = swap_sides(clip.caption) if clip.mirrored else clip.caption
            description = descriptions.setdefault(text.lower(), len(descriptions))
        for speed in speeds:
            features = clip.features if speed == 1 else change_speed(clip.features, speed)
            if len(features) < DOWNSAMPLING:
                continue
            latents = autoencoder.encode(torch.from_numpy(features)[None])[0].half()
            examples.append(Example(latents, action, manners.index(manner_of(clip.style)), description))
            sources.append(clip)
    return examples, sources, list(descriptions)


def example_weights(examples: list[Example], clips: list[FeatureClip], options: TrainTextToMotion) -> np.ndarray:
    """How often each example is taken (N,): by the root of its cell's size, and more where it has no manner.

    Described clips of an action that has labels, as a slow walk or one among obstacles, would blur what it is.
    """
    cells = np.unique([f"{e.action} {e.manner}" for e in examples], return_inverse=True)[1]
    weights = 1 / np.sqrt(np.bincount(cells)[cells])
    weights *= np.array([options.normal_weight if manner_of(clip.style) == NORMAL else 1.0 for clip in clips])
    weights *= np.array([options.cyclic_weight if actions()[e.action].cyclic else 1.0 for e in examples])
    unlabelled = np.array([clip.style is None for clip in clips])
    neutral = {e.action for e, c in zip(examples, clips, strict=True) if c.style and manner_of(c.style) == NORMAL}
    weights[unlabelled & np.array([e.action in neutral for e in examples])] *= options.described_weight
    few = np.array([clip.style is not None and "/" in clip.style for clip in clips])
    groups = {options.unlabelled_share: unlabelled, options.few_share: few}
    rest = 1.0
    for share, members in groups.items():
        if members.any():
            weights[members] *= share / weights[members].sum()
            rest -= share
    others = ~(unlabelled | few)
    weights[others] *= rest / max(weights[others].sum(), 1e-9)
    return weights


def make_bank(clips: list[FeatureClip], encoder: TextEncoder) -> TextBank:
    """What a text can be compared with: our own wordings of the actions that clips show, and of styles."""
    by_action: dict[int, list[FeatureClip]] = {}
    for clip in clips:
        if (index := clip_action(clip)) is not None:
            by_action.setdefault(index, []).append(clip)
    known, captions = [], []
    for index, own in sorted(by_action.items()):
        action = actions()[index]
        plain = [clip for clip in own if manner_of(clip.style) == NORMAL]
        typical = plain if len({clip.name for clip in plain}) >= ENOUGH_CLIPS else own
        durations = [min(len(clip.features) / FPS, LONGEST_PIECE) for clip in typical]
        low, usual, high = (round(float(value), 2) for value in np.quantile(durations, (0.05, 0.5, 0.95)))
        sided = action.name.endswith(("/left", "/right"))
        known.append(KnownAction(action.name, action.title, sided, action.cyclic, (low, usual, high)))
        texts = [phrase(way) for way in action.ways] + [f"a person {phrase(way, 'third')}" for way in action.ways]
        captions += [(text, len(known) - 1) for text in texts]
    phrases = [
        (way.replace("{their}", "their").replace("{they}", "they"), style.label)
        for style in styles()
        for way in style.words + style.ways
    ]
    return TextBank(
        actions=tuple(known),
        captions=tuple(captions),
        caption_embeddings=encoder([text for text, _ in captions]),
        phrases=tuple(phrases),
        phrase_embeddings=embed_manners([text for text, _ in phrases], encoder),
    )


def prepare(options: TrainTextToMotion) -> tuple[ExampleBatches, tuple[str, ...], TextBank]:
    """The examples with their captions, the manners in them, and what a text can be compared with."""
    clips = load_feature_clips(options.pack, mirror=True)
    manners = tuple(sorted({manner_of(clip.style) for clip in clips}))
    autoencoder = load_autoencoder(options.autoencoder)
    examples, sources, descriptions = make_examples(clips, autoencoder, manners, options.speeds)
    encoder = MiniLM()
    bank = make_bank(clips, encoder)
    pool = CaptionPool(descriptions, encoder, options.captions, options.run.seed)
    return ExampleBatches(examples, example_weights(examples, sources, options), pool, options), manners, bank


def train(batches: ExampleBatches, manners: tuple[str, ...], options: TrainTextToMotion) -> TextToMotion:
    """The generator after its steps."""
    channels = tuple(used_channels(load_autoencoder(options.autoencoder)))
    sizes = {"latent_channels": len(batches.examples[0].latents), "text_size": batches.pool.embeddings.shape[1]}
    network = TextToMotion(replace(options.model, manners=manners, channels=channels, **sizes))
    network.embedding_mean.copy_(batches.pool.embeddings.mean(0))
    network.embedding_std.copy_(batches.pool.embeddings.std(0) + 1e-3)
    trainer = Trainer(network, options.run, [batches.rng])

    def losses_of(_: int) -> dict[str, Tensor]:
        latents, lengths, condition = batches.batch()
        latents = latents[:, network.config.made]
        condition = Condition(*(part.to(trainer.device) for part in condition.parts()))
        return flow_losses(network, latents.to(trainer.device), lengths.to(trainer.device), condition)

    trained = trainer.run(losses_of)
    assert isinstance(trained, TextToMotion)
    return trained


def main(options: TrainTextToMotion) -> None:
    """Train, then write text_to_motion.safetensors and .json and the text bank into the run's folder."""
    set_up(options.run)
    batches, manners, bank = prepare(options)
    bank.save(options.run.out)
    network = train(batches, manners, options)
    save_network(network, options.run.out / f"{NAME}.safetensors")
    write_json(config_to_dict(network.config), options.run.out / f"{NAME}.json")


def load_text_to_motion(folder: Path) -> TextToMotion:
    """The generator that a run left in its folder, frozen."""
    network = TextToMotion(config_from_dict(TextToMotionConfig, read_json(folder / f"{NAME}.json")))
    load_network(network, folder / f"{NAME}.safetensors")
    return network


if __name__ == "__main__":
    run_command(main, TrainTextToMotion, __doc__)
