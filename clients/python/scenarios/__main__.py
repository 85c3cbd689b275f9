"""Runs the scenarios against a server, a line of JSON for each: python -m scenarios --help"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from pathlib import Path

from pixelflow_client import Tls, connect

from .bench import Bench, Caller, scenarios

# They register their scenarios, in the order of the document.
from . import images, tasks, downloads, callers, server  # noqa: E402, F401, I001  isort: skip


def main() -> int:
    options = arguments()
    if options.list:
        print("\n".join(scenarios))
        return 0
    tls = Tls(options.ca, options.cert, options.key) if options.ca else None
    channel = connect(f"dns:///{options.address}", tls)
    bench = Bench(
        address=options.address,
        http=options.http,
        tls=tls,
        ann=Caller(channel, options.token),
        bob=Caller(channel, options.other_token),
        nobody=Caller(channel, None),
        photo=options.photo,
    )
    failures = 0
    for name, run in scenarios.items():
        if options.only and name not in options.only:
            continue
        began = time.monotonic()
        report = {"scenario": name, "ok": True}
        try:
            run(bench)
        except Exception:
            failures += 1
            report |= {"ok": False, "why": traceback.format_exc(limit=-4)}
        print(json.dumps(report | {"ms": round((time.monotonic() - began) * 1000)}), flush=True)
    return 1 if failures else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scenarios", description=__doc__.split(":")[0])
    parser.add_argument("--list", action="store_true", help="only say which there are")
    parser.add_argument("--address", default="127.0.0.1:50051", help="host and port of the gRPC port")
    parser.add_argument("--http", default="http://127.0.0.1:3000", help="address of the HTTP port")
    parser.add_argument("--token", help="token of one account")
    parser.add_argument("--other-token", help="token of another account")
    parser.add_argument("--photo", type=Path, help="a JPEG of 640×480 pixels")
    parser.add_argument("--ca", type=Path, help="certificate of the authority to trust; switches TLS on")
    parser.add_argument("--cert", type=Path, help="own certificate")
    parser.add_argument("--key", type=Path, help="key of the own certificate")
    parser.add_argument("--only", nargs="*", help="only these")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
