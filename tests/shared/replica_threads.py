"""Replicas of one training step as threads of this process, for tests that a mutant has to meet.

Each thread is a replica; a sum over them is a meeting at a barrier. The gradient of a sum is the
sum of the gradients, as ``tf.distribute`` has it, and meets there too. What a network does to this,
``tests/pipeline/workers/test_workers.py`` sees with two processes.
"""

import threading

import tensorflow as tf

from recsys_pipeline.workers import distributed, replicas

assert distributed.workers_of  # its import makes the library ask for replicas

SECONDS = 60
_here = threading.local()


class _Replica:
    """What the workers ask of ``tf.distribute.ReplicaContext``."""

    def __init__(self, number, count, barrier, table):
        self.replica_id_in_sync_group, self.num_replicas_in_sync = number, count
        self._barrier, self._table = barrier, table

    def all_reduce(self, operation, values):
        assert operation == tf.distribute.ReduceOp.SUM

        @tf.custom_gradient
        def add_up(*own):
            found = [tf.add_n(parts) for parts in zip(*self._meet(own), strict=True)]
            return found, lambda *upstream: self.all_reduce(operation, list(upstream))

        return add_up(*values)

    def all_gather(self, value, axis):
        return tf.concat(self._meet(value), axis)

    def _meet(self, value):
        """What every replica brings, in their order."""
        self._table[self.replica_id_in_sync_group] = value
        self._barrier.wait(SECONDS)
        found = list(self._table)
        self._barrier.wait(SECONDS)  # nobody brings the next thing before all have looked
        return found


def run_replicas(functions, monkeypatch):
    """Call each function in a replica of its own.

    Args:
        functions: list of functions without arguments.
        monkeypatch: pytest's.

    Returns:
        List of what they returned.
    """
    count = len(functions)
    barrier, table, results, errors = threading.Barrier(count), [None] * count, [None] * count, []
    monkeypatch.setattr(replicas, "replica_context", lambda: getattr(_here, "replica", None))

    def work(number):
        _here.replica = _Replica(number, count, barrier, table)
        try:
            results[number] = functions[number]()
        except Exception as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:  # not the broken barrier of a replica that waited for the one that failed
        raise min(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError))
    return results
