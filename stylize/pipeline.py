"""From a motion and a style to stylised motions: what the app, the command line and the tests share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stylize import features
from stylize.checkpoint import (
    checkpoint_folder,
    config_from_dict,
    load_network,
    read_json,
    resolve_device,
)
from stylize.errors import CheckpointError, MotionError, StyleError
from stylize.io import save_motion
from stylize.io.bvh import BvhHierarchy, read_bvh
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig
from stylize.models.global_motion import GlobalMotionConfig, GlobalMotionPredictor
from stylize.models.stylizer import Stylizer as StylizerNetwork
from stylize.models.stylizer import StylizerConfig, sample_gaussian
from stylize.motion import Motion
from stylize.restyle import Restyler
from stylize.retarget import Retargeter
from stylize.skeleton import SKELETON_22

MIN_SECONDS, MAX_SECONDS = 1.0, 60.0
MAX_STRENGTH, MAX_SAMPLES = 1.5, 8

Progress = Callable[[float, str], None]
"""Called with a share from 0 to 1 and what is being done."""


@dataclass(frozen=True)
class StyleLabel:
    """A style that the model knows by name."""

    name: str
    group: str
    description: str
    experimental: bool = False


@dataclass(frozen=True)
class Style:
    """What manner to give: that of a motion, a label's, or one that the model draws."""

    motion: "Motion | SourceMotion | str | Path | None" = None
    label: str | None = None
    sampled: bool = False

    @staticmethod
    def from_motion(motion: "Motion | SourceMotion | str | Path") -> "Style":
        """The manner of a reference motion (or of a motion file)."""
        return Style(motion=motion)

    @staticmethod
    def from_label(name: str) -> "Style":
        """A style by its name; Stylizer.labels has them all."""
        return Style(label=name)

    @staticmethod
    def sample(label: str | None = None) -> "Style":
        """A style drawn from the prior: of one label, or of all."""
        return Style(label=label, sampled=True)


