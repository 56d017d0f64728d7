"""Put the networks of three runs into one checkpoint folder that Stylizer.from_pretrained reads.

    python -m training.export --autoencoder runs/autoencoder --stylizer runs/stylizer \\
        --global-motion runs/global_motion --out checkpoints/default
"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from stylize.checkpoint import config_from_dict, config_to_dict, load_network, read_json, save_network, write_json
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig
from stylize.models.global_motion import GlobalMotionConfig, GlobalMotionPredictor
from stylize.models.stylizer import Stylizer, StylizerConfig
from stylize.pipeline import StyleLabel

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
    """Put the networks of three runs into one checkpoint folder.

    Attributes:
        autoencoder: folder of its run.
        stylizer: folder of its run.
        global_motion: folder of its run.
        out: the checkpoint folder.
    """

    autoencoder: Path
    stylizer: Path
    global_motion: Path
    out: Path


def style_label(name: str) -> StyleLabel:
    """How a label of the training is shown; those of a set with few clips are marked as experimental."""
    prefix, _, short = name.rpartition("/")
    group = {"": "Bandai-Namco 2", "set1": "Bandai-Namco 1"}.get(prefix, prefix)
    return StyleLabel(name, group, DESCRIPTIONS.get(name, short), experimental=bool(prefix))


def main(options: Export) -> None:
    """Write config.json and one safetensors file a network, the parameters in 16 bits."""
    parts = {
        "autoencoder": (Autoencoder, AutoencoderConfig, options.autoencoder),
        "stylizer": (Stylizer, StylizerConfig, options.stylizer),
        "global_motion": (GlobalMotionPredictor, GlobalMotionConfig, options.global_motion),
    }
    config: dict = {}
    for name, (network_class, config_class, folder) in parts.items():
        config[name] = read_json(folder / f"{name}.json")
        network = network_class(config_from_dict(config_class, config[name]))
        load_network(network, folder / f"{name}.safetensors")
        save_network(network, options.out / f"{name}.safetensors", half=True)
    config["labels"] = [config_to_dict(style_label(name)) for name in config["stylizer"]["labels"]]
    write_json(config, options.out / "config.json")


if __name__ == "__main__":
    main(tyro.cli(Export, description=__doc__))
