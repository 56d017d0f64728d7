"""The variants that the experiments compare: arguments of the training command, and how the result is used."""

from dataclasses import dataclass

PAPER_LOSSES = ("--weights.guidance", "0", "--weights.adversarial", "0", "--no-aligned")
"""Off: what we added to the losses of the paper."""
UNSUPERVISED = ("--no-supervised", "--batch-size", "14", "--weights.aligned", "1.5")
SYNTHETIC_UNSUPERVISED = 14

NEUTRAL = "normal"
OPEN = (
    *("--no-supervised", "--no-aligned", "--batch-size", "6", "--unlabelled", "0.5"),
    *("--weights.adversarial", "0", "--weights.cycle", "0", "--weights.movement", "0", "--weights.kl", "0.0002"),
)
"""Made for styles that nobody ever saw: of real clips only neutral and unlabelled ones, and many synthetic styles. With
real styles, labelled or not, a code learns to tell those apart, and takes every other style for one of them."""
SYNTHETIC_OPEN = 40


@dataclass(frozen=True)
class Variant:
    """One row of an experiment, or several: one for each way of giving the style.

    Attributes:
        name: as the tables show it.
        arguments: of training.train_stylizer, beside those that all variants share.
        autoencoder: "given" on the command line, or trained by the experiment: "vae", "ae", "pose" (none).
        synthetic: contents in synthetic styles a step.
        held_out: styles of which no clip is seen, by the synthetic styles neither.
        predictor: whether the global motion predictor is used.
        training_of: the name of a variant whose training this one shares.
        target: the only style to aim at.
    """

    name: str
    arguments: tuple[str, ...] = ()
    autoencoder: str = "given"
    synthetic: int = 0
    held_out: tuple[str, ...] = ()
    predictor: bool = True
    training_of: str = ""
    target: str = ""

    @property
    def supervised(self) -> bool:
        """Whether labels are used."""
        return "--no-supervised" not in self.arguments

    @property
    def end_to_end(self) -> bool:
        """Whether the autoencoder is trained with the stylizer."""
        return "--end-to-end" in self.arguments


MAIN = (
    Variant("supervised", synthetic=6),
    Variant("unsupervised", UNSUPERVISED, synthetic=SYNTHETIC_UNSUPERVISED),
)

ALL_PARTS = "all parts of the paper"
ABLATIONS = (
    Variant(ALL_PARTS, PAPER_LOSSES, "vae"),
    Variant("pose space, no latents", PAPER_LOSSES, "pose"),
    Variant("AE in place of VAE", PAPER_LOSSES, "ae"),
    Variant("deterministic style", (*PAPER_LOSSES, "--model.no-probabilistic"), "vae"),
    Variant("no homo-style alignment", (*PAPER_LOSSES, "--no-homo-style"), "vae"),
    Variant("no cycle consistency", (*PAPER_LOSSES, "--weights.cycle", "0", "--weights.cycle-style", "0"), "vae"),
    Variant("end-to-end training", (*PAPER_LOSSES, "--end-to-end"), "vae"),
    Variant("no global motion predictor", PAPER_LOSSES, "vae", predictor=False, training_of=ALL_PARTS),
    Variant("with our guidance and discriminator", ("--no-aligned",), "vae"),
    Variant("with those and aligned clips", (), "vae"),
)


def held_out(styles: list[str], all_styles: set[str]) -> tuple[Variant, ...]:
    """A variant for each style to aim at, of one training that saw none of all styles but the neutral one."""
    unseen = tuple(sorted(all_styles - {NEUTRAL}))
    return tuple(
        Variant(style, OPEN, synthetic=SYNTHETIC_OPEN, held_out=unseen, training_of="open", target=style)
        for style in styles
        if style != NEUTRAL
    )
