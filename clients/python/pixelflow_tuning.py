"""Tuning: a recipe is changed while its picture is shown, as with a slider."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pixelflow_client import Client, pb, recipe_value


@dataclass
class Preview:
    """The picture as it will be, and which change it answers."""

    about: pb.TunePreview
    data: bytearray = field(default_factory=bytearray)


Heard = Preview | pb.TuneOpened | pb.TuneRefused | pb.TuneApplied | pb.TuneRestored


class Tuning:
    """One picture being tuned. Changes may be said at any rate and from any thread: the newest wins.
    Iterating tells what is heard; it ends after `finish`, once the newest change has been answered."""

    def __init__(self, client: Client, image: str, recipe: str | dict) -> None:
        self._said: queue.SimpleQueue[pb.TuneRequest | None] = queue.SimpleQueue()
        self._said.put(pb.TuneRequest(open=pb.TuneOpen(image=image, recipe=recipe_value(recipe))))
        self._call = client.stub.Tune(iter(self._said.get, None), metadata=client.metadata)
        self.sequence = 0

    def set(self, values: Mapping[str, Any]) -> int:
        """Gives parameters new values by their places, such as {"steps[0].sigma": 3}; the change's number."""
        change = pb.TuneChange(sequence=self._next())
        change.set.update(values)
        self._said.put(pb.TuneRequest(change=change))
        return self.sequence

    def replace(self, recipe: str | dict) -> int:
        """Puts another recipe in the place of the one so far; the change's number."""
        change = pb.TuneChange(sequence=self._next(), recipe=recipe_value(recipe))
        self._said.put(pb.TuneRequest(change=change))
        return self.sequence

    def apply(self) -> None:
        """Makes a task of the recipe as it is, without changes that were refused; `TuneApplied` names it."""
        self._said.put(pb.TuneRequest(apply=pb.TuneApply()))

    def finish(self) -> None:
        """Says that nothing more will be said."""
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
