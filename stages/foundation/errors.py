"""The one kind of error that a person can mend."""


class InputError(Exception):
    """Something outside the code is wrong: a parameter, a file, a sample.

    The message is for the person: which file, key or row; what was expected; what to do.
    A stage prints it alone, without a traceback, and exits with status 1.
    """
