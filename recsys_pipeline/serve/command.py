"""Serve an exported model: recsys serve FOLDER

It answers POST /rank, GET /health and GET /metrics. On SIGTERM or Ctrl-C /health says 503 and every
answer closes its connection, requests are still taken for --drain seconds, and then the process
ends once the last one is answered.
"""

import argparse
import pathlib
import sys


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="recsys serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=pathlib.Path, help="folder that `recsys export` wrote")
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine alone")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0: any free one")
    parser.add_argument("--engine", choices=("onnx", "tensorflow"), default="onnx")
    parser.add_argument("--threads", type=int, default=1, help="most threads for one request")
    parser.add_argument("--max-candidates", type=int, default=10_000, metavar="N")
    parser.add_argument("--drain", type=float, default=2.0, metavar="SECONDS")
    given = parser.parse_args(arguments)
    try:
        from recsys_pipeline.serve.server import serve
    except ModuleNotFoundError as error:
        print(f"{error}: pip install recsys-lib[serve]", file=sys.stderr)
        return 1
    try:
        serve(
            given.folder,
            given.host,
            given.port,
            drain=given.drain,
            engine=given.engine,
            threads=given.threads,
            max_candidates=given.max_candidates,
        )
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0