@dataclass(frozen=True, eq=False)
class SourceMotion:
    """A motion file's content: as it came in, and on the canonical skeleton.

    Attributes:
        motion: canonical, 30 fps.
        source: in the file's own unit, axes and frame rate.
        hierarchy: of the BVH file, to write a result back onto it.
        retargeter: between the two skeletons.
    """

    motion: Motion
    source: Motion
    hierarchy: BvhHierarchy
    retargeter: Retargeter

    @property
    def family(self) -> str:
        """The kind of skeleton that was recognised."""
        return self.retargeter.family

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about how the skeleton was understood."""
        return tuple(self.retargeter.warnings)


def load_source(path: str | Path) -> SourceMotion:
    """Read a BVH file and find its skeleton; MotionFileError or RetargetError say what is wrong."""
    source, hierarchy = read_bvh(path)
    retargeter = Retargeter.fit(source)
    return SourceMotion(retargeter.to_canonical(source), source, hierarchy, retargeter)


@dataclass(frozen=True, eq=False)
class StylizationResult:
    """Stylised motions and what made them.

    Attributes:
        motions: one a sample, canonical, 30 fps.
        content: the canonical motion that was restyled.
        reference: the canonical style reference, if the style came from a motion.
        style: the style in a few words.
        seed: of the draws; the same seed gives the same motions.
        strength: how far towards the style, 0 to 1.5.
        warnings: what a person should know, in sentences.
        source: where the content came from a file, that file's motion and skeleton.
    """

    motions: tuple[Motion, ...]
    content: Motion
    reference: Motion | None
    style: str
    seed: int
    strength: float
    warnings: tuple[str, ...] = ()
    source: SourceMotion | None = field(default=None, repr=False)

    def save(self, path: str | Path, index: int = 0, skeleton: str = "source") -> None:
        """Write one motion as BVH.

        Args:
            path: the file to write.
            index: of the sample.
            skeleton: "source" for the skeleton, unit and frame rate of the content's file ("canonical" is
                taken where the content came from no file), or "canonical".
        """
        if skeleton not in ("source", "canonical"):
            raise MotionError(f"There is no skeleton {skeleton!r} to write; choose source or canonical.")
        motion = self.motions[index]
        if skeleton == "source" and self.source is not None:
            save_motion(self.source.retargeter.to_source(motion), path, hierarchy=self.source.hierarchy)
        else:
            save_motion(motion, path)


class Stylizer:
    """The bundled models behind one call."""

    def __init__(self, restyler: Restyler, labels: tuple[StyleLabel, ...]) -> None:
        self.restyler = restyler
        self.labels = labels

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path = "default", device: str = "cpu") -> "Stylizer":
        """Load a bundled checkpoint by name, or one from a folder; CheckpointError says what is wrong."""
        folder = checkpoint_folder(name_or_folder)
        config = read_json(folder / "config.json")
        try:
            autoencoder = Autoencoder(config_from_dict(AutoencoderConfig, config["autoencoder"]))
            network = StylizerNetwork(config_from_dict(StylizerConfig, config["stylizer"]))
            predictor = GlobalMotionPredictor(config_from_dict(GlobalMotionConfig, config["global_motion"]))
            labels = tuple(config_from_dict(StyleLabel, entry) for entry in config["labels"])
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"config.json of the checkpoint {folder.name!r} lacks or misuses {error}.") from error
        target = resolve_device(device)
        for name, module in (("autoencoder", autoencoder), ("stylizer", network), ("global_motion", predictor)):
            load_network(module, folder / f"{name}.safetensors")
            module.to(target)
        return cls(Restyler(autoencoder, network, predictor), labels)

    def stylize(
        self,
        content: Motion | SourceMotion | str | Path,
        style: Style | Motion | str,
        *,
        strength: float = 1.0,
        num_samples: int = 1,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> StylizationResult:
        """Give a motion another manner.

        Args:
            content: a canonical motion, a loaded file, or a file's path; 1 to 60 seconds.
            style: a Style; a motion stands for Style.from_motion and a word for Style.from_label.
            strength: 0 gives the content back, 1 the style, up to 1.5 exaggerates it.
            num_samples: how many variants, 1 to 8. The first of a reference or a label is its most typical.
            seed: of the draws.
            progress: called as the work goes on.

        Raises:
            MotionError: the content or the reference is too short or too long, or a number is out of range.
            StyleError: no style of that name; the message lists the names.
            MotionFileError, RetargetError: a path could not be read as a motion.
        """
        report = progress or (lambda share, text: None)
        if not 0 <= strength <= MAX_STRENGTH:
            raise MotionError(f"The strength is {strength:g}; choose one from 0 to {MAX_STRENGTH:g}.")
        if not 1 <= num_samples <= MAX_SAMPLES:
            raise MotionError(f"{num_samples} samples were asked for; choose 1 to {MAX_SAMPLES}.")
        if isinstance(style, Motion):
            style = Style.from_motion(style)
        elif isinstance(style, str):
            style = Style.from_label(style)
        report(0.0, "Reading the motion")
        source = load_source(content) if isinstance(content, str | Path) else content
        motion = as_canonical(source, "content")
        reference = None if style.motion is None else as_canonical(style.motion, "style reference")
        report(0.2, "Finding the style")
        codes = self._style_codes(style, reference, num_samples, seed)
        motions = []
        for index, code in enumerate(codes):
            report(0.3 + 0.7 * index / num_samples, f"Restyling, sample {index + 1} of {num_samples}")
            motions.append(self.restyler.restyle(motion, code, strength))
        report(1.0, "Done")
        loaded = source if isinstance(source, SourceMotion) else None
        return StylizationResult(
            motions=tuple(motions),
            content=motion,
            reference=reference,
            style=_describe(style, reference),
            seed=seed,
            strength=strength,
            warnings=loaded.warnings if loaded else (),
            source=loaded,
        )

    def _style_codes(self, style: Style, reference: Motion | None, count: int, seed: int) -> list[Tensor]:
        """One style code (1, style_size) a sample."""
        network = self.restyler.network
        device = self.restyler.device
        generator = torch.Generator().manual_seed(seed)
        if reference is not None:
            mean, log_variance = self.restyler.encode_style(reference)
        else:
            names = list(network.config.labels)
            if style.label is not None and style.label not in names:
                raise StyleError(f"There is no style {style.label!r}; choose one of: {', '.join(names)}.")
            if style.label is None and not style.sampled:
                raise StyleError("No style was given; give a reference motion, a label, or ask for a sample.")
            if style.label is None:
                drawn = torch.randint(len(names), (count,), generator=generator)
            else:
                drawn = torch.full((count,), names.index(style.label))
            mean, log_variance = network.prior(drawn.to(device))
        mean, log_variance = (value.expand(count, -1).cpu() for value in (mean, log_variance))
        codes = sample_gaussian(mean, log_variance, generator)
        if not style.sampled:
            codes[0] = mean[0]
        return [code[None].to(device) for code in codes]


def as_canonical(motion: Motion | SourceMotion | str | Path, what: str) -> Motion:
    """A motion on the canonical skeleton at 30 fps, of a length that can be used; MotionError says why not."""
    if isinstance(motion, str | Path):
        motion = load_source(motion)
    if isinstance(motion, SourceMotion):
        motion = motion.motion
    elif motion.skeleton is not SKELETON_22:
        motion = Retargeter.fit(motion).to_canonical(motion)
    if not MIN_SECONDS <= len(motion) / motion.fps <= MAX_SECONDS + 1:
        raise MotionError(
            f"The {what} {motion.name!r} lasts {motion.duration:.2f} s; "
            f"use a motion of {MIN_SECONDS:g} to {MAX_SECONDS:g} s, or cut it."
        )
    if not (np.isfinite(motion.local_rotations).all() and np.isfinite(motion.root_positions).all()):
        raise MotionError(f"The {what} {motion.name!r} has numbers that are not finite; export it again.")
    return motion.resample(features.FPS)


def _describe(style: Style, reference: Motion | None) -> str:
    if reference is not None:
        return f"reference {reference.name}".strip()
    if style.label is not None:
        return f"sample of {style.label}" if style.sampled else style.label
    return "sample"
