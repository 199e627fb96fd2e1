"""How this process keeps freed memory, where the C library is Linux's glibc.

Elsewhere nothing is done.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h


def keep_freed() -> None:
    """Keep freed memory for the next batch to use again.

    Otherwise large blocks go back at once, and each page is paid for when it is asked
    for anew: about a tenth of an epoch.
    """
    _mallopt(_MMAP_THRESHOLD, 32 << 20)  # its largest value
    _mallopt(_TRIM_THRESHOLD, 1 << 30)


def _mallopt(option: int, value: int) -> None:
    try:
        ctypes.CDLL("libc.so.6").mallopt(option, value)
    except (OSError, AttributeError):
        return
