"""From a motion and a style to stylised motions: what the app, the command line and the tests share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn

from stylize.checkpoint import (
    checkpoint_folder,
    config_from_dict,
    load_network,
    read_json,
    resolve_device,
)
from stylize.errors import CheckpointError, MotionError, StyleError
from stylize.generate import NAME as GENERATOR
from stylize.generate import GenerationResult, MotionGenerator, timing_notes
from stylize.io import load_person, save_motion, shows_person
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig
from stylize.models.global_motion import GlobalMotionConfig, GlobalMotionPredictor
from stylize.models.known_styles import KnownStyles, KnownStylesConfig
from stylize.models.stylizer import Stylizer as StylizerNetwork
from stylize.models.stylizer import StylizerConfig, sample_gaussian
from stylize.motion import Motion
from stylize.quality import foot_sliding, movement_kept
from stylize.restyle import RESIDUAL_AT_FULL_STRENGTH, Body, Restyler, WeightedStyle
from stylize.source import Rig, SourceMotion, as_canonical, load_source
from stylize.styles import (
    MAX_STYLE_CLIPS,
    SavedStyle,
    Style,
    StyleCode,
    StyleLabel,
    check_style_name,
    fingerprint,
    pooled_gaussian,
)
from stylize.text.understanding import UnderstoodText

MAX_STRENGTH, MAX_SAMPLES = 1.5, 8
BODIES = get_args(Body)
TRANSITION_MOMENTS = 101

LABELLED, OPEN = "stylizer", "open_stylizer"
"""The network that was trained with labels, and the one that serves references of styles that nobody labelled."""
KNOWN = "known_styles"
FAMILIAR, STRANGE = 0.05, 0.10
"""Metres by which the codes miss a motion: up to the first nearly all unseen clips of the training actions, over the
second dances and acrobatics. Between them more and more of what the codes miss is kept, beyond the strength falls."""
INDIVIDUAL_SHARE = 0.3
"""How much of what sets a reference apart from others with its label is taken over."""

Progress = Callable[[float, str], None]
"""Called with a share from 0 to 1 and what is being done."""


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
        applied: the style codes of each sample, as the networks were given them.
    """

    motions: tuple[Motion, ...]
    content: Motion
    reference: Motion | None
    style: str
    seed: int
    strength: float
    warnings: tuple[str, ...] = ()
    source: SourceMotion | None = field(default=None, repr=False)
    applied: tuple[tuple[WeightedStyle, ...], ...] = field(default=(), repr=False)

    def save(
        self,
        path: str | Path,
        index: int = 0,
        skeleton: str = "source",
        character: Rig | None = None,
        body_model: str | Path | None = None,
    ) -> None:
        """Write one motion, in the format that the path's suffix names.

        Args:
            path: the file to write.
            index: of the sample.
            skeleton: "source" for the content file's own skeleton, unit, frame rate and, in its own format, all else
                that it has, or "canonical". The canonical one is taken too where the content came from no file, or
                from one without a skeleton, or where the format is not the file's and cannot hold its skeleton.
            character: a skeleton to write on in place of these; see ``load_rig``.
            body_model: of whom to show in glTF files and videos without a character; see ``load_person``.

        Raises:
            MotionFileError: the file cannot be written, or not in this format.
        """
        if skeleton not in ("source", "canonical"):
            raise MotionError(f"There is no skeleton {skeleton!r} to write; choose source or canonical.")
        motion = self.motions[index]
        if character is not None:
            character.write(motion, path)
        elif skeleton == "source" and self.source is not None and self.source.can_write_back(path):
            self.source.write_back(motion, path)
        else:
            file = self.source.smpl_file if self.source is not None else None
            save_motion(motion, path, person=load_person(body_model, file)[0] if shows_person(path) else None)


@dataclass(frozen=True)
class Scores:
    """What a person wants to know of one result; see ``Stylizer.scores``.

    Attributes:
        style_match: how much of the way from the content's own style to the wanted one the result went, 0 to 1.
        content_kept: how alike hands and feet move before and after, 1 at most.
        sliding_before: metres a second at which the content's planted feet slide.
        sliding_after: the same of the result.
    """

    style_match: float
    content_kept: float
    sliding_before: float
    sliding_after: float


