"""How this process keeps freed memory, where the C library is Linux's glibc."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h


def keep_freed() -> None:
    """Keep freed memory for the next batch: else a tenth of an epoch goes into it."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, 32 << 20)  # its largest value
    mallopt(_TRIM_THRESHOLD, 1 << 30)
