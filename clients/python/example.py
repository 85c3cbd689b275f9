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
    options = parse_arguments()
    tls = Tls(options.ca, options.cert, options.key) if options.ca else None
    with connect(options.target, tls) as channel:
        client = Client(channel, os.environ.get("PIXELFLOW_TOKEN"))
        try:
            image = client.upload(options.image)
            print(f"uploaded {image.format} {image.width}×{image.height}, {image.bytes:,} bytes: {image.id}")
            for result in client.process(image.id, options.recipe, print_event):
                output = result.output
                path = options.output.with_name(f"{options.output.name}-{output.name}.{output.format}")
                path.write_bytes(result.data)
                print(f"{path}: {output.width}×{output.height}, {output.bytes:,} bytes")
        except grpc.RpcError as error:
            print(explain(error), file=sys.stderr)
            return 1
    return 0


def print_event(event: pb.TaskEvent) -> None:
    kind = pb.TaskEventKind.Name(event.kind).removeprefix("TASK_EVENT_KIND_").lower()
    print(f"{event.task.progress:5.1f} %  {kind} {event.output}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("image", type=Path, help="image file")
    parser.add_argument("recipe", help="recipe in text form, such as resize:800/format:webp")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("out"), help="prefix of the result files"
    )
    parser.add_argument(
        "--target", default="dns:///127.0.0.1:50051", help="gRPC target of the gateways (default: %(default)s)"
    )
    parser.add_argument("--ca", type=Path, help="file with the certificate of the authority to trust; enables TLS")
    parser.add_argument("--cert", type=Path, help="file with the client certificate")
    parser.add_argument("--key", type=Path, help="file with the key of the client certificate")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
