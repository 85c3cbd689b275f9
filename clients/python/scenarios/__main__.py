"""Runs the scenarios against a server and prints one line of JSON per scenario: python -m scenarios --help"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from pathlib import Path

from pixelflow_client import Tls, connect

from .bench import Bench, Caller, only_with_certificates, scenarios

# Each module registers its scenarios on import, so the imports have the order of scenarios.md.
from . import images, tasks, live, downloads, callers, keys, server  # noqa: E402, F401, I001  isort: skip


def main() -> int:
    options = arguments()
    if options.list:
        print("\n".join(scenarios))
        return 0
    bench = plain_bench(options) if options.certs is None else encrypted_bench(options)
    failures = 0
    for name, run in scenarios.items():
        if options.only and name not in options.only:
            continue
        if name in only_with_certificates and not bench.encrypted:
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


def plain_bench(options: argparse.Namespace) -> Bench:
    """Callers authenticate with tokens and share one channel."""
    channel = connect(f"dns:///{options.address}")
    return Bench(
        address=options.address,
        http=options.http,
        ann=Caller(channel, options.token),
        bob=Caller(channel, options.other_token),
        public_caller=Caller(channel),
        unauthenticated=Caller(channel),
        stranger=None,
        photo=options.photo,
    )


def encrypted_bench(options: argparse.Namespace) -> Bench:
    """Callers authenticate with client certificates, so each account has its own channel."""
    target, certs, untrusted = f"dns:///{options.address}", options.certs, options.untrusted
    known = [of_client(certs, options.ann), of_client(certs, options.bob), Tls(certs / "ca.crt")]
    ann, bob, unauthenticated = (Caller(connect(target, tls), tls=tls) for tls in known)
    return Bench(
        address=options.address,
        http=options.http,
        ann=ann,
        bob=bob,
        public_caller=ann,
        unauthenticated=unauthenticated,
        stranger=of_client(untrusted, options.ann),
        photo=options.photo,
    )


def of_client(folder: Path, name: str) -> Tls:
    """Returns the files that `./pixelflow certs --client name` writes to a folder."""
    own = folder / "clients" / name
    return Tls(folder / "ca.crt", own.with_suffix(".crt"), own.with_suffix(".key"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scenarios", description=__doc__.split(":")[0])
    parser.add_argument("--list", action="store_true", help="only say which there are")
    parser.add_argument("--address", default="127.0.0.1:50051", help="host and port of the gRPC port")
    parser.add_argument("--http", default="http://127.0.0.1:3000", help="address of the HTTP port")
    parser.add_argument("--token", help="token of one account")
    parser.add_argument("--other-token", help="token of another account")
    parser.add_argument("--photo", type=Path, help="a JPEG of 640×480 pixels")
    parser.add_argument("--certs", type=Path, help="folder made by ./pixelflow certs; instead of the tokens")
    parser.add_argument("--untrusted", type=Path, help="a folder of certificates from a CA that the server does not trust")
    parser.add_argument("--ann", default="ann", help="client of one account in --certs")
    parser.add_argument("--bob", default="bob", help="client of another account in --certs")
    parser.add_argument("--only", nargs="*", help="only these")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
