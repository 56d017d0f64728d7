"""Text to motion: from what a text was understood as to canonical motions without a manner."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stylize import features
from stylize.checkpoint import config_from_dict, load_network
from stylize.errors import MotionError
from stylize.models.autoencoder import DOWNSAMPLING, Autoencoder, DecodedPose
from stylize.models.text_to_motion import Condition, TextToMotion, TextToMotionConfig, sample
from stylize.motion import Motion
from stylize.postprocess import clean_feet
from stylize.skeleton import TOE_HEIGHT
from stylize.source import Rig, save_shown
from stylize.text.bank import TextBank
from stylize.text.encoder import MiniLM, TextEncoder
from stylize.text.understanding import Segment, UnderstoodText, understand
from stylize.text.wordings import BOTH, NO_SIDE

MIN_SECONDS, MAX_SECONDS = 1.0, 60.0
LONGEST_PIECE = 10.0
"""Seconds that are made in one go; what is longer is made of several."""
ACTION_SHARE = 0.5
"""How much of a text's embedding is that of the action that it was understood as: what is told is what is made."""
OVERLAP = 4
"""Latent frames that neighbours share."""
NAME, NORMAL = "text_to_motion", "normal"
"""Of the network in a checkpoint, and of the manner without a manner."""
STEPS = 16
MAX_GUIDANCE = 6.0
MAX_STRETCH = 1.25
"""How much longer than its longest clips an action is made in one go; beyond, it is done again."""
MAX_HURRY = 1.6
"""How many times as fast as its shortest clips a gesture is played to fit a short time; beyond, it is cut."""
WORTH_HURRYING = 1.08
"""What is longer by less than this is cut."""


@dataclass(frozen=True)
class Piece:
    """What is made in one go: an action, and for how many frames."""

    segment: Segment
    frames: int


@dataclass(frozen=True, eq=False)
class GenerationResult:
    """Motions that a text asked for.

    Attributes:
        motions: one a sample, canonical, 30 fps, in the style that was wanted.
        neutral: the same before they were given a style.
        understood: what the text was understood as.
        style: the style that was given, in a few words, or None.
        seed: of the draws; the same seed gives the same motions.
        guidance: how strictly the text was followed.
        warnings: what a person should know, in sentences.
    """

    motions: tuple[Motion, ...]
    neutral: tuple[Motion, ...]
    understood: UnderstoodText
    style: str | None
    seed: int
    guidance: float
    warnings: tuple[str, ...] = ()

    def save(
        self,
        path: str | Path,
        index: int = 0,
        character: Rig | None = None,
        body_model: str | Path | None = None,
    ) -> None:
        """Write one motion on the canonical skeleton, or on a character's; MotionFileError says why not.

        In glTF files and videos without a character the body of ``body_model`` is shown; see ``load_person``.
        """
        save_shown(self.motions[index], path, character, body_model)


