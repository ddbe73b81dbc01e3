"""Kernels for nbval that begin where TensorFlow is imported already: five seconds less for each.

``make test`` passes ``--warm-kernels``; ``chosen_tests`` then calls ``install``. Each of
pytest's workers starts one process (``warm_process``) with its first notebook, and that
process forks a kernel for each. Builds start cold kernels, as readers do: what a lesson forgets to
import or to set shows there.

Where it cannot be done (another system than Linux, another kind of kernel, a process that ended or
refuses) a kernel starts cold.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

NAME = "recsys-warm"
SCRIPT = Path(__file__).with_name("warm_process.py")
LAUNCHER = ["-m", "ipykernel_launcher"]


class WarmProcess:
    """The process that forks, seen from the one that asks it for kernels."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def fork(self, argv, cwd, env):
        """Return a `ForkedKernel`, or nothing where the process does not give one."""
        request = json.dumps({"argv": argv, "cwd": str(cwd), "env": env})
        try:
            self._process.stdin.write(f"{request}\n")
            self._process.stdin.flush()
            reply = json.loads(self._process.stdout.readline() or "{}")
        except (BrokenPipeError, ValueError):
            return None
        return ForkedKernel(reply["pid"]) if "pid" in reply else None

    def close(self):
        """End the process, and with it the kernels that still run."""
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ForkedKernel:
    """A kernel that is another process's child, with what jupyter_client asks of a ``Popen``."""

    stdin = stdout = stderr = None

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None
        try:
            self._descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self.returncode = 0

    def poll(self):
        """Return None while the kernel runs, then 0: how it ended only its parent knows."""
        if self.returncode is None and select.select([self._descriptor], [], [], 0)[0]:
            os.close(self._descriptor)
            self.returncode = 0
        return self.returncode

    def wait(self):
        """Wait until the kernel has ended."""
        if self.returncode is None:
            select.select([self._descriptor], [], [])
        return self.poll()

    def send_signal(self, signum):
        """Send a signal to the kernel while it runs."""
        with contextlib.suppress(ProcessLookupError):
            if self.poll() is None:
                signal.pidfd_send_signal(self._descriptor, signum)


class WarmProvisioner(LocalProvisioner):
    """Starts kernels by a fork where that can be done, otherwise as usual."""

    warm_process = None

    async def launch_kernel(self, cmd, **kwargs):
        """Start the kernel; the arguments are those of `LocalProvisioner`."""
        ours = cmd[0] == sys.executable and LAUNCHER == cmd[1:3]
        forked = None
        if ours:
            cls = WarmProvisioner
            if cls.warm_process is None:
                cls.warm_process = WarmProcess()
            cwd = kwargs.get("cwd") or Path.cwd()
            forked = cls.warm_process.fork(cmd[3:], cwd, dict(kwargs.get("env") or os.environ))
        if forked is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid, self.cwd = forked, forked.pid, forked.pid, cwd
        return self.connection_info


def install():
    """Let nbval's kernels be forks from now on; does nothing but on Linux."""
    from nbval import kernel

    if not sys.platform.startswith("linux"):
        return
    group = KernelProvisionerFactory.GROUP_NAME
    entry = EntryPoint(NAME, "bookmaker.building.warm_kernels:WarmProvisioner", group)
    KernelProvisionerFactory.provisioners[NAME] = entry
    plain = kernel.NbvalKernelspecManager

    class WarmSpecs(plain):
        def get_kernel_spec(self, kernel_name):
            spec = super().get_kernel_spec(kernel_name)
            spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": NAME}}
            return spec

    kernel.NbvalKernelspecManager = WarmSpecs


def close():
    """End the warm process of this process, if there is one."""
    if WarmProvisioner.warm_process is not None:
        WarmProvisioner.warm_process.close()
        WarmProvisioner.warm_process = None
