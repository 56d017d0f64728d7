"""Reading what people upload, within the limit that whoever runs the app has set."""

from stylize.errors import MotionFileError
from stylize.source import SourceMotion, load_source

_max_frames = [20_000]


def limit_uploads(max_frames: int) -> None:
    """Set the longest motion in frames that this process takes."""
    _max_frames[0] = max_frames


def load_upload(path: str, animation: str | None = None) -> SourceMotion:
    """An uploaded motion file, or one of its animations; StylizeError says what is wrong with it."""
    source = load_source(path, animation or None)
    if len(source.source) > _max_frames[0]:
        raise MotionFileError(
            f"The file has {len(source.source)} frames, and this app takes up to {_max_frames[0]}; cut it."
        )
    return source
