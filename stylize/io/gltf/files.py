"""glTF files in and out."""

from pathlib import Path

from stylize.errors import MotionFileError
from stylize.io.files import DEFAULT_LIMITS, Limits, read_bytes, write_bytes
from stylize.io.gltf.character import GltfCharacter, parse_character, parse_gltf
from stylize.io.gltf.mannequin import mannequin_content
from stylize.motion import Motion
from stylize.skinned_mesh import SkinnedMesh


def read_gltf(
    path: Path | str, animation: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> tuple[Motion, GltfCharacter]:
    """Read a .glb, .vrm or .gltf file; see ``parse_gltf`` for what comes back."""
    path = Path(path)
    return parse_gltf(read_bytes(path, limits), path.name, animation, limits)


def read_character(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> GltfCharacter:
    """Read a .glb, .vrm or .gltf file's character, animated or not; MotionFileError says why it cannot be used."""
    path = Path(path)
    return parse_character(read_bytes(path, limits), path.name, limits)


def write_gltf(
    motion: Motion, path: Path | str, character: GltfCharacter | None = None, mesh: SkinnedMesh | None = None
) -> None:
    """Write a .glb, .vrm or .gltf file, as a whole or not at all.

    Args:
        motion: with a character, on its skeleton; without one, any motion in metres with +Y up.
        path: the file to write or to replace.
        character: of a file that was read: it is kept as it is, and gets the motion as one more animation.
            Without it the motion is put on a mannequin.
        mesh: another mannequin than the bundled one, on the motion's skeleton.

    Raises:
        MotionFileError: the motion does not fit, or the place cannot be written to.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".vrm" and not (character is not None and character.is_vrm):
        raise MotionFileError(f"{path.name} cannot be written: only a VRM character can be a .vrm file; use .glb.")
    content = mannequin_content(motion, suffix, mesh) if character is None else character.content_with(motion, suffix)
    write_bytes(path, content)
