"""What is freed is kept, also by other threads."""

import platform
import subprocess
import sys

import pytest

REUSED = """
import resource, threading
import numpy as np
from core.allocator import keep_freed_memory

def count_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(40 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if {is_kept}:
    assert keep_freed_memory()
count_faults()
found = []
thread = threading.Thread(target=lambda: found.append(count_faults()))
thread.start()
thread.join()
print(found[0])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_used_again() -> None:
    faults = {
        is_kept: int(
            subprocess.run(
                [sys.executable, "-c", REUSED.format(is_kept=is_kept)],
                capture_output=True,
                check=True,
                text=True,
            ).stdout
        )
        for is_kept in (True, False)
    }
    assert faults[True] < faults[False] / 5
