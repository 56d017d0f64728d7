"""What a file of numbers does not say itself: the options of the command line, and the ArrayOptions that they make."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from stylize.cli.terminal import UsageError

if TYPE_CHECKING:
    from stylize.io import ArrayOptions, FeatureStatistics


@dataclass(frozen=True)
class ArrayFlags:
    """For .npy and .csv files only."""

    joint_names: Annotated[Path | None, arg(metavar="FILE")] = None
    """Names of the joints of an .npy array (frames, joints, 3): a .json list, or a text file with one a line."""
    fps: float | None = None
    """Frames a second of an .npy or .csv file that does not say it; without it, 20 for HumanML3D and 30 for others."""
    mean: Annotated[Path | None, arg(metavar="Mean.npy")] = None
    """By what HumanML3D's features were normalised; without it, Mean.npy and Std.npy beside the file."""
    std: Annotated[Path | None, arg(metavar="Std.npy")] = None
    """See --mean."""

    def check(self) -> None:
        """Refuse options that do not fit together."""
        if (self.mean is None) != (self.std is None):
            raise UsageError("--mean and --std belong together; give both.")

    def options(self, path: Path) -> "ArrayOptions":
        """The options for one file."""
        from stylize.io import ArrayOptions, read_joint_names

        names = None if self.joint_names is None else read_joint_names(self.joint_names)
        return ArrayOptions(names, self.fps, self._statistics(path))

    def _statistics(self, path: Path) -> "FeatureStatistics | None":
        from stylize.io import FeatureStatistics

        if self.mean is not None and self.std is not None:
            return FeatureStatistics.read(self.mean, self.std)
        beside = path.with_name("Mean.npy"), path.with_name("Std.npy")
        if path.suffix.lower() == ".npy" and all(file.is_file() for file in beside):
            return FeatureStatistics.read(*beside)
        return None
