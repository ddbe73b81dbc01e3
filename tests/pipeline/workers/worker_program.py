"""What each worker runs in the tests: ``worker_program.py FOLDER TASK...``, under ``TF_CONFIG``."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import worker_models

from recsys_lib.training.callbacks import Callback
from recsys_pipeline.workers import join_workers
from recsys_pipeline.workers.distributed import Workers


class Killer(Callback):
    """Kills the chief at the end of its second epoch, the first time; notes the epochs it saw.

    The epoch's checkpoint is not yet written then: what there is was written in its middle.
    """

    def __init__(self, folder, worker):
        self.once, self.seen = folder / "killed", folder / f"seen_{worker}"
        self.is_victim = worker == 0

    def on_epoch_end(self, epoch, row, model):
        with open(self.seen, "a") as file:
            file.write(f"{epoch}\n")
        if self.is_victim and epoch == 1 and not self.once.exists():
            self.once.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def exchange_for_ever(strategy):
    """Tell the others a number, again and again."""
    workers = Workers(strategy, worker_models.build_with_dropout()[0])
    workers.of_chief(1.0)
    print("exchanged", flush=True)
    while True:
        workers.of_chief(1.0)


def main(folder, *tasks):
    strategy = join_workers()
    folder, worker = Path(folder), json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    with strategy.scope():
        for task in tasks:
            if task == "equal_rows":
                weights = worker_models.train_on_equal_rows(20, batch_size=2)
                np.savez(folder / f"{task}_{worker}.npz", weights=weights)
                continue
            if task == "exchange":
                exchange_for_ever(strategy)
            if task in worker_models.CASES:
                model, history = worker_models.train(task)
            else:
                model, data = worker_models.build_with_dropout()
                callbacks = [Killer(folder, worker)] if task == "killed" else [Callback()]
                history = worker_models.train_with_dropout(
                    model,
                    data,
                    callbacks=callbacks,
                    checkpoint=folder / f"{task}.checkpoint",
                    checkpoint_steps=3,
                )
            np.savez(folder / f"{task}_{worker}.npz", **worker_models.state_of(model, history))
    print("all trained")


if __name__ == "__main__":
    main(*sys.argv[1:])
