"""Start JupyterLab on the work copies, without questions, with published notebooks read-only.

The reader's own JupyterLab is not changed: the options are given on the command line, and default
settings and the kernel's command are in files in ``work/.jupyter``, which only this server reads.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from recsys_book.base.paths import write_atomically
from recsys_book.reader.work_copies import FOLDER, START_PAGE

CONFIG = ".jupyter"
ARGUMENTS_VARIABLE = "RECSYS_LAB_ARGS"
"""The variable with what a machine's JupyterLab needs, as the container's: an address, root."""
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    # A lesson's kernel holds about a gigabyte. And as JupyterLab comes it guesses the heights of
    # cells that are out of sight, so that a link to a place far below in a lesson misses it; with
    # "defer" it draws them a second after the first, and until then such a link leads nowhere.
    "@jupyterlab/notebook-extension:tracker": {"kernelShutdown": True, "windowingMode": "none"},
}


def command(root: Path) -> list[str]:
    """The command that serves the book.

    Args:
        root: the folder of the book, which contains ``work/``.
    """
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.contents_manager_class=recsys_book.reader.lab_contents.BookContents",
        f"--LabApp.default_url=/lab/tree/{FOLDER}/{START_PAGE}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        # Seconds; a kernel whose notebook is open in a browser stays.
        "--MappingKernelManager.cull_idle_timeout=3600",
    ]


def environment(root: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables of the server: those inherited, and the folder of its settings and kernel.

    Args:
        root: the folder of the book.
        inherited: variables, as in ``os.environ``.
    """
    own, variables = str(Path(root) / FOLDER / CONFIG), dict(inherited)
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):
        variables[name] = os.pathsep.join(filter(None, [own, inherited.get(name, "")]))
    return variables


def write_settings(root: Path) -> None:
    """Write the default settings and the kernel of the book's JupyterLab.

    The reader's settings override the settings. The kernel is this environment's Python, and loads
    ``recsys_book.reader.missing_names``.

    Args:
        root: the folder of the book.
    """
    from ipykernel.kernelspec import get_kernel_dict

    kernel = get_kernel_dict(["--IPKernelApp.extra_extensions=recsys_book.reader.missing_names"])
    for name, content in (
        ("labconfig/default_setting_overrides.json", _SETTINGS),
        ("kernels/python3/kernel.json", kernel),
    ):
        path = Path(root) / FOLDER / CONFIG / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(content, indent=1) + "\n")


def start(root: Path, arguments: Sequence[str]) -> int:
    """Serve the book until the reader ends it.

    Args:
        root: the folder of the book.
        arguments: further ones for JupyterLab, such as ``--no-browser``.

    Returns:
        The server's exit status. If there is `os.execve`, this process becomes the server.
    """
    write_settings(root)
    return serve([*command(root), *arguments], root, environment(root, os.environ))


def serve(words: Sequence[str], folder: Path, variables: Mapping[str, str]) -> int:
    """Run a command of JupyterLab in a folder, with what this machine asks of all of them.

    Args:
        words: the command.
        folder: where it starts.
        variables: its environment; `ARGUMENTS_VARIABLE` holds further arguments.

    Returns:
        Its exit status. If there is `os.execve`, this process becomes the server.
    """
    # What was typed comes last, and so counts.
    words = [*words[:3], *shlex.split(variables.get(ARGUMENTS_VARIABLE, "")), *words[3:]]
    if os.name == "posix":
        os.chdir(folder)
        os.execve(words[0], words, dict(variables))
    return subprocess.call(words, cwd=folder, env=dict(variables))
