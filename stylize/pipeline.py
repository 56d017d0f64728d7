"""From a motion and a style to stylised motions: what the app, the command line and the tests share."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import nn

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
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig
from stylize.models.global_motion import GlobalMotionConfig, GlobalMotionPredictor
from stylize.models.known_styles import KnownStyles, KnownStylesConfig
from stylize.models.stylizer import Stylizer as StylizerNetwork
from stylize.models.stylizer import StylizerConfig
from stylize.motion import Motion
from stylize.quality import foot_sliding, movement_kept
from stylize.restyle import MOVEMENT_KEPT, Body, Restyler
from stylize.results import Scores, StylizationResult
from stylize.source import SourceMotion, as_canonical, load_source
from stylize.style_codes import LABELLED, OPEN, StyleCodes, describe
from stylize.styles import (
    MAX_STYLE_CLIPS,
    SavedStyle,
    Style,
    StyleLabel,
    check_style_name,
    fingerprint,
)
from stylize.text.understanding import UnderstoodText

MAX_STRENGTH, MAX_SAMPLES = 1.5, 8
BODIES = get_args(Body)
KNOWN = "known_styles"
UNKNOWN_MOVEMENT, KNOWN_MOVEMENT = 0.75, 0.95
"""How alike hands and feet move in what the codes hold of a motion: over the second in nearly all unseen clips of the
training actions, walks of other people among them. The less, the more of what the codes miss is kept."""
STRANGE = 0.10
"""Metres by which the codes miss a motion, beyond which the strength falls: dances and acrobatics."""

Progress = Callable[[float, str], None]
"""Called with a share from 0 to 1 and what is being done."""


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
        self.codes = StyleCodes(restyler, known_styles, self.fingerprints)
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
        fingerprints = {}
        for name in names:
            weights = (folder / f"{name}.safetensors").read_bytes()
            fingerprints[name] = sha256(weights + repr(networks[name].config).encode()).hexdigest()[:16]
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
        familiar = self.restyler.familiarity(encoded)
        known = np.clip((familiar.movement - UNKNOWN_MOVEMENT) / (KNOWN_MOVEMENT - UNKNOWN_MOVEMENT), 0, 1)
        kept = 1 - float(known) * (1 - MOVEMENT_KEPT)
        used_strength = strength * (STRANGE / max(familiar.distance, STRANGE))
        if used_strength < strength:
            warnings.append(
                f"This motion is unlike those that the model learned from (its codes hold it to "
                f"{100 * familiar.distance:.0f} cm; up to {100 * STRANGE:.0f} cm is usual), so the strength was "
                f"reduced to {used_strength:.2f}."
            )
        report(0.2, "Finding the style")
        weighted, reference = self.codes.weighted(style, num_samples, seed)
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
            style=describe(style),
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

        The style is read by the style encoder of the network that made it, or of the open one in a mixture of both;
        it is no judgement by somebody else. Of a transition it is that of the whole clip.
        """
        motion, styles = result.motions[index], result.applied[index]
        name = OPEN if any(style.network == OPEN for style in styles) else LABELLED
        known_styles = self.codes.known_styles
        with torch.inference_mode():
            own, shown = (
                self.restyler.style_code(self.restyler.encode(each), name).mean[0] for each in (result.content, motion)
            )
            wanted = torch.zeros_like(own)
            for style in styles:
                code = style.code[0]
                if style.network != name:
                    assert known_styles is not None
                    code = known_styles.mean[self.restyler.networks[LABELLED].nearest_label(code)]
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
        codes = self.codes.of_motions(motions)
        return SavedStyle(name, fingerprint(self.fingerprints), codes, len(motions))
