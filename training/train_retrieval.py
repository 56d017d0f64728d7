"""Train the model that says which of several texts a motion fits: the judge of texts and motions.

    python -m training.train_retrieval --pack packs/train.npz --run.out runs/retrieval --run.steps 1500

It learns the labelled clips of the styles without a "/" in their names, each with composed captions of its action and
style, and knows nothing of the generator or of the autoencoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from stylize.checkpoint import load_network, save_network
from stylize.features import encode
from stylize.motion import Motion
from stylize.text.encoder import EMBEDDING_SIZE, MiniLM, TextEncoder
from stylize.text.wordings import actions
from training.captions import Wordings, clip_action, compose, compose_styled, style_wording
from training.classifiers import SequenceClassifier
from training.command import run_command
from training.datasets import FeatureClip, load_feature_clips
from training.judges import POSTURE, CropBatches, Standardize
from training.loop import RunOptions, Trainer, set_up

NAME = "retrieval"
PLACE_SIZE = 128
PLAIN_SHARE = 0.4
"""How often a clip in the normal style is called by its action alone."""

Cell = tuple[int, str]
"""An action and a style."""


@dataclass(frozen=True)
class TrainRetrieval:
    """Train the judge of texts and motions.

    Attributes:
        pack: the training pack.
        run: length, device, seed and folder.
        batch_size: clips a step.
        captions: sentences for each action in each style.
    """

    pack: Path
    run: RunOptions
    batch_size: int = 48
    captions: int = 24


class Retrieval(nn.Module):
    """Motions and texts in one space, in which those that fit each other are near."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.motion = SequenceClassifier(channels, {"place": PLACE_SIZE})
        self.motion.body[0] = Standardize(torch.tensor([-1.0, 1.0])[:, None].expand(2, channels))
        self.text = nn.Sequential(
            nn.Linear(EMBEDDING_SIZE, 256), nn.SiLU(), nn.Dropout(0.2), nn.Linear(256, PLACE_SIZE)
        )
        self.log_scale = nn.Parameter(torch.tensor(2.5))

    def place_motions(self, sequences: Tensor) -> Tensor:
        """What the posture judge sees (B, C, T) to places (B, PLACE_SIZE) of length 1."""
        return nn.functional.normalize(self.motion(sequences)["place"].float(), dim=1)

    def place_texts(self, embeddings: Tensor) -> Tensor:
        """Sentence embeddings (B, E) to places (B, PLACE_SIZE) of length 1."""
        return nn.functional.normalize(self.text(embeddings).float(), dim=1)

    @torch.inference_mode()
    def of_motion(self, motion: Motion) -> np.ndarray:
        """The place (PLACE_SIZE,) of a canonical motion at 30 fps."""
        sequence = torch.from_numpy(np.ascontiguousarray(POSTURE.of(encode(motion)).T))[None]
        return self.place_motions(sequence)[0].numpy()

    @torch.inference_mode()
    def of_texts(self, texts: Sequence[str], encoder: TextEncoder) -> np.ndarray:
        """The places (N, PLACE_SIZE) of texts."""
        return self.place_texts(torch.from_numpy(encoder(texts))).numpy()


def clip_cell(clip: FeatureClip) -> Cell | None:
    """The action and style of a clip that the retrieval model knows."""
    action = clip_action(clip)
    return (action, clip.style) if action is not None and clip.style and "/" not in clip.style else None


def caption(cell: Cell, rng: np.random.Generator, wordings: Wordings = "ways") -> str:
    """A sentence for an action in a style."""
    action, style = cell
    wording = style_wording(style)
    if wording is None or (style == "normal" and rng.random() < PLAIN_SHARE):
        return compose(actions()[action], rng, wordings)
    return compose_styled(actions()[action], wording, rng, wordings)


def main(options: TrainRetrieval) -> None:
    """Train, then write retrieval.safetensors into the run's folder."""
    set_up(options.run)
    clips = [clip for clip in load_feature_clips(options.pack, mirror=True) if clip_cell(clip)]
    cells = sorted({cell for clip in clips if (cell := clip_cell(clip))})
    rng = np.random.default_rng(options.run.seed)
    encoder = MiniLM()
    texts = [[caption(cell, rng) for _ in range(options.captions)] for cell in cells]
    embeddings = torch.stack([torch.from_numpy(encoder(each)) for each in texts])
    targets = np.array([cells.index(cell) for clip in clips if (cell := clip_cell(clip))])
    sequences = [POSTURE.of(clip.features) for clip in clips]
    weights = 1 / np.sqrt(np.bincount(targets)[targets])
    batches = CropBatches(sequences, targets, weights, POSTURE, 0.15, rng)
    network = Retrieval(sequences[0].shape[1])
    network.motion.body[0] = Standardize(batches.frames)
    trainer = Trainer(network, options.run, [rng])

    def losses_of(_: int) -> dict[str, Tensor]:
        crops, target = batches.batch(options.batch_size)
        chosen = torch.from_numpy(rng.integers(options.captions, size=len(target)))
        motions = network.place_motions(crops.to(trainer.device))
        places = network.place_texts(embeddings[target, chosen].to(trainer.device))
        logits = network.log_scale.exp() * motions @ places.T
        # Clips of the same action and style fit each other's captions.
        same = (target[:, None] == target).float().to(trainer.device)
        wanted = same / same.sum(1, keepdim=True)
        loss = nn.functional.cross_entropy(logits, wanted) + nn.functional.cross_entropy(logits.T, wanted)
        right = same.gather(1, logits.argmax(1, keepdim=True)).mean()
        return {"contrast": loss, "_right": right}

    trainer.run(losses_of)
    save_network(network, options.run.out / f"{NAME}.safetensors")


def load_retrieval(folder: Path) -> Retrieval:
    """The model that a run left in its folder, frozen."""
    network = Retrieval(len(POSTURE.of(np.zeros((2, 272), np.float32))[0]))
    load_network(network, folder / f"{NAME}.safetensors")
    return network


if __name__ == "__main__":
    run_command(main, TrainRetrieval, __doc__)
