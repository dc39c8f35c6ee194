"""The one way in which the command gives up."""


class Unable(Exception):
    """The command cannot go on; the text says why, and what to do about it."""
