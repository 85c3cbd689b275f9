"""Tunes a recipe with changes from stdin, such as steps[0].sigma=3. Writes previews to a file; applies at end of input.

python example_tune.py photo.jpg blur:2/sharpen
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from pathlib import Path

import grpc

from pixelflow_client import Client, connect, explain, pb
from pixelflow_tuning import Preview, Tuning


def main() -> int:
    options = parse_arguments()
    with connect(options.target) as channel:
        client = Client(channel, os.environ.get("PIXELFLOW_TOKEN"))
        try:
            image = client.upload(options.image)
            with Tuning(client, image.id, options.recipe) as tuning:
                # One thread sends the changes from stdin; this one receives messages from the server.
                threading.Thread(target=send_changes, args=(tuning,), daemon=True).start()
                task = save_previews(tuning, options.output)
            for event in client.watch(task.id):
                task = event.task
            for output in task.outputs:
                path = options.output.with_name(f"{options.output.stem}-{output.name}.{output.format}")
                path.write_bytes(client.download_output(task.id, output.name))
                print(f"{path}: {output.width}×{output.height}, {output.bytes:,} bytes")
        except grpc.RpcError as error:
            print(explain(error), file=sys.stderr)
            return 1
    return 0


def send_changes(tuning: Tuning) -> None:
    """Sends each change in stdin. Applies the recipe at the end of the input."""
    for line in sys.stdin:
        parameter, _, value = line.strip().partition("=")
        try:
            tuning.set({parameter: json.loads(value)})
        except ValueError:
            print(
                f"Invalid value {value!r}. Give a number, a string in quotes, true, false or null.",
                file=sys.stderr,
            )
    tuning.apply()
    tuning.finish()


def save_previews(tuning: Tuning, path: Path) -> pb.Task:
    """Writes each preview to a file. Returns the task that was created last."""
    task = pb.Task()
    for message in tuning:
        match message:
            case Preview(preview, data):
                path.write_bytes(data)
                print(f"{path}: change {preview.sequence}, {preview.width}×{preview.height}, {preview.ms:.0f} ms")
            case pb.TuneRefused():
                print(message.fault.detail, message.fault.remedy)
            case pb.TuneApplied():
                task = message.task
    return task


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("image", type=Path, help="image file")
    parser.add_argument("recipe", help="initial recipe in text form, such as blur:2")
    parser.add_argument("-o", "--output", type=Path, default=Path("preview.jpg"), help="file for the previews")
    parser.add_argument(
        "--target", default="dns:///127.0.0.1:50051", help="gRPC target of the gateways (default: %(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
