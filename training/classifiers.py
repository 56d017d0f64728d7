"""Classifiers of style and of content: over latents to guide the training, over features to judge it."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from torch import Tensor, nn

from stylize.models.layers import ResidualBlock, conv, time_statistics
from training.loop import RunOptions, Trainer

ClassifierT = TypeVar("ClassifierT", bound=nn.Module)

IGNORE = -1
"""The index of a label that a clip does not have."""


class SequenceClassifier(nn.Module):
    """A small convolutional network with a head for each kind of label.

    Args:
        channels: of the sequence.
        classes: how many a head, by the head's name.
        width: hidden channels.
    """

    def __init__(self, channels: int, classes: dict[str, int], width: int = 128, dropout: float = 0.3) -> None:
        super().__init__()
        self.features = 2 * width
        self.body = nn.Sequential(
            nn.BatchNorm1d(channels),
            conv(channels, width, 5),
            ResidualBlock(width),
            ResidualBlock(width, 2),
            ResidualBlock(width, 4),
            nn.SiLU(),
        )
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(2 * width, count) for name, count in classes.items()})

    def embed(self, sequence: Tensor) -> Tensor:
        """(B, C, T) to the features (B, 2 width) under the heads."""
        return time_statistics(self.body(sequence))

    def forward(self, sequence: Tensor) -> dict[str, Tensor]:
        """(B, C, T) to logits by head."""
        embedding = self.dropout(self.embed(sequence))
        return {name: head(embedding) for name, head in self.heads.items()}


class Guide(nn.Module):
    """Classifiers of style and action over latents, and one of style that sees their movement alone.

    The posture shows the style so well that a classifier of all would never look at how somebody moves.
    """

    def __init__(self, channels: int, styles: int, contents: int) -> None:
        super().__init__()
        self.whole = SequenceClassifier(channels, {"style": styles, "content": contents})
        self.moving = SequenceClassifier(channels, {"movement": styles})

    def forward(self, sequence: Tensor) -> dict[str, Tensor]:
        """Latents (B, C, N) to logits by head: style, content and movement."""
        return self.whole(sequence) | self.moving(sequence - sequence.mean(-1, keepdim=True))


def label_index(names: tuple[str, ...], label: str | None) -> int:
    """A label's place in ``names``; IGNORE for none or another."""
    return names.index(label) if label in names else IGNORE


def train_classifier(
    classifier: ClassifierT,
    batch_of: Callable[[], tuple[Tensor, dict[str, Tensor]]],
    options: RunOptions,
    name: str,
    rngs: list,
) -> ClassifierT:
    """Train on batches of sequences (B, C, T) and label indices by head; frozen on return."""
    trainer = Trainer(classifier, replace(options, out=options.out / name), rngs)

    def losses_of(_: int) -> dict[str, Tensor]:
        sequence, labels = batch_of()
        logits = classifier(sequence.to(trainer.device))
        losses = {}
        for head, target in labels.items():
            target = target.to(trainer.device)
            known = target != IGNORE
            if not known.any():
                continue
            losses[head] = nn.functional.cross_entropy(logits[head].float(), target, ignore_index=IGNORE)
            losses[f"_{head}_accuracy"] = (logits[head].argmax(1) == target)[known].float().mean()
        return losses

    trained = trainer.run(losses_of)
    assert trained is classifier
    return classifier.eval().requires_grad_(False)
