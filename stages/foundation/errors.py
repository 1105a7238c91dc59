"""The error that a user can fix."""


class InputError(Exception):
    """An error in the input: a parameter, a file, a sample.

    The message names the file, key or row, what was expected, and what to do. A stage prints it without a traceback and exits with status
    1.
    """
