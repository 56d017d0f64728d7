"""A sentence encoder and a bank of a few actions, for tests that need no pretrained model."""

import re
import zlib

import numpy as np

from stylize.text.bank import KnownAction, TextBank, embed_manners

SIZE = 64


class WordEncoder:
    """Each word is a random direction: sentences are as alike as the words that they share."""

    def __call__(self, texts):
        rows = []
        for text in texts:
            words = re.findall(r"[a-z]+", text.lower()) or [""]
            row = sum(np.random.default_rng(zlib.crc32(word.encode())).normal(size=SIZE) for word in words)
            rows.append(row / np.linalg.norm(row))
        return np.stack(rows).astype(np.float32)


ACTIONS = (
    KnownAction("walk", "walk", False, True, (6.0, 8.0, 12.0)),
    KnownAction("wave-one-hand/left", "wave with the left hand", True, False, (5.0, 7.0, 9.0)),
    KnownAction("wave-one-hand/right", "wave with the right hand", True, False, (5.0, 7.0, 9.0)),
    KnownAction("raise-both-hands", "raise both hands", False, False, (1.0, 2.0, 4.0)),
)
CAPTIONS = (
    ("walk", 0),
    ("a person walks", 0),
    ("wave the left hand", 1),
    ("wave the right hand", 2),
    ("wave", 1),
    ("raise both hands", 3),
)
PHRASES = (("like an old man", "elderly"), ("sadly", "set1/sad"), ("like a king", "set1/proud"))


def small_bank() -> TextBank:
    encoder = WordEncoder()
    return TextBank(
        ACTIONS,
        CAPTIONS,
        encoder([text for text, _ in CAPTIONS]),
        PHRASES,
        embed_manners([text for text, _ in PHRASES], encoder),
    )
