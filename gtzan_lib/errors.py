"""The error that people see: one sentence that says what is wrong and what to do."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace


class UserError(Exception):
    """Something the person at the keyboard can put right.

    The command line prints its sentence and exits with status 2; a notebook shows the
    sentence alone, without a traceback.
    """

    def __init__(self, sentence: str):
        super().__init__(printable(sentence.strip()))

    def _render_traceback_(self):
        """Return the lines that IPython shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class DataError(UserError):
    """A data set, picture, audio file, table or split that cannot be used as it is."""


class ParameterError(UserError):
    """A notebook or command-line parameter with an unknown name or impossible value."""


@contextmanager
def sentences(
    stopped: str = "stopped; what is finished is kept: run it again to go on\n",
) -> Iterator[SimpleNamespace]:
    """Turn what a person can put right into one sentence on stderr.

    The ``code`` of what is yielded is the exit status: 0; 2 after a ``UserError`` or an
    error of the system, such as a full disk; 130 after Ctrl-C; 1 where the reader of
    stdout, such as ``head``, has had enough.
    """
    status = SimpleNamespace(code=0)
    try:
        yield status
        sys.stdout.flush()
    except UserError as error:
        status.code = 2
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        status.code = 130
        sys.stderr.write(stopped)
    except BrokenPipeError:
        status.code = 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        status.code = 2
        where = f"{printable(error.filename)}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)


def printable(name: object) -> str:
    """Return a text, or a file's name, with line breaks and the like as escapes."""
    text = os.fsdecode(name) if isinstance(name, bytes | os.PathLike) else str(name)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
