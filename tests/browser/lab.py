"""JupyterLab as ``make lab`` starts it, in throwaway folders, and the few moves a reader makes."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

from recsys_book.reader import jupyter_lab

ROOT = pathlib.Path(__file__).parents[2]
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CELL = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell"
KERNEL_STATUS = (
    "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"
)
LAST_COUNT = """() => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets;
    return cells.filter(cell => cell.model.type === 'code').at(-1).model.executionCount;
}"""


def find_chromium():
    """Path of an installed Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def serve(folder):
    """Serve a copy of the chapters, so that nothing a reader does reaches the working tree.

    Yields:
        Address of the start page.
    """
    shutil.copytree(
        ROOT / "chapters",
        folder / "book" / "chapters",
        ignore=shutil.ignore_patterns(".ipynb_checkpoints"),
    )
    port = free_port()
    jupyter_lab.write_settings(folder / "book")
    environment = jupyter_lab.environment(folder / "book", os.environ)
    environment["RECSYS_PROGRESS_FILE"] = str(folder / "progress.json")
    environment.pop("RECSYS_KEEP_PROGRESS", None)
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        environment[f"JUPYTER_{name}"] = str(folder / name.lower())
    environment["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    environment["JUPYTERLAB_WORKSPACES_DIR"] = str(folder / "workspaces")
    environment["JUPYTER_PLATFORM_DIRS"] = "1"
    log = (folder / "server.log").open("w")
    command = [sys.executable, "-m", "jupyter", "lab", "chapters/index.ipynb", "--no-browser"]
    command += [f"--port={port}", "--IdentityProvider.token=", "--expose-app-in-browser"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0", "--allow-root"]
    server = subprocess.Popen(
        command, cwd=folder / "book", env=environment, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        wait_until_up(f"http://127.0.0.1:{port}/api", server, folder / "server.log")
        yield f"http://127.0.0.1:{port}/lab/tree/index.ipynb?reset"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def wait_until_up(address, server, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


def run_all(page, timeout):
    """Clear the notebook in front, run all its cells, and wait until the last one has run."""
    _wait(lambda: page.evaluate(KERNEL_STATUS) == "idle", 90, "the kernel is idle")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    _wait(lambda: page.evaluate(LAST_COUNT) is None, 30, "the outputs are cleared")
    # Returning the command's promise would wait for it, and it may never settle.
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    _wait(lambda: page.evaluate(LAST_COUNT) is not None, timeout, "the last cell has run")
    _wait(lambda: page.evaluate(KERNEL_STATUS) == "idle", 60, "the kernel is idle again")


def run_cell(page, cell, source):
    """Replace the source of a cell, run it, and return the text of its output."""
    editor = cell.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+a")
    # Inserted as one piece: typing would trigger automatic indentation and closing brackets.
    page.keyboard.insert_text(source)
    before = cell.locator(".jp-InputPrompt").inner_text()
    page.keyboard.press("Control+Enter")
    prompt = cell.locator(".jp-InputPrompt")
    _wait(
        lambda: prompt.inner_text() != before and prompt.inner_text().strip("[]: ").isdigit(),
        30,
        "the cell has run",
    )
    output = cell.locator(".jp-OutputArea-output")
    _wait(lambda: output.count() > 0 and output.first.inner_text().strip(), 10, "output")
    return output.first.inner_text()


def _wait(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.2)
    raise TimeoutError(f"after {seconds} s not yet: {what}")
