"""NumPy arrays of positions or features (.npy), which do not say themselves what they are."""

from dataclasses import dataclass
from pathlib import Path

from stylize.io.files import DEFAULT_LIMITS, Limits, read_bytes
from stylize.io.humanml3d import SOURCE_FPS, parse_humanml3d
from stylize.io.humanml3d_features import FeatureStatistics
from stylize.io.joint_positions import DEFAULT_FPS, parse_joint_array
from stylize.io.npy import read_header
from stylize.motion import Motion


@dataclass(frozen=True, eq=False)
class ArrayOptions:
    """What a person knows of a file of numbers that does not say it itself.

    Attributes:
        joint_names: of an array (T, J, 3), one a joint; see ``read_joint_names``. None for HumanML3D's 22 joints.
        fps: frames a second; None for 20 (HumanML3D) or 30 (named joints).
        statistics: by which HumanML3D's features were normalised.
    """

    joint_names: tuple[str, ...] | None = None
    fps: float | None = None
    statistics: FeatureStatistics | None = None


def describe_array(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> str:
    """What an .npy file holds, in a few words; MotionFileError if it is none."""
    path = Path(path)
    header = read_header(read_bytes(path, limits), path.name)
    return f"NumPy array of {header.dtype.name}, {' x '.join(map(str, header.shape))}"


def read_array(path: Path | str, options: ArrayOptions | None = None, limits: Limits = DEFAULT_LIMITS) -> Motion:
    """Read an .npy file of joint positions or HumanML3D's features; the motion is canonical.

    Raises:
        MotionFileError: one sentence with the file's name and what to do.
    """
    path, options = Path(path), options or ArrayOptions()
    content = read_bytes(path, limits)
    if options.joint_names is not None:
        return parse_joint_array(content, path.name, options.joint_names, options.fps or DEFAULT_FPS, limits)
    return parse_humanml3d(content, path.name, limits, options.statistics, options.fps or SOURCE_FPS)
