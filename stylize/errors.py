"""The errors that a user may see. Each message is one sentence: where, what was got, what to do."""


class StylizeError(Exception):
    """Base of every error whose text is meant for the user."""


class MotionFileError(StylizeError):
    """A motion file cannot be read or written; the message names the file and, in text files, the line."""


class RetargetError(StylizeError):
    """A skeleton cannot be mapped to the canonical one; the message names what is missing."""


class MotionError(StylizeError):
    """A motion does not fit the request: too short, too long, not finite, on another skeleton."""


class StyleError(StylizeError):
    """A style is not available or not usable; the message lists what is."""


class CheckpointError(StylizeError):
    """A checkpoint folder is incomplete or does not match this version of the code."""
