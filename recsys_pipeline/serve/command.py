"""Serve an exported model: recsys serve FOLDER.

It answers POST /rank, GET /health and GET /metrics. On SIGTERM or Ctrl-C /health says 503 and every
answer closes its connection, requests are still taken for --drain seconds, and then the process
ends once the last one is answered.
"""

import pathlib

from recsys_pipeline.files.command import parser_of


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = parser_of("serve", __doc__)
    parser.add_argument("folder", type=pathlib.Path, help="folder that `recsys export` wrote")
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine alone")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0: any free one")
    parser.add_argument("--engine", choices=("onnx", "tensorflow"), default="onnx")
    parser.add_argument("--threads", type=int, default=1, help="most threads for one request")
    parser.add_argument(
        "--max-candidates", type=int, default=10_000, metavar="N", help="default: 10000"
    )
    parser.add_argument(
        "--max-body", type=int, default=2 * 2**20, metavar="BYTES", help="default: 2 MiB"
    )
    parser.add_argument(
        "--receive-timeout",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="in which the head of a request arrives, and then its body; default: 10",
    )
    parser.add_argument(
        "--drain",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="for which requests are taken after the signal; default: 2",
    )
    parser.add_argument(
        "--log",
        metavar="FILE",
        help="append every answered request with its scores, for `recsys verify --log`",
    )
    given = parser.parse_args(arguments)
    from recsys_pipeline.serve.server import serve

    serve(**vars(given))
    return 0
