"""What a step frees is not fetched from the operating system again in the next."""

import platform
import subprocess
import sys
import textwrap

import pytest
import tiny

from recsys_lib.training import trainer

# Twenty blocks of 8 MiB, each written and freed; by hand, since NumPy and TensorFlow keep some.
WALK = """
import ctypes, resource
from recsys_lib.training.allocation import keep_freed_memory
c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
c.free.argtypes = [ctypes.c_void_p]
c.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
if {call}:
    print(keep_freed_memory())
def step():
    block = c.malloc(8 << 20)
    c.memset(block, 1, 8 << 20)
    c.free(block)
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def walk(call, **environment):
    code = textwrap.dedent(WALK.format(call=call))
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    return finished.stdout.split()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of the GNU C library")
def test_a_trainer_keeps_what_a_step_frees():
    said, faults = walk(call=True)
    assert said == "True" and int(faults) < 100
    # 2,048 pages a block, mapped anew every time.
    said, faults = walk(call=True, MALLOC_MMAP_THRESHOLD_="131072")
    assert said == "False" and int(faults) > 20_000


def test_training_asks_for_it(monkeypatch):
    asked = []
    monkeypatch.setattr(trainer, "keep_freed_memory", lambda: asked.append("asked"))
    trainer.Trainer(tiny.build_small(), tiny.make_dataset(tiny.SMALL))
    assert asked == ["asked"]
