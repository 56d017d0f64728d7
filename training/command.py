"""How the programs of the training start: options from the command line, and errors in one sentence."""

import sys
from collections.abc import Callable
from typing import TypeVar

import tyro

from stylize.errors import StylizeError

Options = TypeVar("Options")


def run_command(main: Callable[[Options], None], options: type[Options], description: str | None) -> None:
    """Run ``main`` with the options of the command line; on a StylizeError the program ends with its sentence."""
    try:
        main(tyro.cli(options, description=description))
    except StylizeError as error:
        sys.exit(f"error: {error}")
