"""What went wrong, as a sentence on the page: every handler ends with it."""

import logging
from collections.abc import Callable, Sequence

import gradio as gr

from stylize.errors import StylizeError
from stylize.ui.fragments import notice

LOGGER = logging.getLogger(__name__)

FAILURE = "Something went wrong on our side and was logged; please try again, or choose another motion."


def failure_notice(error: Exception) -> str:
    """What the page says of an error: its sentence if it is meant for people; anything else is logged."""
    if isinstance(error, StylizeError):
        return notice(str(error))
    LOGGER.error("a request failed", exc_info=error)
    return notice(FAILURE)


def or_message(work: Callable[[], tuple], outputs: Sequence) -> tuple:
    """The updates of ``outputs`` that ``work`` gives and an empty message, or no update and what went wrong."""
    try:
        return *work(), ""
    except Exception as error:
        return *(gr.skip() for _ in outputs), failure_notice(error)
