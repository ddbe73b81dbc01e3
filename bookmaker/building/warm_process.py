"""A process that has imported the heavy packages once, and forks a kernel from itself each time.

A cold kernel spends about five seconds on importing TensorFlow. This process imports it and
executes nothing, so that it has a single thread and no state that a fork could tear apart; it
refuses to fork otherwise. What a package decides when it is imported inside a kernel (widgets,
progress bars, the backend of figures) is left to the kernel.

    python bookmaker/building/warm_process.py < requests > replies    (a JSON line for a JSON line)

A request is ``{"argv", "cwd", "env"}``, what a kernel's process would be started with; the reply
is ``{"pid"}`` or ``{"refused"}``. Without further requests the process ends, and with it its
kernels. It is run as a script, so that it finds modules where a kernel would find them.
"""

import builtins
import gc
import json
import logging
import os
import signal
import sys
import types

HEAVY = (
    "recsys_lib",  # sets TensorFlow's environment before it is imported
    "tensorflow",
    "keras",
    "numpy",
    "pandas",
    "scipy.stats",
    "sklearn.metrics",
    "matplotlib.pyplot",
    "ipykernel.kernelapp",
)
# These look for the kernel's shell while they are imported.
IN_THE_KERNEL = ("ipywidgets", "tqdm.auto", "matplotlib_inline.backend_inline")
FIGURES = "module://matplotlib_inline.backend_inline"  # what a kernel sets before its first cell


def serve(requests, replies):
    """Import, then answer each request by a kernel of its own."""
    # One thread: those of a BLAS library and of Arrow's allocator would not live in a fork.
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    os.environ["MPLBACKEND"] = FIGURES
    # By this name pandas asks, while it is imported, whether it is in a kernel or in a terminal.
    builtins.get_ipython = lambda: types.SimpleNamespace(kernel=True)
    for module in HEAVY:
        __import__(module)
    del builtins.get_ipython
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a kernel that has ended
    gc.freeze()  # kernels need not look through, and so copy, what all of them share
    for line in requests:
        refused = _why_not()
        if refused:
            reply = {"refused": refused}
        else:
            pid = os.fork()
            if pid == 0:
                _become_kernel(**json.loads(line))
            reply = {"pid": pid}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def _why_not():
    """Why a fork of this process would not be a sound kernel, or nothing."""
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        return f"{threads} threads, expected 1"
    early = [module for module in IN_THE_KERNEL if module in sys.modules]
    return f"{early[0]} is imported without a kernel" if early else ""


def _become_kernel(argv, cwd, env):
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.close(null)
        os.chdir(cwd)
        os.environ.clear()
        # A kernel ends when its parent is another than this.
        os.environ.update(env, JPY_PARENT_PID=str(os.getppid()))
        os.environ.setdefault("MPLBACKEND", FIGURES)

        import numpy as np
        from ipykernel.kernelapp import IPKernelApp
        from tensorflow.python.platform import tf_logging

        # Made anew on its next use, it writes to what is then standard output, as in a kernel.
        logging.getLogger("tensorflow").handlers.clear()
        tf_logging._logger = None
        np.random.seed()  # noqa: NPY002  kernels do not share one stream
        sys.argv = ["ipykernel_launcher", *argv]
        IPKernelApp.launch_instance(argv)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    del sys.path[0]
    serve(sys.stdin, os.fdopen(os.dup(1), "w"))
