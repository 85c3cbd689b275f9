"""Generates code from the contract: python generate.py [folder]. The default folder is gen/ next to this file."""

import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
PROTO = HERE.parents[1] / "proto"


def generate(target: Path) -> None:
    """Generates the messages, types and stubs of pixelflow.v1 in `target`."""
    target.mkdir(parents=True, exist_ok=True)
    code = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTO}",
            f"--proto_path={PROTO / 'vendor'}",
            f"--proto_path={files('grpc_tools') / '_proto'}",
            f"--python_out={target}",
            f"--pyi_out={target}",
            f"--grpc_python_out={target}",
            "pixelflow/v1/image.proto",
        ]
    )
    if code != 0:
        sys.exit(f"protoc failed with exit code {code}. Correct the errors that it has printed.")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "gen")
