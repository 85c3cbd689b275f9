"""Tuning sessions: change a recipe and receive live previews."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pixelflow_client import Client, pb, recipe_value


@dataclass
class Preview:
    """A preview and its bytes. `description.sequence` is the number of the change that it shows."""

    description: pb.TunePreview
    data: bytearray = field(default_factory=bytearray)


TuneMessage = Preview | pb.TuneOpened | pb.TuneRefused | pb.TuneApplied | pb.TuneRestored


class Tuning:
    """A session that previews changes of a recipe on one image. Changes may be sent at any rate and from any thread;
    the server may skip all but the newest one. Iterate to receive messages. The iteration ends after `finish` is called
    and the server has answered the newest change."""

    def __init__(self, client: Client, image: str, recipe: str | dict) -> None:
        self._requests: queue.SimpleQueue[pb.TuneRequest | None] = queue.SimpleQueue()
        self._requests.put(pb.TuneRequest(open=pb.TuneOpen(image=image, recipe=recipe_value(recipe))))
        self._call = client.stub.Tune(iter(self._requests.get, None), metadata=client.metadata)
        self.sequence = 0

    def set(self, values: Mapping[str, Any]) -> int:
        """Sends new values by parameter path, such as {"steps[0].sigma": 3}. Returns the number of the change."""
        change = pb.TuneChange(sequence=self._next_sequence())
        change.set.update(values)
        self._requests.put(pb.TuneRequest(change=change))
        return self.sequence

    def replace(self, recipe: str | dict) -> int:
        """Sends a new recipe. Returns the number of the change."""
        change = pb.TuneChange(sequence=self._next_sequence(), recipe=recipe_value(recipe))
        self._requests.put(pb.TuneRequest(change=change))
        return self.sequence

    def apply(self) -> None:
        """Creates a task with the current recipe, which excludes refused changes. `TuneApplied` has the task."""
        self._requests.put(pb.TuneRequest(apply=pb.TuneApply()))

    def finish(self) -> None:
        """Closes the sending side. The server still answers the newest change."""
        self._requests.put(None)

    def __iter__(self) -> Iterator[TuneMessage]:
        preview: Preview | None = None
        for response in self._call:
            field_name = response.WhichOneof("data")
            if field_name == "preview":
                preview = Preview(response.preview)
            elif field_name == "chunk":
                preview.data += response.chunk
                if len(preview.data) == preview.description.bytes:
                    yield preview
            else:
                yield getattr(response, field_name)

    def __enter__(self) -> Tuning:
        return self

    def __exit__(self, *_: object) -> None:
        self._call.cancel()
        self.finish()

    def _next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence
