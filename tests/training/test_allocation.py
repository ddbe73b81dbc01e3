"""What a step frees is not fetched from the operating system again in the next."""

import platform
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tiny

from recsys_lib.training import trainer
from recsys_lib.training.steps import move_to_large_pages

# Twenty blocks of 8 MiB, each written and freed; by hand, since NumPy and TensorFlow keep some.
WALK = """
import ctypes, resource
from recsys_lib.training.steps import keep_freed_memory
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


def bytes_on_large_pages():
    with open("/proc/self/smaps_rollup") as lines:
        return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("AnonHuge"))


@pytest.mark.skipif(sys.platform != "linux", reason="advice to Linux")
def test_a_large_table_moves_to_large_pages_and_keeps_its_values():
    table = keras.Variable(np.random.default_rng(0).normal(size=(2_000_000, 8)).astype("float32"))
    small = [keras.Variable(np.zeros((10, 3), np.float32)), keras.Variable(3, dtype="int64")]
    assert move_to_large_pages(small) == 0
    expected, before = table.numpy().copy(), bytes_on_large_pages()
    moved = move_to_large_pages([table])
    if not moved:
        pytest.skip("this system has no such advice, or no large pages free")
    assert bytes_on_large_pages() - before >= moved > 2_000_000 * 8 * 4 - 3 * 2**21
    np.testing.assert_array_equal(table, expected)


def test_training_in_one_process_moves_the_tables_and_their_statistics(monkeypatch):
    moved = []
    monkeypatch.setattr(trainer, "move_to_large_pages", moved.extend)
    dataset = tiny.make_dataset(tiny.SMALL)
    training = trainer.Trainer(tiny.build_small(), dataset)
    training.fit(dataset, epochs=1, patience=None, progress=False)
    assert {id(one) for one in moved} == {
        id(one) for one in [*training.model.variables, *training.optimizer.variables]
    }
