"""Importing the library prepares TensorFlow's environment, and does nothing else."""

import os
import subprocess
import sys

CLEAN = {
    key: value
    for key, value in os.environ.items()
    if key not in ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND")
}


def run(code, folder=None, **environment):
    finished = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**CLEAN, **environment},
    )
    assert finished.returncode == 0, finished.stderr
    return finished


SHOW = """
import os, sys
import recsys_lib
print(os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["TF_ENABLE_ONEDNN_OPTS"],
      os.environ["KERAS_BACKEND"], "tensorflow" in sys.modules, "keras" in sys.modules)
"""


def test_import_sets_the_environment_and_loads_no_tensorflow():
    assert run(SHOW).stdout == "3 0 tensorflow False False\n"


def test_what_the_reader_set_stays():
    assert run(SHOW, TF_CPP_MIN_LOG_LEVEL="0").stdout.startswith("0 0 tensorflow")


def test_tensorflow_starts_without_a_word():
    finished = run("import recsys_lib, keras, tensorflow; tensorflow.zeros(1)")
    assert (finished.stdout, finished.stderr) == ("", "")


def test_the_plain_wheel_is_silenced_while_it_loads_and_not_after(tmp_path):
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text(
        'import os\nos.write(2, b"start-up line\\n")\nzeros = 0\n'
    )
    metadata = tmp_path / "tensorflow-2.21.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.21.0\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import os\n"
        "{library}\n"
        "import tensorflow\n"
        "assert tensorflow.zeros == 0 and tensorflow.__spec__.name == 'tensorflow'\n"
        "os.write(2, b'later line\\n')\n"
    )
    assert run(code.replace("{library}", "import recsys_lib")).stderr == "later line\n"
    assert run(code.replace("{library}", "")).stderr == "start-up line\nlater line\n"
