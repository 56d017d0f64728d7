"""Reading what people upload, within the limit that whoever runs the app has set."""

from stylize.errors import MotionFileError
from stylize.source import SourceMotion, load_source

REFUSE_AT_ONCE = """() => {
    const refusal = (file, accepted) => {
        const size = window.gradio_config.max_file_size;
        if (!accepted.some((suffix) => file.name.toLowerCase().endsWith(suffix))) {
            return `${file.name} cannot be used here; choose a file that ends in ${accepted.join(', ')}.`;
        }
        return file.size > size ? `${file.name} is larger than ${Math.round(size / 2 ** 20)} MB; cut the motion.` : '';
    };
    const check = (event) => {
        const place = event.target.closest?.('.upload');
        const input = place?.querySelector('input[type=file]');
        if (!input) return;
        place.parentElement.querySelector(':scope > .refused')?.remove();
        const accepted = input.accept.split(',').map((suffix) => suffix.trim());
        const text = [...(event.dataTransfer ?? input).files].map((file) => refusal(file, accepted)).find(Boolean);
        if (!text) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        if (event.dataTransfer) event.target.dispatchEvent(new DragEvent('dragleave', { bubbles: true }));
        input.value = '';
        const notice = Object.assign(document.createElement('div'), { className: 'notice notice-error refused' });
        notice.setAttribute('role', 'alert');
        notice.textContent = text;
        place.after(notice);
    };
    for (const type of ['change', 'drop']) window.addEventListener(type, check, true);
}"""
"""Files that the server would refuse are refused before they travel, in a sentence beside the place to drop them.

The server refuses them all the same; it alone can be trusted.
"""

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
