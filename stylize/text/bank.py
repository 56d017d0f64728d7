"""What the generator knows: its actions, how they are said, and the phrases for styles, all with their embeddings."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from stylize.checkpoint import config_from_dict, read_json, write_json
from stylize.errors import CheckpointError
from stylize.text.encoder import TextEncoder
from stylize.text.wordings import core

BANK = "text_bank"


def embed_manners(phrases: Sequence[str], encoder: TextEncoder) -> np.ndarray:
    """Phrases (P,) for manners to vectors (P, 2 E) of length 1: of the whole phrase, and of what it is about.

    "like a robot" and "like a king" are alike as phrases; robots and kings are not.
    """
    both = np.concatenate([encoder(phrases), encoder([core(phrase) for phrase in phrases])], axis=1)
    return both / np.sqrt(2)


@dataclass(frozen=True)
class KnownAction:
    """An action that the generator learnt.

    Attributes:
        name: of its own.
        title: what a person is told.
        sided: whether a text's left and right mean anything for it.
        cyclic: whether any part of it is as good as the whole.
        seconds: how long its clips are: nearly the shortest, the usual, nearly the longest.
    """

    name: str
    title: str
    sided: bool
    cyclic: bool
    seconds: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class TextBank:
    """Texts with their embeddings.

    Attributes:
        actions: all that the generator learnt.
        captions: sentences, and the index of the action that each names.
        caption_embeddings: (K, E), each of length 1.
        phrases: of styles, and the label that each names.
        phrase_embeddings: (P, 2 E), see ``embed_manners``.
    """

    actions: tuple[KnownAction, ...]
    captions: tuple[tuple[str, int], ...]
    caption_embeddings: np.ndarray
    phrases: tuple[tuple[str, str], ...]
    phrase_embeddings: np.ndarray

    @cached_property
    def prototypes(self) -> np.ndarray:
        """(A, E) what all captions of each action have in common, of length 1."""
        members = np.array([action for _, action in self.captions])
        means = np.stack([self.caption_embeddings[members == index].mean(0) for index in range(len(self.actions))])
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def nearest_style(self, manner: str, encoder: TextEncoder) -> tuple[str, float]:
        """The style label whose phrase is nearest to another phrase, and their cosine."""
        cosines = self.phrase_embeddings @ embed_manners([manner], encoder)[0]
        best = int(cosines.argmax())
        return self.phrases[best][1], float(cosines[best])

    def save(self, folder: Path) -> None:
        """Write text_bank.json and text_bank.safetensors, the embeddings in 16 bits."""
        folder.mkdir(parents=True, exist_ok=True)
        listing = {
            "actions": [asdict(action) for action in self.actions],
            "captions": [list(entry) for entry in self.captions],
            "phrases": [list(entry) for entry in self.phrases],
        }
        write_json(listing, folder / f"{BANK}.json")
        arrays = {"captions": self.caption_embeddings, "phrases": self.phrase_embeddings}
        half = {name: np.ascontiguousarray(array.astype(np.float16)) for name, array in arrays.items()}
        save_file(half, folder / f"{BANK}.safetensors")

    @staticmethod
    def load(folder: Path) -> "TextBank":
        """Read what ``save`` wrote; CheckpointError says what is wrong."""
        listing = read_json(folder / f"{BANK}.json")
        try:
            arrays = {n: a.astype(np.float32) for n, a in load_file(folder / f"{BANK}.safetensors").items()}
            return TextBank(
                actions=tuple(config_from_dict(KnownAction, entry) for entry in listing["actions"]),
                captions=tuple((str(text), int(action)) for text, action in listing["captions"]),
                caption_embeddings=arrays["captions"],
                phrases=tuple((str(text), str(label)) for text, label in listing["phrases"]),
                phrase_embeddings=arrays["phrases"],
            )
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"The text bank of the checkpoint {folder.name!r} lacks or misuses {error}; export it again."
            ) from error
