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
    options = arguments()
    with connect(options.target) as channel:
        client = Client(channel, os.environ.get("PIXELFLOW_TOKEN"))
        try:
            image = client.upload(options.picture)
            with Tuning(client, image.id, options.recipe) as tuning:
                # A second thread reads changes from stdin; this one reads messages from the server.
                threading.Thread(target=read, args=(tuning,), daemon=True).start()
                task = show(tuning, options.output)
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


def read(tuning: Tuning) -> None:
    for line in sys.stdin:
        place, _, value = line.strip().partition("=")
        try:
            tuning.set({place: json.loads(value)})
        except ValueError:
            print(f"{value!r} is no number, text in quotes, true, false or null", file=sys.stderr)
    tuning.apply()
    tuning.finish()


def show(tuning: Tuning, path: Path) -> pb.Task:
    """Writes each preview to a file. Returns the task that was created last."""
    task = pb.Task()
    for heard in tuning:
        match heard:
            case Preview(about, data):
                path.write_bytes(data)
                print(f"{path}: change {about.sequence}, {about.width}×{about.height}, {about.ms:.0f} ms")
            case pb.TuneRefused():
                print(heard.fault.detail, heard.fault.remedy)
            case pb.TuneApplied():
                task = heard.task
    return task


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("recipe", help="to begin with, in the short text form, such as blur:2")
    parser.add_argument("-o", "--output", type=Path, default=Path("preview.jpg"), help="file of the preview")
    parser.add_argument(
        "--target", default="dns:///127.0.0.1:50051", help="the gateways (default: %(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
