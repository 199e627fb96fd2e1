"""The error that people see: one sentence that says what is wrong and what to do."""


class UserError(Exception):
    """Something the person at the keyboard can put right.

    The command line prints its sentence and exits with status 2; a notebook shows the
    sentence alone, without a traceback, and papermill then exits with status 1. Bytes
    of a path that are not UTF-8 are shown as escapes, so that any output takes them.
    """

    def __init__(self, sentence: str):
        super().__init__(sentence.encode(errors="backslashreplace").decode())

    def _render_traceback_(self):
        """Return the lines that IPython shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class DataError(UserError):
    """A data set, picture, audio file, table or split that cannot be used as it is."""


class ParameterError(UserError):
    """A notebook or command-line parameter with an unknown name or impossible value."""
