"""Put the networks of some runs into one checkpoint folder that Stylizer.from_pretrained reads.

    python -m training.export --autoencoder runs/autoencoder --global-motion runs/global_motion \\
        --stylizer runs/stylizer --open-stylizer runs/open_stylizer --out checkpoints/default
    python -m training.export --text-to-motion runs/text_to_motion --out checkpoints/default  # adds it
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from stylize.checkpoint import config_from_dict, config_to_dict, load_network, read_json, save_network, write_json
from stylize.errors import StylizeError
from stylize.generate import NAME as GENERATOR
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig
from stylize.models.global_motion import GlobalMotionConfig, GlobalMotionPredictor
from stylize.models.known_styles import KnownStyles, KnownStylesConfig
from stylize.models.stylizer import Stylizer, StylizerConfig
from stylize.pipeline import KNOWN
from stylize.style_codes import LABELLED, OPEN
from stylize.styles import StyleLabel
from stylize.text.bank import TextBank
from training.command import run_command
from training.datasets import FeatureClip, load_feature_clips
from training.train_text_to_motion import load_text_to_motion

DESCRIPTIONS = {
    "active": "brisk and eager, full of energy",
    "elderly": "stooped, with bent knees and small, careful steps",
    "exhausted": "tired out: hanging head and arms, heavy feet",
    "feminine": "light, with narrow steps and soft arms",
    "masculine": "broad and heavy, arms away from the body",
    "normal": "at ease, with no manner of its own",
    "youthful": "lively and springy",
    "set1/active": "energetic, with large gestures",
    "set1/angry": "tense and abrupt",
    "set1/childish": "playful, like a small child",
    "set1/chimpira": "a swaggering young thug",
    "set1/feminine": "graceful and narrow",
    "set1/giant": "slow and enormously heavy",
    "set1/happy": "cheerful and bouncing",
    "set1/masculinity": "broad-shouldered and firm",
    "set1/musical": "to a beat, as in a stage musical",
    "set1/normal": "at ease, with no manner of its own",
    "set1/not-confident": "shy, with drawn-in shoulders",
    "set1/old": "bent and slow with age",
    "set1/proud": "chest out, chin up",
    "set1/sad": "downcast, with a hanging head",
    "set1/tired": "weary and dragging",
}
"""What the styles of the Bandai-Namco sets look like, in our words."""


@dataclass(frozen=True)
class Export:
    """Put the networks of some runs into one checkpoint folder.

    Attributes:
        autoencoder: folder of its run; without it, the text-to-motion generator is added to what is in ``out``.
        out: the checkpoint folder.
        global_motion: folder of its run; without it the root moves as the decoder says.
        stylizer: folder of the run of the stylizer that knows labels; leave it out for a checkpoint without labels.
        open_stylizer: folder of the run of the stylizer that was trained without labels, for unseen styles.
        pack: the training pack; needed with the open stylizer, to find where the styles of its clips are.
        text_to_motion: folder of the run of the generator, which must have been trained on this autoencoder.
        push: of the open stylizer in place of its run's (StylizerConfig), as the next two, chosen by how it restyles
            other clips than the training's.
        code_share: the same.
        posture_gain: the same.
    """

    autoencoder: Path | None = None
    out: Path = Path("checkpoints/mine")
    global_motion: Path | None = None
    stylizer: Path | None = None
    open_stylizer: Path | None = None
    pack: Path | None = None
    text_to_motion: Path | None = None
    push: float | None = None
    code_share: float | None = None
    posture_gain: float | None = None


def style_label(name: str) -> StyleLabel:
    """How a label of the training is shown; those of a set with few clips are marked as experimental."""
    prefix, _, short = name.rpartition("/")
    group = {"": "Bandai-Namco 2", "set1": "Bandai-Namco 1"}.get(prefix, prefix)
    return StyleLabel(name, group, DESCRIPTIONS.get(name, short), experimental=bool(prefix))


@torch.inference_mode()
def codes_and_postures(clips: list[FeatureClip], autoencoder: Autoencoder, stylizer: Stylizer) -> tuple[Tensor, Tensor]:
    """Style codes (K, S) of clips, and the postures (K, C) that the codes leave over."""
    codes, postures = [], []
    for clip in clips:
        latents = autoencoder.encode(torch.from_numpy(clip.features)[None])
        codes.append(stylizer.encode_style(latents)[0])
        postures.append(stylizer.posture(latents, stylizer.encode_content(latents), codes[-1]))
    return torch.cat(codes), torch.cat(postures)


def known_styles(clips: list[FeatureClip], codes: Tensor, postures: Tensor, labels: tuple[str, ...]) -> KnownStyles:
    """What the labels' clips look like in codes (K, S) of the open network, and in postures (K, C)."""
    labelled = [index for index, clip in enumerate(clips) if clip.style in labels]
    indices = torch.tensor([labels.index(clips[index].style or "") for index in labelled])
    names = sorted({clips[index].content or "" for index in labelled})
    actions = torch.tensor([names.index(clips[index].content or "") for index in labelled])
    known = KnownStyles(KnownStylesConfig(len(labels), codes.shape[1], postures.shape[1]))
    known.fit(codes[labelled], indices, torch.tensor([not style_label(name).experimental for name in labels]))
    mirrored = torch.tensor([clips[index].mirrored for index in labelled])
    known.fit_postures(postures[labelled], indices, actions, mirrored)
    return known


