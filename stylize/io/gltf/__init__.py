"""glTF 2.0 (.glb, .gltf) and VRM: characters and their animations in, restyled characters and a mannequin out."""

from stylize.io.gltf.character import GltfCharacter, parse_character, parse_gltf
from stylize.io.gltf.files import read_character, read_gltf, write_gltf

__all__ = [
    "GltfCharacter",
    "parse_character",
    "parse_gltf",
    "read_character",
    "read_gltf",
    "write_gltf",
]
