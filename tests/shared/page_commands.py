"""What tests need that run the commands of a page as they stand there."""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def blocks_of(page, *languages):
    """The blocks of a page that name one of the languages, as pairs of language and text."""
    pattern = rf"^```({'|'.join(languages)})\n(.*?)^```$"
    return re.findall(pattern, page, flags=re.DOTALL | re.MULTILINE)


def commands(text):
    """The commands of a block; a quoted text may go over several lines, and so may a command."""
    found = [""]
    for line in text.replace("\\\n", " ").splitlines():
        found[-1] += line + "\n"
        try:
            shlex.split(found[-1])
        except ValueError:  # a quotation that is still open
            continue
        found.append("")
    return [shlex.split(command) for command in found if command.strip()]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def here(words):
    """A command of a page as this Python and this checkout run it."""
    own = {"python": [sys.executable], "recsys": [sys.executable, "-m", "recsys_pipeline"]}
    return [*own.get(words[0], words[:1]), *words[1:]]


def run(words, folder):
    """What a command prints, with this Python where it says ``python`` or ``recsys``."""
    words = here(words)
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def start_service(words, folder, port):
    """The process of ``recsys serve``, once it answers."""
    command = [*here(words), "--drain", "0"]
    service = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT)
    for _ in range(600):
        try:
            assert urllib.request.urlopen(f"http://127.0.0.1:{port}/health").status == 200
            return service
        except OSError:
            time.sleep(0.1)
    service.kill()
    raise AssertionError(f"{words} does not answer")
