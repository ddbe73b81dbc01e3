"""A clone of the book in a git repository of its own, opened as a reader opens it."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import lab

from bookmaker import PACKAGES

COPIED = ("chapters", "data", "experiments", *PACKAGES)
FILES = (".gitignore", "constraints.txt", "pyproject.toml", "requirements.txt")


class Clone:
    """The book's files in a folder with spaces and foreign letters, committed."""

    def __init__(self, folder):
        self.folder = Path(folder) / "Ein Bücherregal, mit Lücken"
        left_out = shutil.ignore_patterns(".*", "__pycache__", "cache")
        for name in COPIED:
            shutil.copytree(lab.ROOT / name, self.folder / name, ignore=left_out)
        for name in FILES:
            shutil.copy(lab.ROOT / name, self.folder / name)
        who = ["-c", "user.name=x", "-c", "user.email=x@x"]
        for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "x"]):
            subprocess.run(["git", *command], cwd=self.folder, check=True)

    def changes(self):
        """What git would show a reader before a pull: nothing, if all is well."""
        shown = ["git", "status", "--porcelain", "--untracked-files=all"]
        return subprocess.run(
            shown, cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout


@contextlib.contextmanager
def serve(clone, folder):
    """Serve a clone by the command for readers, with a Jupyter that has never been used.

    Yields:
        Address of the server.
    """
    port = lab.free_port()
    left_out = ("RECSYS_PROGRESS", "RECSYS_KEEP_PROGRESS", "JUPYTER_CONFIG_PATH")
    environment = {k: v for k, v in os.environ.items() if k not in left_out}
    environment |= {
        "PYTHONPATH": str(clone.folder),
        "RECSYS_PROGRESS_FILE": str(folder / "progress.json"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        environment[f"JUPYTER_{name}"] = str(folder / name.lower())
    command = [sys.executable, "-m", "recsys_book", "lab", "--no-browser", f"--port={port}"]
    command += ["--IdentityProvider.token=", "--expose-app-in-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0"]
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(
            command, cwd=clone.folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            lab.wait_until_up(f"http://127.0.0.1:{port}/api", server, folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