def main(options: Export) -> None:
    """Write config.json and one safetensors file a network, the parameters in 16 bits."""
    if options.autoencoder is not None:
        export_networks(options)
    elif options.text_to_motion is None:
        raise StylizeError("There is nothing to export; give --autoencoder, or --text-to-motion to add a generator.")
    if options.text_to_motion is not None:
        add_text_to_motion(options.text_to_motion, options.out)


def add_text_to_motion(run: Path, checkpoint: Path) -> None:
    """Put the generator of a run and its text bank into a checkpoint folder that has an autoencoder."""
    network = load_text_to_motion(run)
    save_network(network, checkpoint / f"{GENERATOR}.safetensors", half=True)
    TextBank.load(run).save(checkpoint)
    config = read_json(checkpoint / "config.json") | {GENERATOR: config_to_dict(network.config)}
    write_json(config, checkpoint / "config.json")


def export_networks(options: Export) -> None:
    """Write all but the text-to-motion generator."""
    stylizers = {LABELLED: options.stylizer, OPEN: options.open_stylizer}
    if not any(stylizers.values()):
        raise StylizeError("A checkpoint needs a stylizer; give --stylizer, --open-stylizer or both.")
    parts = [
        ("autoencoder", "autoencoder", Autoencoder, AutoencoderConfig, options.autoencoder),
        ("global_motion", "global_motion", GlobalMotionPredictor, GlobalMotionConfig, options.global_motion),
        *((name, "stylizer", Stylizer, StylizerConfig, run) for name, run in stylizers.items()),
    ]
    config: dict = {}
    networks: dict[str, nn.Module] = {}
    for name, trained_name, network_class, config_class, folder in parts:
        if folder is None:
            continue
        config[name] = read_json(folder / f"{trained_name}.json")
        if name == OPEN:
            chosen = {each: getattr(options, each) for each in ("push", "code_share", "posture_gain")}
            config[name] |= {each: value for each, value in chosen.items() if value is not None}
        networks[name] = network_class(config_from_dict(config_class, config[name]))
        load_network(networks[name], folder / f"{trained_name}.safetensors")
    labels = tuple(config[LABELLED]["labels"]) if options.stylizer else ()
    if options.open_stylizer:
        if options.pack is None:
            raise StylizeError("--open-stylizer needs --pack as well, to see where the styles of its clips are.")
        clips = load_feature_clips(options.pack, mirror=True)
        autoencoder, stylizer = networks["autoencoder"], networks[OPEN]
        assert isinstance(autoencoder, Autoencoder) and isinstance(stylizer, Stylizer)
        codes, postures = codes_and_postures(clips, autoencoder, stylizer)
        # Without labels nothing pulled the codes to one prior, so it is what they turned out to be.
        stylizer.prior_mean.weight.copy_(codes.mean(0))
        stylizer.prior_log_variance.weight.copy_(codes.var(0).log())
        if labels:
            networks[KNOWN] = known = known_styles(clips, codes, postures, labels)
            config[KNOWN] = config_to_dict(known.config)
    for name, network in networks.items():
        save_network(network, options.out / f"{name}.safetensors", half=True)
    config["labels"] = [config_to_dict(style_label(name)) for name in labels]
    write_json(config, options.out / "config.json")


if __name__ == "__main__":
    run_command(main, Export, __doc__)
