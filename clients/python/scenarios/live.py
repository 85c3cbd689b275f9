"""Pictures that somebody waits for: tuning."""

from __future__ import annotations

from pixelflow_client import pb
from pixelflow_tuning import Preview, Tuning

from .bench import Bench, refused, scenario, unused_id


def previews(heard: list) -> list[Preview]:
    return [one for one in heard if isinstance(one, Preview)]


@scenario("tune")
def _(bench: Bench) -> None:
    with Tuning(bench.ann.client, bench.image.id, "resize:320/blur:2") as tuning:
        said = iter(tuning)
        opened, first = next(said), next(said)
        assert isinstance(opened, pb.TuneOpened) and (opened.source.width, opened.source.height) == (
            640,
            480,
        ), opened
        assert first.about.sequence == 0 and (first.about.width, first.about.height) == (320, 240), (
            first.about
        )
        assert first.data.startswith(b"\xff\xd8\xff"), first.data[:20]

        bad = tuning.set({"steps[1].sigma": -4})
        refusal = next(one for one in said if isinstance(one, pb.TuneRefused))
        assert (refusal.sequence, refusal.fault.code) == (bad, "invalid_recipe"), refusal
        assert refusal.fault.field == "steps[1].sigma", refusal

        good = tuning.set({"steps[0].width": 90})
        shown = next(one for one in said if isinstance(one, Preview) and one.about.sequence == good)
        assert (shown.about.width, shown.about.height) == (90, 68), shown.about
        tuning.apply()
        applied = next(one for one in said if isinstance(one, pb.TuneApplied))
        last = tuning.replace("resize:50")
        tuning.finish()
        assert previews(list(said))[-1].about.sequence == last
    (output,) = bench.finish(applied.task).outputs
    assert (output.width, output.height) == (90, 68), output


@scenario("tune-newest")
def _(bench: Bench) -> None:
    with Tuning(bench.ann.client, bench.image.id, "blur:2") as tuning:
        for i in range(300):
            last = tuning.set({"steps[0].sigma": 1 + i / 10})
        tuning.finish()
        answered = [one.about.sequence for one in previews(list(tuning))]
    assert answered[-1] == last == 300, answered
    assert answered == sorted(set(answered)) and len(answered) < 150, answered


@scenario("tune-refused")
def _(bench: Bench) -> None:
    with refused("NOT_FOUND", "image_not_found"):
        list(Tuning(bench.ann.client, unused_id(), "blur:2"))
    with refused("INVALID_ARGUMENT", "invalid_recipe"):
        list(Tuning(bench.ann.client, bench.image.id, "blurr:2"))
