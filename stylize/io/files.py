"""Reading and writing whole files: what every format shares."""

import os
import stat
import uuid
from dataclasses import dataclass
from pathlib import Path

from stylize.errors import MotionFileError


@dataclass(frozen=True)
class Limits:
    """The largest file that is still read; anything above is refused before it costs memory or time.

    Attributes:
        file_bytes: size of the file.
        joints: joints of the skeleton.
        frames: frames of the motion.
        joint_frames: joints times frames, which is what memory grows with.
    """

    file_bytes: int = 64 * 1024 * 1024
    joints: int = 512
    frames: int = 60_000
    joint_frames: int = 2_000_000


DEFAULT_LIMITS = Limits()


def read_bytes(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The content of a regular file; MotionFileError if there is none, or it is too large or not readable."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise MotionFileError(f"{path} is a folder; give the path of a motion file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise MotionFileError(f"{path} is not a regular file; give the path of a motion file.")
        with path.open("rb") as file:
            content = file.read(limits.file_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MotionFileError(f"{path} cannot be read ({reason}); check the path and its permissions.") from error
    if len(content) > limits.file_bytes:
        megabytes = limits.file_bytes / 1024**2
        raise MotionFileError(f"{path.name} is larger than the limit of {megabytes:g} MB; cut it into shorter clips.")
    return content


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; MotionFileError if the place cannot be written to."""
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        try:
            with partial.open("xb") as file:
                file.write(content)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MotionFileError(f"{path} cannot be written ({reason}); choose another folder or name.") from error
