"""Put the networks of some runs into one checkpoint folder that Stylizer.from_pretrained reads.

    python -m training.export --autoencoder runs/autoencoder --global-motion runs/global_motion \\
        --stylizer runs/stylizer --open-stylizer runs/open_stylizer --out checkpoints/default
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from stylize.checkpoint import config_from_dict, config_to_dict, load_network, read_json, save_network, write_json
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig
from stylize.models.global_motion import GlobalMotionConfig, GlobalMotionPredictor
from stylize.models.known_styles import KnownStyles, KnownStylesConfig
from stylize.models.stylizer import Stylizer, StylizerConfig
from stylize.pipeline import KNOWN, LABELLED, OPEN
from stylize.styles import StyleLabel
from training.datasets import load_feature_clips
from training.train_autoencoder import load_autoencoder

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
        autoencoder: folder of its run.
        out: the checkpoint folder.
        global_motion: folder of its run; without it the root moves as the decoder says.
        stylizer: folder of the run of the stylizer that knows labels; leave it out for a checkpoint without labels.
        open_stylizer: folder of the run of the stylizer that was trained without labels, for unseen styles.
        pack: the training pack; needed with both stylizers, to find which styles have a label.
    """

    autoencoder: Path
    out: Path
    global_motion: Path | None = None
    stylizer: Path | None = None
    open_stylizer: Path | None = None
    pack: Path | None = None


def style_label(name: str) -> StyleLabel:
    """How a label of the training is shown; those of a set with few clips are marked as experimental."""
    prefix, _, short = name.rpartition("/")
    group = {"": "Bandai-Namco 2", "set1": "Bandai-Namco 1"}.get(prefix, prefix)
    return StyleLabel(name, group, DESCRIPTIONS.get(name, short), experimental=bool(prefix))


@torch.inference_mode()
def known_styles(pack: Path, labels: tuple[str, ...], autoencoder: Autoencoder, run: Path) -> KnownStyles:
    """What the labels' clips in a pack look like to the stylizer of a run."""
    stylizer = Stylizer(config_from_dict(StylizerConfig, read_json(run / "stylizer.json")))
    load_network(stylizer, run / "stylizer.safetensors")
    clips = [clip for clip in load_feature_clips(pack, mirror=True) if clip.style in labels]
    latents = [autoencoder.encode(torch.from_numpy(clip.features)[None]) for clip in clips]
    codes = torch.cat([stylizer.encode_style(each)[0] for each in latents])
    known = KnownStyles(KnownStylesConfig(len(labels), stylizer.config.style_size))
    indices = torch.tensor([labels.index(clip.style or "") for clip in clips])
    known.fit(codes, indices, torch.tensor([not style_label(name).experimental for name in labels]))
    return known


def main(options: Export) -> None:
    """Write config.json and one safetensors file a network, the parameters in 16 bits."""
    stylizers = {LABELLED: options.stylizer, OPEN: options.open_stylizer}
    if not any(stylizers.values()):
        raise SystemExit("error: give --stylizer, --open-stylizer or both")
    parts = [
        ("autoencoder", "autoencoder", Autoencoder, AutoencoderConfig, options.autoencoder),
        ("global_motion", "global_motion", GlobalMotionPredictor, GlobalMotionConfig, options.global_motion),
        *((name, "stylizer", Stylizer, StylizerConfig, run) for name, run in stylizers.items()),
    ]
    config: dict = {}
    for name, trained_name, network_class, config_class, folder in parts:
        if folder is None:
            continue
        config[name] = read_json(folder / f"{trained_name}.json")
        network = network_class(config_from_dict(config_class, config[name]))
        load_network(network, folder / f"{trained_name}.safetensors")
        save_network(network, options.out / f"{name}.safetensors", half=True)
    labels = config[LABELLED]["labels"] if options.stylizer else []
    if options.stylizer and options.open_stylizer:
        if options.pack is None:
            raise SystemExit("error: both stylizers need --pack as well, to find which styles have a label")
        known = known_styles(options.pack, tuple(labels), load_autoencoder(options.autoencoder), options.open_stylizer)
        save_network(known, options.out / f"{KNOWN}.safetensors")
        config[KNOWN] = {"labels": len(labels), "style_size": known.mean.shape[1]}
    config["labels"] = [config_to_dict(style_label(name)) for name in labels]
    write_json(config, options.out / "config.json")


if __name__ == "__main__":
    main(tyro.cli(Export, description=__doc__))
