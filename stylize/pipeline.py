"""From a motion and a style to stylised motions: what the app, the command line and the tests share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn

from stylize import features
from stylize.checkpoint import (
    checkpoint_folder,
    config_from_dict,
    load_network,
    read_json,
    resolve_device,
)
from stylize.errors import CheckpointError, MotionError, StyleError
from stylize.io import load_motion, save_motion
from stylize.io.bvh import BvhHierarchy, read_bvh
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig
from stylize.models.global_motion import GlobalMotionConfig, GlobalMotionPredictor
from stylize.models.stylizer import Stylizer as StylizerNetwork
from stylize.models.stylizer import StylizerConfig, sample_gaussian
from stylize.motion import Motion
from stylize.restyle import Body, Restyler, StyleCode, WeightedStyle
from stylize.retarget import Retargeter
from stylize.skeleton import SKELETON_22
from stylize.styles import (
    MAX_STYLE_CLIPS,
    SavedStyle,
    Style,
    StyleLabel,
    check_style_name,
    pooled_gaussian,
)

MIN_SECONDS, MAX_SECONDS = 1.0, 60.0
MAX_STRENGTH, MAX_SAMPLES = 1.5, 8
BODIES = get_args(Body)
TRANSITION_MOMENTS = 101

LABELLED, OPEN = "stylizer", "open_stylizer"
"""The network that was trained with labels, and the one that serves references of styles that nobody labelled."""
OPEN_PUSH = 0.5
"""How much further than a reference's code the open network goes, away from the content's own style."""

Progress = Callable[[float, str], None]
"""Called with a share from 0 to 1 and what is being done."""


@dataclass(frozen=True, eq=False)
class SourceMotion:
    """A motion file's content: as it came in, and on the canonical skeleton.

    Attributes:
        motion: canonical, 30 fps.
        source: in the file's own unit, axes and frame rate.
        family: the kind of skeleton that was recognised.
        hierarchy: of a BVH file, to write a result back onto it.
        retargeter: between the two skeletons, where the file has one of its own.
    """

    motion: Motion
    source: Motion
    family: str
    hierarchy: BvhHierarchy | None = None
    retargeter: Retargeter | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about how the skeleton was understood."""
        return tuple(self.retargeter.warnings) if self.retargeter else ()