class MotionGenerator:
    """The generator, what it knows, and the encoder of its texts.

    Args:
        network: from noise to latents.
        bank: the actions and styles that it knows by word.
        autoencoder: of the latents.
        encoder: of the bank's embeddings.
    """

    def __init__(
        self, network: TextToMotion, bank: TextBank, autoencoder: Autoencoder, encoder: TextEncoder | None = None
    ) -> None:
        self.network, self.bank, self.autoencoder = network, bank, autoencoder
        self.encoder = encoder or MiniLM()

    @staticmethod
    def load(folder: Path, config: dict[str, Any], autoencoder: Autoencoder) -> "MotionGenerator":
        """From a checkpoint folder and its config.json; CheckpointError says what is wrong."""
        network = TextToMotion(config_from_dict(TextToMotionConfig, config[NAME]))
        load_network(network, folder / f"{NAME}.safetensors")
        device = autoencoder.feature_mean.device
        return MotionGenerator(network.to(device), TextBank.load(folder), autoencoder)

    def understand(self, text: str, labels: Collection[str]) -> UnderstoodText:
        """What a text asks for; TextError where it asks for nothing that can be made.

        Args:
            text: what the person does, in English.
            labels: the styles to choose from.
        """
        return understand(text, self.bank, self.encoder, labels)

    def generate(
        self, understood: UnderstoodText, seconds: float | None = None, *, guidance: float = 2.0, seed: int = 0
    ) -> Motion:
        """A canonical motion at 30 fps.

        Args:
            understood: what to make; its style is left to the stylizer.
            seconds: how long in all, 1 to 60; without it, as long as these actions usually take.
            guidance: 1 follows the text as it was learnt, more exaggerates it.
            seed: of the noise.

        Raises:
            MotionError: a number is out of range, or there is too little time for so many actions.
        """
        if not 1 <= guidance <= MAX_GUIDANCE:
            raise MotionError(f"The guidance is {guidance:g}; choose one from 1 to {MAX_GUIDANCE:g}.")
        durations = share_seconds(understood.segments, seconds)
        frames = round(sum(durations) * features.FPS)
        pieces = [
            piece
            for segment, duration in zip(understood.segments, durations, strict=True)
            for piece in plan(segment, duration)
        ]
        motion = self._make(pieces, guidance, seed)
        if len(motion) > frames:
            motion = fit_into(motion, frames)
        return replace(motion, name=understood.text[:60])

    def _make(self, pieces: Sequence[Piece], guidance: float, seed: int) -> Motion:
        overlap = OVERLAP if len(pieces) > 1 else 0
        ends = len(pieces) - 1
        lengths = []
        for index, piece in enumerate(pieces):
            shared = overlap * ((index > 0) + (index < ends)) / 2
            lengths.append(max(math.ceil(piece.frames / DOWNSAMPLING + shared), 2 * overlap + 1, 2))
        device = self.autoencoder.feature_mean.device
        condition = self._condition([piece.segment for piece in pieces])
        condition = Condition(*(part.to(device) for part in condition.parts()))
        noise = torch.Generator().manual_seed(seed)
        latents = sample(
            self.network, condition, lengths, overlap=overlap, guidance=guidance, steps=STEPS, generator=noise
        )
        return self.decode(latents)

    def _condition(self, segments: Sequence[Segment]) -> Condition:
        embeddings = torch.from_numpy(np.stack([self._embedding(segment) for segment in segments]))
        sides = [segment.side if segment.action.sided or segment.side == BOTH else NO_SIDE for segment in segments]
        normal = self.network.config.manners.index(NORMAL)
        count = len(segments)
        return Condition(
            embeddings, torch.tensor(sides), torch.full((count,), normal), torch.ones(count, dtype=torch.long)
        )

    def _embedding(self, segment: Segment) -> np.ndarray:
        """(E,) of a text, drawn towards the action that was understood; of the action alone where it is not known."""
        action = self.bank.prototypes[self.bank.actions.index(segment.action)]
        if not segment.known:
            return action
        mixed = (1 - ACTION_SHARE) * self.encoder([segment.text])[0] + ACTION_SHARE * action
        return mixed / np.linalg.norm(mixed)

    @torch.inference_mode()
    def decode(self, latents: torch.Tensor) -> Motion:
        """Latents (1, C, N) to a canonical motion of 4 N frames with its feet on the ground."""
        pose = DecodedPose(self.autoencoder.decode(latents)[0].float())
        blocks = {
            "root_yaw_velocity": pose.yaw_velocity,
            "root_planar_velocity": pose.planar_velocity,
            "root_height": pose.height,
            "rot6d": pose.rot6d,
        }
        encoded = np.zeros((len(pose.height), features.NUM_FEATURES))
        for name, values in blocks.items():
            encoded[:, features.BLOCKS[name]] = values.cpu().numpy()
        contacts = pose.contacts.cpu().numpy()
        return clean_feet(features.decode(encoded), contacts, np.full(len(encoded), TOE_HEIGHT))


def share_seconds(segments: Sequence[Segment], seconds: float | None) -> list[float]:
    """How long each action lasts: as the text says, else as it usually does, scaled to ``seconds`` in all."""
    usual = [segment.seconds or segment.action.seconds[1] for segment in segments]
    if seconds is None:
        seconds = min(max(sum(usual), MIN_SECONDS), MAX_SECONDS)
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise MotionError(f"{seconds:g} seconds were asked for; choose {MIN_SECONDS:g} to {MAX_SECONDS:g}.")
    if seconds < len(segments):
        raise MotionError(
            f"{len(segments)} actions do not fit into {seconds:g} s; give at least {len(segments)} s or fewer actions."
        )
    # Where the text says how long, that stays as long as the rest has time left.
    said = sum(segment.seconds or 0.0 for segment in segments)
    free = sum(length for segment, length in zip(segments, usual, strict=True) if segment.seconds is None)
    if said and free and seconds - said >= sum(segment.seconds is None for segment in segments):
        scale = (seconds - said) / free
        return [segment.seconds or scale * length for segment, length in zip(segments, usual, strict=True)]
    return [length * seconds / sum(usual) for length in usual]


def plan(segment: Segment, seconds: float) -> list[Piece]:
    """What is made in one go for an action of some seconds: the whole, or several times the action."""
    low, usual, high = segment.action.seconds
    longest = min(LONGEST_PIECE, max(high, usual) * (1.0 if segment.action.cyclic else MAX_STRETCH))
    count = max(1, math.ceil(seconds / longest - 1e-6))
    # A gesture that has less time than its shortest clips is made whole, and played faster.
    shortest = MIN_SECONDS if segment.action.cyclic else min(low, LONGEST_PIECE)
    return [Piece(segment, round(max(seconds / count, shortest) * features.FPS))] * count


def fit_into(motion: Motion, frames: int) -> Motion:
    """A motion that is too long, played faster as far as that looks right, and cut."""
    speed = min(len(motion) / frames, MAX_HURRY)
    if speed > WORTH_HURRYING:
        count = min(int((len(motion) - 1) / speed) + 1, frames)
        motion = motion.at_times(speed * np.arange(count) / motion.fps, motion.fps)
    return motion.with_frames(slice(0, frames))


def timing_notes(understood: UnderstoodText, seconds: float | None) -> list[str]:
    """What a person should know about actions that get less time than they need."""
    notes = []
    for segment, duration in zip(understood.segments, share_seconds(understood.segments, seconds), strict=True):
        low = segment.action.seconds[0]
        if not segment.action.cyclic and duration * MAX_HURRY < low:
            notes.append(
                f"To {segment.action.title} takes at least {low / MAX_HURRY:.1f} s; in {duration:.1f} s it is cut off."
            )
    return notes
