"""The sections of a report on how it was made, and on what to do next."""

import dataclasses
import datetime
import importlib.metadata
import os
import pathlib
import platform
import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np

import tf_twostream
from tf_twostream.experiments import command_lines
from tf_twostream.paper import testing
from tf_twostream.processes import files, printing
from tf_twostream.reports import measures, results
from tf_twostream.reports.document import Block, Commands, Items, Section, Table, Text
from tf_twostream.reports.material import Material

_LINE = 90  # Characters of a command.
_PACKAGES = ("tensorflow", "keras", "numpy", "opencv-contrib-python")


def making(material: Material) -> Section:
    """Tells sizes, times, versions and the commands."""
    blocks: list[Block] = [Table(("what", "where", "size"), tuple(_sizes(material)))]
    steps = _read_steps(material.steps)
    if steps:
        rows = [(step["name"], step["ended"][:19], _duration(step["seconds"])) for step in steps]
        total = _duration(sum(step["seconds"] for step in steps))
        rows.append(("all", "", total))
        blocks.append(Table(("step", "ended (UTC)", "time"), tuple(rows)))
        words = "The times are without this report and, of a step that was interrupted, those of "
        blocks.append(Text(f"{words}its last start. The commands:"))
        blocks.append(Commands(tuple(_fill(shlex.split(step["command"])) for step in steps)))
    blocks.append(Text(_versions(material)))
    return Section("How it was made", tuple(blocks))


def _read_steps(folder: str) -> list[dict[str, Any]]:
    """Reads what is recorded of steps, in the order in which they ended."""
    found = []
    for path in pathlib.Path(folder).rglob("*.json") if folder else ():
        record = files.read_json(path)
        name = path.relative_to(folder).with_suffix("").as_posix()
        found.append(
            {
                "name": name,
                "command": str(record.get("command", "")),
                "ended": str(record.get("ended", "")),
                "seconds": float(record.get("seconds", 0)),
            }
        )
    return sorted(found, key=lambda step: step["ended"])


def _sizes(material: Material) -> list[tuple[str, str, str]]:
    places = {"store": material.reader.path}
    places |= {f"{run.recipe.stream} run": str(run.path) for run in material.streams}
    places |= {"exported model": material.exported} if material.exported else {}
    return [
        (what, path, _megabytes(_size(path))) for what, path in places.items() if "://" not in path
    ]


def _size(folder: str) -> int:
    """Sums the bytes of the files below a folder."""
    return sum(
        os.path.getsize(os.path.join(path, name))
        for path, _, names in files.walk(folder)
        for name in names
    )


def _versions(material: Material) -> str:
    here = (f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    today = datetime.datetime.now(datetime.UTC).date()
    kept = files.read_json(material.streams[0].path / "run.json")["versions"]
    return (
        f"The split: {material.split.name}. Written on {today} by tf_twostream "
        f"{tf_twostream.__version__}, Python {platform.python_version()}, {', '.join(here)}. The "
        "networks learnt under "
        f"{', '.join(f'{name} {version}' for name, version in kept.items())}."
    )


def next_steps(material: Material) -> Section:
    """Tells the commands to type, and of which classes more clips would help."""
    flags = {f"{run.recipe.stream}_run": str(run.path) for run in material.streams}
    flags["score_fusion"] = material.score_fusion
    checkpoint = material.streams[0].checkpoint
    flags |= {"checkpoint": checkpoint} if checkpoint != "last" else {}
    labelling = flags | _as_tested(material.steps) | {"output_dir": "labelled"}
    lines = [_command("predict my_clip.mp4", labelling)]
    blocks: list[Block] = []
    if material.exported:
        words = f"The exported model, which runs with TensorFlow alone, is {material.exported}."
        blocks.append(Text(words))
    elif len(material.streams) == 2:
        lines.append(_command("export-model", flags | {"output_dir": "exported"}))
    words = f"To label a clip{' and to export the model' if len(lines) > 1 else ''}:"
    return Section(
        "Next steps", (Text(words), Commands(tuple(lines)), *blocks, *more_clips(material))
    )


def _as_tested(steps: str) -> dict[str, str | None]:
    """Returns the flags that say how clips were looked at, if steps are recorded."""
    tests = [step["command"] for step in _read_steps(steps) if " evaluate " in step["command"]]
    given = command_lines.parse_flags(tests[0].split(" evaluate ")[1]) if tests else {}
    known = {field.name for field in dataclasses.fields(testing.Testing)}
    return {name: value for name, value in given.items() if name in known}


def _command(words: str, flags: command_lines.Flags) -> str:
    return _fill([*f"twostream {words}".split(), *command_lines.as_arguments(flags)])


def _fill(words: Sequence[str]) -> str:
    """Writes a command over as many lines as it needs, which a shell takes as one."""
    lines = [words[0]]
    for word in map(shlex.quote, words[1:]):
        if len(lines[-1]) + len(word) > _LINE:
            lines.append("   ")
        lines[-1] += f" {word}"
    return " \\\n".join(lines)


def more_clips(material: Material) -> list[Block]:
    """Says of which classes more clips would help most, and by which rule."""
    names, recall = material.split.class_names, results.recall(material)
    recordings = results.learnt_recordings(material.split)
    kind = "average precision" if material.videos.multi_label else "recall"
    counted = measures.counted([video.group for video in material.split.train])
    blocks: list[Block] = []
    if needy := measures.needs(recall, recordings):
        words = f"More clips would help one class most, the only one whose {kind} is below the mean"
        if len(needy) > 1:
            words = f"More clips would help these classes most, whose {kind} is below the mean: "
            words += f"first those with the largest (1 - {kind}) / {counted}s learnt from"
        words += ". It is a rule of thumb; clips of new recordings and people count, not more of "
        words += "the same."
        items = (
            f"{names[k]}: {kind} {100 * recall[k]:.1f} %, learnt from "
            f"{printing.count(recordings[k], counted)}"
            for k in needy
        )
        blocks += [Text(words), Items(tuple(items))]
    elif not np.isnan(recall).all():
        words = f"All classes have the same {kind}, so that no class needs more clips than others."
        blocks.append(Text(words))
    if unknown := [name for name, value in zip(names, recall) if np.isnan(value)]:
        words = "These classes have no test clip, so that nothing is known of them: "
        blocks.append(Text(f"{words}{', '.join(unknown)}."))
    return blocks


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"
