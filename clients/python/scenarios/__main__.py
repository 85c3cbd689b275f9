"""Runs the scenarios against a server and prints one line of JSON per scenario: python -m scenarios --help"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from pathlib import Path

from pixelflow_client import Tls, connect

from .fixture import Caller, Fixture, only_with_tls, scenarios

# Each module registers its scenarios on import, so the imports have the order of scenarios.md.
from . import images, tasks, live, downloads, callers, keys, server  # noqa: E402, F401, I001  isort: skip


def main() -> int:
    options = parse_arguments()
    if options.list:
        print("\n".join(scenarios))
        return 0
    fixture = token_fixture(options) if options.certs is None else tls_fixture(options)
    failures = 0
    for name, run in scenarios.items():
        if options.only and name not in options.only:
            continue
        if name in only_with_tls and not fixture.uses_tls:
            continue
        start = time.monotonic()
        report = {"scenario": name, "ok": True}
        try:
            run(fixture)
        except Exception:
            failures += 1
            report |= {"ok": False, "why": traceback.format_exc(limit=-4)}
        print(json.dumps(report | {"ms": round((time.monotonic() - start) * 1000)}), flush=True)
    return 1 if failures else 0


def token_fixture(options: argparse.Namespace) -> Fixture:
    """Callers authenticate with tokens and share one channel."""
    channel = connect(f"dns:///{options.address}")
    return Fixture(
        address=options.address,
        http=options.http,
        ann=Caller(channel, options.token),
        bob=Caller(channel, options.other_token),
        public_caller=Caller(channel),
        unauthenticated=Caller(channel),
        untrusted=None,
        photo=options.photo,
    )


def tls_fixture(options: argparse.Namespace) -> Fixture:
    """Callers authenticate with client certificates, so each account has its own channel."""
    target, certs, untrusted = f"dns:///{options.address}", options.certs, options.untrusted
    files = [client_tls(certs, options.ann), client_tls(certs, options.bob), Tls(certs / "ca.crt")]
    ann, bob, unauthenticated = (Caller(connect(target, tls), tls=tls) for tls in files)
    return Fixture(
        address=options.address,
        http=options.http,
        ann=ann,
        bob=bob,
        public_caller=ann,
        unauthenticated=unauthenticated,
        untrusted=client_tls(untrusted, options.ann),
        photo=options.photo,
    )


def client_tls(folder: Path, name: str) -> Tls:
    """Returns the files that `./pixelflow certs --client name` writes to a folder."""
    client = folder / "clients" / name
    return Tls(folder / "ca.crt", client.with_suffix(".crt"), client.with_suffix(".key"))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scenarios", description=__doc__.split(":")[0])
    parser.add_argument("--list", action="store_true", help="print the names of the scenarios and exit")
    parser.add_argument("--address", default="127.0.0.1:50051", help="host and port of the gRPC port")
    parser.add_argument("--http", default="http://127.0.0.1:3000", help="address of the HTTP port")
    parser.add_argument("--token", help="token of one account")
    parser.add_argument("--other-token", help="token of another account")
    parser.add_argument("--photo", type=Path, help="a JPEG of 640×480 pixels")
    parser.add_argument("--certs", type=Path, help="folder that ./pixelflow certs has created; replaces the tokens")
    parser.add_argument(
        "--untrusted", type=Path, help="folder with certificates of a CA that the server does not trust"
    )
    parser.add_argument("--ann", default="ann", help="client of one account in --certs")
    parser.add_argument("--bob", default="bob", help="client of another account in --certs")
    parser.add_argument("--only", nargs="*", help="run only these scenarios")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