class Stylizer:
    """The bundled models behind one call."""

    def __init__(
        self,
        restyler: Restyler,
        labels: tuple[StyleLabel, ...],
        fingerprints: dict[str, str] | None = None,
        known_styles: KnownStyles | None = None,
        generator: MotionGenerator | None = None,
    ) -> None:
        self.restyler = restyler
        self.labels = labels
        self.fingerprints = fingerprints or {}
        self.known_styles = known_styles
        self.generator = generator

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
            known = KnownStyles(config_from_dict(KnownStylesConfig, config[KNOWN])) if KNOWN in config else None
            labels = tuple(config_from_dict(StyleLabel, entry) for entry in config["labels"])
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"config.json of the checkpoint {folder.name!r} lacks or misuses {error}.") from error
        if not names:
            raise CheckpointError(f"config.json of the checkpoint {folder.name!r} names no stylizer; export it again.")
        target = resolve_device(device)
        modules: dict[str, nn.Module | None] = {
            "autoencoder": autoencoder,
            "global_motion": predictor,
            KNOWN: known,
            **networks,
        }
        for name, module in modules.items():
            if module is None:
                continue
            load_network(module, folder / f"{name}.safetensors")
            module.to(target)
        fingerprints = {name: sha256((folder / f"{name}.safetensors").read_bytes()).hexdigest()[:16] for name in names}
        generator = MotionGenerator.load(folder, config, autoencoder) if GENERATOR in config else None
        return cls(Restyler(autoencoder, networks, predictor), labels, fingerprints, known, generator)

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
        warnings = list(source.warnings) if isinstance(source, SourceMotion) else []
        encoded = self.restyler.encode(motion)
        strangeness = max(self.restyler.strangeness(encoded), 1e-9)
        known = min(1.0, FAMILIAR / strangeness) ** 2
        kept = 1 - known * (1 - RESIDUAL_AT_FULL_STRENGTH)
        used_strength = strength * min(1.0, STRANGE / strangeness)
        if used_strength < strength:
            warnings.append(
                f"This motion is unlike those that the model learned from (its codes hold it to "
                f"{100 * strangeness:.0f} cm; up to {100 * STRANGE:.0f} cm is usual), so the strength was reduced to "
                f"{used_strength:.2f}."
            )
        report(0.2, "Finding the style")
        weighted, reference = self._weighted_styles(style, num_samples, seed)
        motions = []
        for index, styles in enumerate(weighted):
            report(0.3 + 0.7 * index / num_samples, f"Restyling, sample {index + 1} of {num_samples}")
            motions.append(
                self.restyler.restyle(encoded, styles, used_strength, keep_timing=keep_timing, body=body, kept=kept)
            )
        report(1.0, "Done")
        loaded = source if isinstance(source, SourceMotion) else None
        return StylizationResult(
            motions=tuple(motions),
            content=motion,
            reference=reference,
            style=_describe(style),
            seed=seed,
            strength=strength,
            warnings=tuple(warnings),
            source=loaded,
            applied=tuple(tuple(styles) for styles in weighted),
        )

    def understand(self, text: str) -> UnderstoodText:
        """What ``generate`` would make of a text, to be shown, changed (dataclasses.replace) and given to it.

        Raises:
            TextError: an empty or endless text, one without an action, or one that is like nothing that is known.
            CheckpointError: this checkpoint has no text model.
        """
        return self._text_model().understand(text, [label.name for label in self.labels])

    def _text_model(self) -> MotionGenerator:
        if self.generator is None:
            raise CheckpointError(
                "This checkpoint has no text model; take the checkpoint 'default' to generate motion."
            )
        return self.generator

    def generate(
        self,
        text: str | UnderstoodText,
        seconds: float | None = None,
        *,
        style: Style | Motion | str | None = None,
        strength: float = 1.0,
        num_samples: int = 1,
        guidance: float = 2.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> GenerationResult:
        """Make a motion from a text; a manner that it names is given by the stylizer.

        Args:
            text: what a person does, in English ("walk; turn left; wave like an old man"), or what ``understand`` made
                of it.
            seconds: how long, 1 to 60; without it, as long as the actions usually take. A style may change the tempo.
            style: in place of the one that the text names, as ``stylize`` takes it.
            strength: of the style.
            num_samples: how many variants, 1 to 8.
            guidance: 1 to 6; how strictly the text is followed.
            seed: of the draws.
            progress: called as the work goes on.

        Raises:
            TextError, CheckpointError: as ``understand``.
            MotionError, StyleError: as ``stylize``; or too little time for so many actions.
        """
        report = progress or (lambda share, text: None)
        if not 1 <= num_samples <= MAX_SAMPLES:
            raise MotionError(f"{num_samples} samples were asked for; choose 1 to {MAX_SAMPLES}.")
        understood = self.understand(text) if isinstance(text, str) else text
        generator = self._text_model()
        wanted = style or understood.style
        warnings = [*understood.notes, *timing_notes(understood, seconds)]
        neutral, motions, described = [], [], None
        for index in range(num_samples):
            report(index / num_samples, f"Generating, sample {index + 1} of {num_samples}")
            own_seed = seed * MAX_SAMPLES + index
            motion = generator.generate(understood, seconds, guidance=guidance, seed=own_seed)
            neutral.append(motion)
            if wanted is not None:
                result = self.stylize(motion, wanted, strength=strength, seed=seed)
                motion, described = result.motions[0], result.style
                warnings += result.warnings
            motions.append(motion)
        report(1.0, "Done")
        notes = tuple(dict.fromkeys(warnings))
        return GenerationResult(tuple(motions), tuple(neutral), understood, described, seed, guidance, notes)

    def scores(self, result: StylizationResult, index: int = 0) -> Scores:
        """Measure one motion of a result.

        The style is read by the model's own style encoder, if possible by the one of the open network, which sees
        more than a label; it is no judgement by somebody else. Of a transition it is that of the whole clip.
        """
        motion = result.motions[index]
        name = OPEN if OPEN in self.restyler.networks and self.known_styles is not None else None
        name = name or next(iter(self.restyler.networks))
        network = self.restyler.networks[name]
        with torch.inference_mode():
            own, shown = (
                network.encode_style(self.restyler.encode(each).latents)[0][0] for each in (result.content, motion)
            )
            wanted = torch.zeros_like(own)
            for style in result.applied[index]:
                code = style.code[0]
                if style.network != name:
                    assert self.known_styles is not None
                    code = self.known_styles.mean[self.restyler.networks[style.network].nearest_label(code)]
                wanted += float(style.weights.mean()) * (code - own)
            gone = float((shown - own) @ wanted) / max(float(wanted @ wanted), 1e-9)
        return Scores(
            style_match=min(max(gone, 0.0), 1.0),
            content_kept=movement_kept(result.content, motion),
            sliding_before=foot_sliding(result.content),
            sliding_after=foot_sliding(motion),
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
        codes = self._encode_style(motions)
        return SavedStyle(name, fingerprint(self.fingerprints), codes, len(motions))

    def _weighted_styles(self, style: Style, count: int, seed: int) -> tuple[list[list[WeightedStyle]], Motion | None]:
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
                samples = self._draw(self._encode_style([motion]), count, generator)
            elif part.saved is not None:
                samples = self._draw(self._saved_codes(part.saved), count, generator)
            else:
                samples = self._prior(part, count, generator)
            for row, codes in zip(rows, samples, strict=True):
                row += [replace(code, weights=code.weights * over_time) for code in codes]
        return rows, reference

    def _encode_style(self, motions: Sequence[Motion]) -> dict[str, StyleCode]:
        """The style of some motions together, as each network sees it."""
        codes = {}
        with torch.inference_mode():
            latents = [self.restyler.encode(motion).latents for motion in motions]
            for name, network in self.restyler.networks.items():
                means, log_variances = zip(*(network.encode_style(each) for each in latents), strict=True)
                mean, log_variance = pooled_gaussian(torch.cat(means), torch.cat(log_variances))
                posture = torch.cat([self.restyler.missed(each, name).mean(-1) for each in latents]).mean(0)
                codes[name] = StyleCode(*(part.cpu().clone() for part in (mean, log_variance, posture)))
        return codes

    def _saved_codes(self, saved: SavedStyle) -> dict[str, StyleCode]:
        fits = saved.fits(self.fingerprints)
        for name, code in saved.codes.items() if fits else ():
            config = self.restyler.networks[name].config
            sizes = (config.style_size, config.style_size, config.latent_channels)
            fits = fits and tuple(map(len, code)) == sizes
        if not fits:
            raise StyleError(f"The style {saved.name!r} was made with another checkpoint; make it again with this one.")
        return saved.codes

    def _draw(self, codes: dict[str, StyleCode], count: int, generator: torch.Generator) -> list[list[WeightedStyle]]:
        """Samples of a reference's style; the first is its mean.

        A style with a label is best served by the network that knows the labels, which takes from a reference
        little more than its label; what is the reference's own is added by the other. A style without a label is
        served by the open network alone, and with the posture that no network knew.
        """
        # In the networks' order, for a style that was read from a file has its codes in another one.
        names = [name for name in self.restyler.networks if name in codes]
        drawn = {name: self._samples(codes[name], count, generator) for name in names}
        known = self._is_known(codes)
        if LABELLED not in codes or known is False:
            posture = codes[OPEN].posture[None, :, None].to(self.restyler.device)
            return [[replace(self._weighted(OPEN, code), posture=posture)] for code in drawn[OPEN]]
        label = self.restyler.networks[LABELLED].nearest_label(codes[LABELLED].mean)
        own = [self._individual(code, label) if known else [] for code in drawn.get(OPEN, drawn[LABELLED])]
        return [[self._weighted(LABELLED, code), *extra] for code, extra in zip(drawn[LABELLED], own, strict=True)]

    def _is_known(self, codes: dict[str, StyleCode]) -> bool | None:
        """Whether a style is one that has a label; None where the checkpoint cannot tell."""
        if self.known_styles is None or not {OPEN, LABELLED} <= set(codes):
            return None
        return self.known_styles.nearest(codes[OPEN].mean) is not None

    def _individual(self, open_code: Tensor, label: int) -> list[WeightedStyle]:
        """What a style is more than its label: the change from the label's typical code to this one."""
        assert self.known_styles is not None
        typical = self.known_styles.mean[label].cpu()
        return [
            self._weighted(OPEN, open_code, weight=INDIVIDUAL_SHARE),
            self._weighted(OPEN, typical, weight=-INDIVIDUAL_SHARE),
        ]

    def _prior(self, style: Style, count: int, generator: torch.Generator) -> list[list[WeightedStyle]]:
        """Samples of a label's style, or of all labels'; the first of a label that is not sampled is its mean."""
        name, network = next(iter(self.restyler.networks.items()))
        labels = network.config.labels
        if style.label is not None and style.label not in labels:
            known = f"choose one of: {', '.join(labels)}" if labels else "this checkpoint knows no labels"
            raise StyleError(f"There is no style {style.label!r}; {known}.")
        if style.label is None and not style.sampled:
            raise StyleError("No style was given; give a reference motion, a label, or ask for a sample.")
        rows = []
        for index in range(count):
            if style.label is not None:
                label = labels.index(style.label)
            else:
                label = int(torch.randint(max(len(labels), 1), (1,), generator=generator))
            typical = index == 0 and not style.sampled
            mean, log_variance = (value.cpu() for value in network.prior(torch.tensor(label).to(self.restyler.device)))
            row = [self._weighted(name, mean if typical else sample_gaussian(mean, log_variance, generator))]
            if self.known_styles is not None and not typical:
                deviation = self.known_styles.deviation[label].cpu()
                noise = torch.randn(deviation.shape, generator=generator)
                row += self._individual(self.known_styles.mean[label].cpu() + noise * deviation, label)
            rows.append(row)
        return rows

    def _samples(self, code: StyleCode, count: int, generator: torch.Generator) -> list[Tensor]:
        return [code.mean] + [sample_gaussian(code.mean, code.log_variance, generator) for _ in range(count - 1)]

    def _weighted(self, network: str, code: Tensor, weight: float = 1.0) -> WeightedStyle:
        return WeightedStyle(network, code[None].to(self.restyler.device), np.array([weight]))


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