def load_source(path: str | Path) -> SourceMotion:
    """Read a motion file and find its skeleton; MotionFileError or RetargetError say what is wrong."""
    if Path(path).suffix.lower() != ".bvh":
        motion = load_motion(path)
        return SourceMotion(motion, motion, "HumanML3D")
    source, hierarchy = read_bvh(path)
    retargeter = Retargeter.fit(source)
    return SourceMotion(retargeter.to_canonical(source), source, retargeter.family, hierarchy, retargeter)


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
                taken where the content came from no file, or from one without a skeleton), or "canonical".
        """
        if skeleton not in ("source", "canonical"):
            raise MotionError(f"There is no skeleton {skeleton!r} to write; choose source or canonical.")
        motion = self.motions[index]
        if skeleton == "source" and self.source is not None and self.source.retargeter is not None:
            save_motion(self.source.retargeter.to_source(motion), path, hierarchy=self.source.hierarchy)
        else:
            save_motion(motion, path)


class Stylizer:
    """The bundled models behind one call."""

    def __init__(
        self, restyler: Restyler, labels: tuple[StyleLabel, ...], fingerprints: dict[str, str] | None = None
    ) -> None:
        self.restyler = restyler
        self.labels = labels
        self.fingerprints = fingerprints or {}

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path = "default", device: str = "cpu") -> "Stylizer":
        """Load a bundled checkpoint by name, or one from a folder; CheckpointError says what is wrong.

        Bundled are "default", which knows styles by label and serves references of any style, and "unsupervised",
        which was trained without labels.
        """
        folder = checkpoint_folder(name_or_folder)
        config = read_json(folder / "config.json")
        predictor = None
        try:
            autoencoder = Autoencoder(config_from_dict(AutoencoderConfig, config["autoencoder"]))
            if "global_motion" in config:
                predictor = GlobalMotionPredictor(config_from_dict(GlobalMotionConfig, config["global_motion"]))
            names = [name for name in (LABELLED, OPEN) if name in config]
            networks = {name: StylizerNetwork(config_from_dict(StylizerConfig, config[name])) for name in names}
            labels = tuple(config_from_dict(StyleLabel, entry) for entry in config["labels"])
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"config.json of the checkpoint {folder.name!r} lacks or misuses {error}.") from error
        if not names:
            raise CheckpointError(f"config.json of the checkpoint {folder.name!r} names no stylizer; export it again.")
        target = resolve_device(device)
        modules: dict[str, nn.Module | None] = {"autoencoder": autoencoder, "global_motion": predictor, **networks}
        for name, module in modules.items():
            if module is None:
                continue
            load_network(module, folder / f"{name}.safetensors")
            module.to(target)
        fingerprints = {name: sha256((folder / f"{name}.safetensors").read_bytes()).hexdigest()[:16] for name in names}
        return cls(Restyler(autoencoder, networks, predictor), labels, fingerprints)

    def stylize(
        self,
        content: Motion | SourceMotion | str | Path,
        style: Style | Motion | str,
        *,
        strength: float = 1.0,
        num_samples: int = 1,
        seed: int = 0,
        keep_timing: bool = False,
        body: Body = "full",
        progress: Progress | None = None,
    ) -> StylizationResult:
        """Give a motion another manner.

        Args:
            content: a canonical motion, a loaded file, or a file's path; 1 to 60 seconds.
            style: a Style; a motion stands for Style.from_motion and a word for Style.from_label.
            strength: 0 gives the content back, 1 the style, up to 1.5 exaggerates it.
            num_samples: how many variants, 1 to 8. The first of a reference or a label is its most typical.
            seed: of the draws.
            keep_timing: keep the content's timing frame by frame; otherwise the tempo changes with the style.
            body: "full", or "upper" or "lower" to leave the other half as it was.
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
        if body not in BODIES:
            raise MotionError(f"There is no part of the body {body!r}; choose one of: {', '.join(BODIES)}.")
        if isinstance(style, Motion):
            style = Style.from_motion(style)
        elif isinstance(style, str):
            style = Style.from_label(style)
        report(0.0, "Reading the motion")
        source = load_source(content) if isinstance(content, str | Path) else content
        motion = as_canonical(source, "content")
        report(0.2, "Finding the style")
        weighted, reference = self._weighted_styles(style, num_samples, seed)
        motions = []
        for index, styles in enumerate(weighted):
            report(0.3 + 0.7 * index / num_samples, f"Restyling, sample {index + 1} of {num_samples}")
            motions.append(self.restyler.restyle(motion, styles, strength, keep_timing=keep_timing, body=body))
        report(1.0, "Done")
        loaded = source if isinstance(source, SourceMotion) else None
        return StylizationResult(
            motions=tuple(motions),
            content=motion,
            reference=reference,
            style=_describe(style),
            seed=seed,
            strength=strength,
            warnings=loaded.warnings if loaded else (),
            source=loaded,
        )

    def make_style(self, name: str, clips: Sequence[Motion | SourceMotion | str | Path]) -> SavedStyle:
        """A new style from one to five clips of any actions, with no training; its ``save`` writes a style file.

        Raises:
            StyleError: a name that cannot be used, or no clip, or too many.
            MotionError, MotionFileError, RetargetError: a clip cannot be used.
        """
        name = check_style_name(name)
        if not 1 <= len(clips) <= MAX_STYLE_CLIPS:
            raise StyleError(f"A style is made from 1 to {MAX_STYLE_CLIPS} clips, and {len(clips)} were given.")
        motions = [as_canonical(clip, "style clip") for clip in clips]
        network = self._network_for(motions)
        codes = [self._encode_style(motion, network) for motion in motions]
        mean, log_variance = pooled_gaussian(*(torch.stack(part) for part in zip(*codes, strict=True)))
        return SavedStyle(name, network, self.fingerprints.get(network, ""), mean, log_variance, len(motions))

    def _weighted_styles(self, style: Style, count: int, seed: int) -> tuple[list[list[WeightedStyle]], Motion | None]:
        """The styles of each sample with their weights, and the reference motion, if one was given."""
        generator = torch.Generator().manual_seed(seed)
        references: list[Motion] = []
        columns = []
        parts = style.parts or ((style, 1.0),)
        for index, (part, weight) in enumerate(parts):
            weights = np.array([weight])
            if style.span is not None:
                moments = np.linspace(0, 1, TRANSITION_MOMENTS)
                share = np.clip((moments - style.span[0]) / (style.span[1] - style.span[0]), 0, 1)
                share = share * share * (3 - 2 * share)
                weights = share if index else 1 - share
            codes = self._style_codes(part, references, count, generator)
            columns.append([WeightedStyle(code, weights) for code in codes])
        return [list(row) for row in zip(*columns, strict=True)], references[0] if references else None

    def _style_codes(
        self, style: Style, references: list[Motion], count: int, generator: torch.Generator
    ) -> list[StyleCode]:
        """One style code a sample; a reference motion is added to ``references``."""
        if style.motion is not None:
            reference = as_canonical(style.motion, "style reference")
            references.append(reference)
            network = self._network_for([reference])
            mean, log_variance = self._encode_style(reference, network)
        elif style.saved is not None:
            network, mean, log_variance = self._saved_code(style.saved)
        else:
            network = next(iter(self.restyler.networks))
            mean, log_variance = self._prior(style, network, count, generator)
        mean, log_variance = (value.expand(count, -1) for value in (mean, log_variance))
        codes = sample_gaussian(mean, log_variance, generator)
        if not style.sampled:
            codes[0] = mean[0]
        push = OPEN_PUSH if network == OPEN and not style.sampled else 0.0
        return [StyleCode(network, code[None].to(self.restyler.device), push) for code in codes]

    def _prior(self, style: Style, network: str, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        names = self.restyler.networks[network].config.labels
        if style.label is not None and style.label not in names:
            known = f"choose one of: {', '.join(names)}" if names else "this checkpoint knows no labels"
            raise StyleError(f"There is no style {style.label!r}; {known}.")
        if style.label is None and not style.sampled:
            raise StyleError("No style was given; give a reference motion, a label, or ask for a sample.")
        if style.label is None:
            drawn = torch.randint(max(len(names), 1), (count,), generator=generator)
        else:
            drawn = torch.full((count,), names.index(style.label))
        mean, log_variance = self.restyler.networks[network].prior(drawn.to(self.restyler.device))
        return mean.cpu(), log_variance.cpu()

    def _saved_code(self, saved: SavedStyle) -> tuple[str, Tensor, Tensor]:
        network = self.restyler.networks.get(saved.network)
        same = self.fingerprints.get(saved.network, "") == saved.model
        if network is None or not same or len(saved.mean) != network.config.style_size:
            raise StyleError(f"The style {saved.name!r} was made with another checkpoint; make it again with this one.")
        return saved.network, saved.mean, saved.log_variance

    def _network_for(self, motions: Sequence[Motion]) -> str:
        """Which network serves references: the one with labels where it knows their style, else the open one."""
        return next(iter(self.restyler.networks))

    def _encode_style(self, motion: Motion, network: str) -> tuple[Tensor, Tensor]:
        """Mean and log variance (style_size,) of a canonical motion's style code."""
        with torch.inference_mode():
            mean, log_variance = self.restyler.networks[network].encode_style(self.restyler.encode(motion))
        return mean[0].cpu().clone(), log_variance[0].cpu().clone()


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


def _describe(style: Style) -> str:
    """A style in a few words."""
    if style.parts:
        if style.span is not None:
            return " to ".join(_describe(part) for part, _ in style.parts)
        return " + ".join(f"{weight:.0%} {_describe(part)}" for part, weight in style.parts)
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
