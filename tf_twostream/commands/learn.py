r"""Learns from a folder of videos: flow, both streams, fusion, an exported model and a report.

    twostream learn my_videos --output_dir=out
    twostream learn my_videos --output_dir=out --preset=quick --dry_run

The videos of each class lie in a folder of its name; 30 % of each class are held out for testing,
or bring my_videos/train/ and my_videos/test/. It says first what it found and how long all of it
will take on this machine. Whenever it is interrupted, the same command goes on from there. At the
end there is OUTPUT_DIR/report.html. Each step is a command of its own: OUTPUT_DIR/commands.sh.
"""

import contextlib
import dataclasses
import hashlib
import importlib
import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from tf_twostream import cli, datasets, store
from tf_twostream.benchmarks import forecast
from tf_twostream.commands import advice, precompute_flow
from tf_twostream.experiments import chains, forecasts, learning, presets, running
from tf_twostream.precompute import estimating
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import files, locks, printing, workers

PRETRAINED = "from ImageNet they learn more of few videos: pip install 'tf_twostream[pretrained]'"
HUNG = 3600.0  # Seconds after which measuring is given up.
MOST_SIZES = 3  # Sizes of videos that are named.


class ForecastError(ValueError):
    """A few steps of the work could not be done."""


class StepFlagsError(ValueError):
    """A step has a flag that its command does not have."""


