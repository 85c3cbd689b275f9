"""Uploads an image, processes it with progress output, and saves the results.

python example.py photo.jpg resize:800/format:webp -o small
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import grpc

from pixelflow_client import Client, Tls, connect, explain, pb


def main() -> int:
    options = arguments()
    tls = Tls(options.ca, options.cert, options.key) if options.ca else None
    with connect(options.target, tls) as channel:
        client = Client(channel, os.environ.get("PIXELFLOW_TOKEN"))
        try:
            image = client.upload(options.picture)
            print(f"uploaded {image.format} {image.width}×{image.height}, {image.bytes:,} bytes: {image.id}")
            for result in client.process(image.id, options.recipe, tell):
                about = result.output
                path = options.output.with_name(f"{options.output.name}-{about.name}.{about.format}")
                path.write_bytes(result.data)
                print(f"{path}: {about.width}×{about.height}, {about.bytes:,} bytes")
        except grpc.RpcError as error:
            print(explain(error), file=sys.stderr)
            return 1
    return 0


def tell(event: pb.TaskEvent) -> None:
    what = pb.TaskEventKind.Name(event.kind).removeprefix("TASK_EVENT_KIND_").lower()
    print(f"{event.task.progress:5.1f} %  {what} {event.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("recipe", help="in the short text form, such as resize:800/format:webp")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("out"), help="beginning of the results' names"
    )
    parser.add_argument(
        "--target", default="dns:///127.0.0.1:50051", help="the gateways (default: %(default)s)"
    )
    parser.add_argument("--ca", type=Path, help="certificate of the authority to trust; switches TLS on")
    parser.add_argument("--cert", type=Path, help="own certificate")
    parser.add_argument("--key", type=Path, help="key of the own certificate")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
