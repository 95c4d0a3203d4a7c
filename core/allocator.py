"""How a process that runs networks on a CPU holds its memory."""

import ctypes

# Of glibc's <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

LARGEST_KEPT_BYTES = 256 << 20
"""What a layer puts out for 32 photos of 224 px is half of it."""

KEPT_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """Keep what networks free for their next layer; return whether that could be arranged.

    By default glibc gives each large block back to the system when it is freed and has it cleared
    page by page when it is taken again: half of EfficientNet-Lite0's time, training or not. All
    threads share one heap then, because what another one frees would still be given back. To be
    called before threads are started; where the C library is another, nothing is changed.
    """
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is None:
        return False
    wanted = {
        _M_MMAP_THRESHOLD: LARGEST_KEPT_BYTES,
        _M_TRIM_THRESHOLD: KEPT_BYTES,
        _M_ARENA_MAX: 1,
    }
    return all(adjust(parameter, value) == 1 for parameter, value in wanted.items())