class OtherVideosError(ValueError):
    """An output folder is of other videos."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnVideos(datasets.Source):
    """Which videos to learn from."""

    dataset: datasets.Name = cli.knob_of(datasets.Source, "dataset", "folders")
    videos_dir: str = ""  # Named without a flag.
    allow_missing: bool = cli.knob(
        True, "Go on without videos that do not exist or cannot be read; the report names them."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DryRun(cli.Knobs):
    """Whether to learn at all."""

    dry_run: bool = cli.knob(
        False, "Say what was found and what it will take, and run nothing.", group="output"
    )


def plan(
    source: datasets.Source, whole: datasets.Split, given: learning.Learning, name: str
) -> forecast.Plan:
    """Plans a preset.

    Args:
        source: The videos.
        whole: Their split.
        given: The other flags.
        name: The preset.
    """
    preset = presets.PRESETS[name]
    if not presets.has_package():
        preset = presets.without_package(preset)
    split = learning.with_validation(whole, preset)
    steps = learning.in_order(learning.plan(source, split, given, preset))
    check_steps(steps)
    kept = cli.read(precompute_flow.FlowFlags, steps[0].arguments[1:])
    return forecast.Plan(steps, split, kept.settings)


def describe(found: estimating.Survey) -> str:
    """Words what the headers of the videos say."""
    sizes = [f"{number} of {size}" for size, number in found.sizes.items()]
    words = f"{printing.duration(found.seconds)} of video, {found.num_frames:,} frames: "
    words += f"{', '.join(sizes[:MOST_SIZES])}{' ...' if len(sizes) > MOST_SIZES else ''}"
    if found.unreadable:
        words += f"; {len(found.unreadable)} cannot be opened, such as {found.unreadable[0]}"
    return printing.escape(f"{words}.")


def measure(job: forecast.Job) -> tuple[str, dict[str, forecasts.Forecast]]:
    """Forecasts in a process of its own, which gives back the memory of a GPU when it ends.

    Args:
        job: What to forecast.

    Returns:
        As `forecast.forecast`.

    Raises:
        ForecastError: If a step failed.
    """
    events = workers.run(forecast.forecast, [job], num_workers=1, timeout=HUNG, nested=True)
    with contextlib.closing(events):
        [(_, event)] = events
    if isinstance(event, workers.Done):
        return event.value
    raise ForecastError(f"A few steps must run first. Received: {event.reason}.")  # type: ignore[union-attr]


def share_lacking(path: str, settings: store.Settings, found: estimating.Survey) -> float:
    """Returns the share of the frames that a store does not have yet; 1 if there is no such store.

    Args:
        path: The store.
        settings: What it is to hold.
        found: The survey of its videos.
    """
    try:
        reader = store.Reader(path)
    except (store.NoStoreError, store.DamagedStoreError):
        return 1.0
    if reader.settings != settings:
        return 1.0
    held = {*reader.video_ids}
    left = sum(number for video_id, number in found.opened.items() if video_id not in held)
    return left / max(1, sum(found.opened.values()))


def say_what_it_takes(
    source: datasets.Source,
    whole: datasets.Split,
    given: learning.Learning,
    plans: dict[str, forecast.Plan],
    done: Sequence[str],
) -> None:
    """Prints what the videos are, and what the preset and smaller ones will take.

    A forecast is kept in the output folder, for the next start.
    """
    path = pathlib.Path(given.output_dir, "forecast.json")
    lines = [step.record for step in plans[given.preset].steps]
    kept = files.read_json(path) if path.exists() else {}
    if kept.get("commands") != lines:
        listed = datasets.list_videos(source, whole)
        resources = cli.read(Resources, plans[given.preset].steps[0].arguments[1:])
        found = estimating.survey(listed, plans[given.preset].settings, resources)
        print(describe(found))
        print("Measuring a few steps first, which takes about a minute ...", flush=True)
        lacking = {n: share_lacking(given.store_dir, p.settings, found) for n, p in plans.items()}
        own = {name: dataclasses.replace(p, lacking=lacking[name]) for name, p in plans.items()}
        machine, each = measure(forecast.Job(listed, found, own, resources))
        known = {name: vars(one) for name, one in each.items()}
        kept = {"commands": lines, "machine": machine, "forecasts": known}
        files.write_json(path, kept, indent=1)
    each = {name: forecasts.Forecast(**one) for name, one in kept["forecasts"].items()}
    left = each.pop(given.preset).without(done)
    print(forecasts.describe(left, kept["machine"], {} if done else each), flush=True)


def check_steps(steps: Sequence[chains.Step]) -> None:
    """Checks the flags of all steps: a mistake must not show when the steps before it have run.

    Raises:
        StepFlagsError: If a command does not have such a flag, or not with such a value.
    """
    for step in steps:
        name = step.command.replace("-", "_")
        main = importlib.import_module(f"tf_twostream.commands.{name}").main
        try:
            cli.check(main, step.arguments)
        except (flags.Error, ValueError) as error:
            raise StepFlagsError(
                f"{step.command} must have its flags. Received: {error}"
            ) from error


def main(folders: list[str], own: OwnVideos, given: learning.Learning, dry: DryRun) -> int:
    """Learns from the videos, or says what that takes; returns 1 if a step failed."""
    if len(folders) > 1:
        rule = "The videos must lie in one folder"
        raise ValueError(f"{rule}. Received: {', '.join(folders)}.")
    files.check_folder(given.output_dir, "output_dir")
    source = dataclasses.replace(own, videos_dir=folders[0])
    whole = datasets.load(source)
    names = [*presets.PRESETS]
    # The smaller ones are only for comparison.
    plans = {n: plan(source, whole, given, n) for n in names[: names.index(given.preset) + 1]}
    chosen = plans[given.preset]
    print(f"{datasets.describe(chosen.split)}\npreset {given.preset}: {given.recipe.purpose}.")
    if not presets.has_package():
        print(f"note: networks start from random weights; {PRETRAINED}")
    # Inherited, because a training goes on for a while if this process is killed.
    with locks.exclusive(given.output_dir, inherited=True):
        _check_videos(given.output_dir, whole)
        running.keep_flags(given.output_dir, {n: getattr(given, n) for n in ("preset", "store")})
        script = pathlib.Path(given.output_dir, "commands.sh")
        files.write_text(script, "".join(f"{step.line}\n" for step in chosen.steps))
        runner = running.Runner(given.output_dir)
        done = [step.name for step in chosen.steps if runner.is_done(step)]
        if done:
            print(f"done before: {', '.join(done)}")
        if len(done) < len(chosen.steps):
            say_what_it_takes(source, whole, given, plans, done)
        if dry.dry_run:
            print(f"the commands: {script}")
            return 0
        try:
            runner.run(chosen.steps[-1])
        except running.StepError as error:
            print(f"error: {error}. {advice.advise(error)}", file=sys.stderr)
            return 1
        return 0


def _check_videos(output_dir: str, whole: datasets.Split) -> None:
    """Notes the videos that an output folder is of, and refuses others.

    Raises:
        OtherVideosError: If something was learnt of other videos there.
    """
    ids = [f"{video.id} {video.labels}" for video in datasets.all_videos(whole)]
    ids += [f"test {video.id}" for video in whole.test]
    digest = hashlib.blake2b("\n".join(ids).encode("utf-8", "surrogateescape"), digest_size=8)
    now = {"number": len(datasets.all_videos(whole)), "hash": digest.hexdigest()}
    path = pathlib.Path(output_dir, "videos.json")
    before = files.read_json(path) if path.exists() else now
    if before != now and pathlib.Path(output_dir, "runs").exists():
        rule = "An output folder must keep the videos that it has learnt from"
        given = f"{now['number']} videos, {output_dir} with {before['number']}"
        given += " others" if before["number"] == now["number"] else ""
        raise OtherVideosError(f"{rule}. Received: {given}.")
    files.write_json(path, now)
