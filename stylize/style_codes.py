"""From the style that somebody asked for to codes and weights that each of a checkpoint's networks can use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stylize.errors import StyleError
from stylize.models.known_styles import KnownStyles
from stylize.models.stylizer import sample_gaussian
from stylize.motion import Motion
from stylize.restyle import Encoded, Gaussian, Restyler, WeightedStyle
from stylize.source import SourceMotion, as_canonical
from stylize.styles import SavedStyle, Style, StyleCode, pooled_gaussian

TRANSITION_MOMENTS = 101
LABELLED, OPEN = "stylizer", "open_stylizer"
"""The network that was trained with labels, and the one that serves references of styles that nobody labelled."""
StyleByNetwork = Mapping[str, Gaussian | StyleCode]
INDIVIDUAL_SHARE = 0.5
"""How much of the posture that sets a reference apart from others with its label is taken over."""


@dataclass(frozen=True)
class StyleCodes:
    """Finds the codes of styles.

    Attributes:
        restyler: whose networks the codes are for.
        known_styles: where the labels' styles are among the open network's codes, if the checkpoint has both networks.
        fingerprints: of the networks, by name: a saved style fits those it was made with.
    """

    restyler: Restyler
    known_styles: KnownStyles | None = None
    fingerprints: dict[str, str] = field(default_factory=dict)

    def weighted(self, style: Style, count: int, seed: int) -> tuple[list[list[WeightedStyle]], Motion | None]:
        """The styles of each sample with their weights, and the reference motion, if one was given."""
        generator = torch.Generator().manual_seed(seed)
        reference = None
        rows: list[list[WeightedStyle]] = [[] for _ in range(count)]
        for index, (part, share) in enumerate(style.parts or ((style, 1.0),)):
            over_time = np.array([share])
            if style.span is not None:
                moments = np.linspace(0, 1, TRANSITION_MOMENTS)
                passed = np.clip((moments - style.span[0]) / (style.span[1] - style.span[0]), 0, 1)
                passed = passed * passed * (3 - 2 * passed)
                over_time = passed if index else 1 - passed
            if part.motion is not None:
                motion = as_canonical(part.motion, "style reference")
                reference = reference or motion
                encoded = [self.restyler.encode(motion)]
                codes = self._pooled(encoded)
                posture = self._posture(encoded, OPEN) if OPEN in codes else None
                samples = self._draw(codes, posture, count, generator)
            elif part.saved is not None:
                saved = self._of_saved(part.saved)
                samples = self._draw(saved, saved[OPEN].posture if OPEN in saved else None, count, generator)
            else:
                samples = self._prior(part, count, generator)
            for row, sample in zip(rows, samples, strict=True):
                row.append(replace(sample, weights=over_time))
        return rows, reference

    def of_motions(self, motions: Sequence[Motion]) -> dict[str, StyleCode]:
        """The style of some motions together, as each network sees it."""
        encoded = [self.restyler.encode(motion) for motion in motions]
        pooled = self._pooled(encoded)
        return {name: StyleCode(*code, self._posture(encoded, name)) for name, code in pooled.items()}

    @torch.inference_mode()
    def _pooled(self, encoded: Sequence[Encoded]) -> dict[str, Gaussian]:
        """The style code (S,) of some motions together, by each network."""
        codes = {}
        for name in self.restyler.networks:
            seen = zip(*(self.restyler.style_code(each, name) for each in encoded), strict=True)
            codes[name] = Gaussian(*(part.cpu().clone() for part in pooled_gaussian(*map(torch.cat, seen))))
        return codes

    @torch.inference_mode()
    def _posture(self, encoded: Sequence[Encoded], network: str) -> Tensor:
        """The posture (C,) of some motions together that the codes of a network leave over."""
        return torch.cat([self.restyler.posture(each, network) for each in encoded]).mean(0).cpu().clone()

    def _of_saved(self, saved: SavedStyle) -> dict[str, StyleCode]:
        fits = saved.fits(self.fingerprints)
        for name, code in saved.codes.items() if fits else ():
            config = self.restyler.networks[name].config
            sizes = (config.style_size, config.style_size, config.latent_channels)
            fits = fits and tuple(map(len, code)) == sizes
        if not fits:
            raise StyleError(f"The style {saved.name!r} was made with another checkpoint; make it again with this one.")
        return saved.codes

    def _draw(
        self, codes: StyleByNetwork, posture: Tensor | None, count: int, generator: torch.Generator
    ) -> list[WeightedStyle]:
        """Samples of a reference's style; the first is its mean.

        A style with a label is best served by the network that knows the labels, which takes from a reference
        little more than its label; what is the reference's own is added as a posture. A style without a label is
        served by the open network, and with the posture that no network knew.
        """
        known = self._is_known(codes)
        strange = LABELLED not in codes or known is False
        name, held = (OPEN, posture) if strange else (LABELLED, None)
        own = None
        if known and posture is not None:
            assert self.known_styles is not None
            label = self.restyler.networks[LABELLED].nearest_label(codes[LABELLED].mean)
            own = INDIVIDUAL_SHARE * (posture - self.known_styles.posture[label].cpu())
        samples = []
        for index in range(count):
            code, mine = codes[name].mean, own
            if index:
                code = sample_gaussian(code, codes[name].log_variance, generator)
                if self.known_styles is not None:
                    # With what is taken over of the reference's own, the spread of all clips.
                    unsaid = (1 - INDIVIDUAL_SHARE**2) ** 0.5 * self.known_styles.sample_posture(generator)
                    mine = unsaid if mine is None else mine + unsaid
            samples.append(self._one(name, code, held, mine))
        return samples

    def _is_known(self, codes: StyleByNetwork) -> bool | None:
        """Whether a style is one that has a label; None where the checkpoint cannot tell."""
        if self.known_styles is None or not {OPEN, LABELLED} <= set(codes):
            return None
        return self.known_styles.nearest(codes[OPEN].mean) is not None

    def _prior(self, part: Style, count: int, generator: torch.Generator) -> list[WeightedStyle]:
        """Samples of a label's style, or of all labels'; the first of a label that is not sampled is its mean."""
        name, network = next(iter(self.restyler.networks.items()))
        labels = network.config.labels
        if part.label is not None and part.label not in labels:
            known = f"choose one of: {', '.join(labels)}" if labels else "this checkpoint knows no labels"
            raise StyleError(f"There is no style {part.label!r}; {known}.")
        if part.label is None and not part.sampled:
            raise StyleError("No style was given; give a reference motion, a label, or ask for a sample.")
        samples = []
        for index in range(count):
            if part.label is not None:
                label = labels.index(part.label)
            else:
                label = int(torch.randint(max(len(labels), 1), (1,), generator=generator))
            code, log_variance = (value.cpu() for value in network.prior(torch.tensor(label).to(self.restyler.device)))
            own = None
            if index or part.sampled:
                code = sample_gaussian(code, log_variance, generator)
                own = self.known_styles.sample_posture(generator) if self.known_styles is not None else None
            samples.append(self._one(name, code, individual=own))
        return samples

    def _one(
        self, network: str, code: Tensor, posture: Tensor | None = None, individual: Tensor | None = None
    ) -> WeightedStyle:
        device = self.restyler.device
        held, own = (None if each is None else each[None, :, None].to(device) for each in (posture, individual))
        return WeightedStyle(network, code[None].to(device), posture=held, individual=own)


def describe(style: Style) -> str:
    """A style in a few words."""
    if style.parts:
        if style.span is not None:
            return " to ".join(describe(part) for part, _ in style.parts)
        return " + ".join(f"{weight:.0%} {describe(part)}" for part, weight in style.parts)
    if style.motion is not None:
        name = Path(style.motion).stem if isinstance(style.motion, str | Path) else _name(style.motion)
        return f"reference {name}".strip()
    if style.saved is not None:
        return style.saved.name
    if style.label is not None:
        return f"sample of {style.label}" if style.sampled else style.label
    return "sample"


def _name(motion: Motion | SourceMotion) -> str:
    return motion.motion.name if isinstance(motion, SourceMotion) else motion.name
