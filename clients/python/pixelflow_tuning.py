"""Tuning sessions: change a recipe and receive live previews."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pixelflow_client import Client, pb, recipe_value


@dataclass
class Preview:
    """A preview and its bytes. `about.sequence` is the number of the change that it shows."""

    about: pb.TunePreview
    data: bytearray = field(default_factory=bytearray)


Heard = Preview | pb.TuneOpened | pb.TuneRefused | pb.TuneApplied | pb.TuneRestored


class Tuning:
    """A session that previews changes of a recipe on one image. Changes may be sent at any rate and from any thread;
    the server may skip all but the newest one. Iterate to receive messages. The iteration ends after `finish`, once
    the server has answered the newest change."""

    def __init__(self, client: Client, image: str, recipe: str | dict) -> None:
        self._said: queue.SimpleQueue[pb.TuneRequest | None] = queue.SimpleQueue()
        self._said.put(pb.TuneRequest(open=pb.TuneOpen(image=image, recipe=recipe_value(recipe))))
        self._call = client.stub.Tune(iter(self._said.get, None), metadata=client.metadata)
        self.sequence = 0

    def set(self, values: Mapping[str, Any]) -> int:
        """Sends new values by parameter path, such as {"steps[0].sigma": 3}. Returns the number of the change."""
        change = pb.TuneChange(sequence=self._next())
        change.set.update(values)
        self._said.put(pb.TuneRequest(change=change))
        return self.sequence

    def replace(self, recipe: str | dict) -> int:
        """Sends a new recipe. Returns the number of the change."""
        change = pb.TuneChange(sequence=self._next(), recipe=recipe_value(recipe))
        self._said.put(pb.TuneRequest(change=change))
        return self.sequence

    def apply(self) -> None:
        """Creates a task with the current recipe, which excludes refused changes. `TuneApplied` has the task."""
        self._said.put(pb.TuneRequest(apply=pb.TuneApply()))

    def finish(self) -> None:
        """Closes the sending side. The server still answers the newest change."""
        self._said.put(None)

    def __iter__(self) -> Iterator[Heard]:
        preview: Preview | None = None
        for answer in self._call:
            kind = answer.WhichOneof("data")
            if kind == "preview":
                preview = Preview(answer.preview)
            elif kind == "chunk":
                preview.data += answer.chunk
                if len(preview.data) == preview.about.bytes:
                    yield preview
            else:
                yield getattr(answer, kind)

    def __enter__(self) -> Tuning:
        return self

    def __exit__(self, *_: object) -> None:
        self._call.cancel()
        self.finish()

    def _next(self) -> int:
        self.sequence += 1
        return self.sequence
