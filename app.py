"""The app: `python app.py`, then open the printed address."""

import ctypes
import importlib.util
import logging
import os
import signal
import sys
import tempfile
from dataclasses import dataclass

import tyro

# Before gradio is imported, or it asks two hosts on the internet at start.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

MAX_UPLOAD = "20mb"
GLIBC_MEMORY = {"M_TRIM_THRESHOLD": (-1, 1_000_000), "M_MMAP_THRESHOLD": (-3, 1_000_000), "M_ARENA_MAX": (-8, 2)}
"""Numbers and values of the C library's settings, see man mallopt."""


@dataclass(frozen=True)
class Options:
    """Restyle human motion in the browser."""

    host: str | None = None
    """Address to listen on; 0.0.0.0 lets other machines in. Default: GRADIO_SERVER_NAME, or this machine only."""
    port: int | None = None
    """Port to listen on. Default: GRADIO_SERVER_PORT, or the first free one from 7860."""
    share: bool = os.environ.get("GRADIO_SHARE", "").lower() == "true"
    """Also make a public link through Gradio's servers. Or GRADIO_SHARE=true."""
    checkpoint: str = os.environ.get("STYLIZE_CHECKPOINT", "default")
    """Name of a bundled model, or a checkpoint folder. Or STYLIZE_CHECKPOINT."""
    device: str = os.environ.get("STYLIZE_DEVICE", "cpu")
    """cpu, cuda or auto. Or STYLIZE_DEVICE."""
    max_frames: int = int(os.environ.get("STYLIZE_MAX_FRAMES", "20000"))
    """Longest uploaded motion in frames; longer ones are refused as they are read. Or STYLIZE_MAX_FRAMES."""
    queue_size: int = int(os.environ.get("STYLIZE_QUEUE_SIZE", "20"))
    """How many people may wait; more are told to come back. Or STYLIZE_QUEUE_SIZE."""
    body_model: str = os.environ.get("STYLIZE_BODY_MODEL", "")
    """SMPL, SMPL-H or SMPL-X model to show, .npz or .pkl, or a folder of them by gender; without one, what is in
    checkpoints/body_models, else the bundled body. Or STYLIZE_BODY_MODEL."""
    mcp: bool = os.environ.get("GRADIO_MCP_SERVER", "").lower() == "true"
    """Also serve the endpoints as tools for language models (MCP); needs `pip install "gradio[mcp]"`. Or
    GRADIO_MCP_SERVER=true."""


def keep_memory_low() -> None:
    """Have freed memory go back to the system.

    The C library of Linux raises the two thresholds itself with every large piece that is freed, and keeps a heap for
    each thread; a busy server then grows by some 20 MB a minute.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for number, value in GLIBC_MEMORY.values():
            libc.mallopt(number, value)


def main(options: Options) -> None:
    """Load the model, build the page and serve it until it is stopped."""
    import torch

    from stylize.errors import StylizeError
    from stylize.io import load_person
    from stylize.pipeline import Stylizer
    from stylize.ui.page import build_page
    from stylize.ui.theme import STYLESHEET, theme
    from stylize.ui.uploads import limit_uploads

    keep_memory_low()
    torch.set_num_threads(1)  # as fast as more for models this small, and people at once do not slow each other
    if options.mcp and importlib.util.find_spec("mcp") is None:
        sys.exit('--mcp needs more libraries; install them with: pip install "gradio[mcp]"')
    os.environ["STYLIZE_BODY_MODEL"] = options.body_model  # whoever shows somebody asks for it
    try:
        print(load_person()[1])
        limit_uploads(options.max_frames)
        page = build_page(Stylizer.from_pretrained(options.checkpoint, options.device), options.queue_size)
    except StylizeError as error:
        sys.exit(f"{error}")
    page.launch(
        server_name=options.host,
        server_port=options.port,
        share=options.share,
        mcp_server=options.mcp,
        theme=theme(),
        css_paths=STYLESHEET,
        max_file_size=MAX_UPLOAD,
        footer_links=["api", "settings"],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
    )


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    options = tyro.cli(Options, config=(tyro.conf.FlagCreatePairsOff,))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as containers stop: clean up, like after Ctrl-C
    # A folder of this process alone: nobody else's files, and gone when the app stops.
    with tempfile.TemporaryDirectory(prefix="stylize-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("GRADIO_TEMP_DIR", folder)
        main(options)
