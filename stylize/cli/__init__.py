"""The command line: one dataclass a command.

What needs torch or matplotlib is imported where it is used, so that ``--help`` answers at once.
"""

from collections.abc import Sequence
from typing import Annotated

import tyro
from tyro.conf import FlagCreatePairsOff, subcommand

from stylize.cli.again_command import Again
from stylize.cli.commands import Apply, Batch, Convert, Labels, MakeStyle
from stylize.cli.generate_command import Generate
from stylize.cli.inspect_command import Inspect
from stylize.cli.terminal import UsageError, say
from stylize.errors import StylizeError

Command = (
    Annotated[Apply, subcommand("apply")]
    | Annotated[Generate, subcommand("generate")]
    | Annotated[Batch, subcommand("batch")]
    | Annotated[Labels, subcommand("labels")]
    | Annotated[MakeStyle, subcommand("make-style")]
    | Annotated[Convert, subcommand("convert")]
    | Annotated[Again, subcommand("again")]
    | Annotated[Inspect, subcommand("inspect")]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors for the user go to stderr as one sentence."""
    command = tyro.cli(
        Command,  # pyright: ignore[reportArgumentType]  (a union of types is what tyro takes)
        args=arguments,
        prog="python -m stylize",
        description="The same action in another manner.",
        config=(FlagCreatePairsOff,),
    )
    try:
        return command.run()
    except UsageError as error:
        say(f"error: {error}")
        return 2
    except StylizeError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130
