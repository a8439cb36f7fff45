r"""Reads every record of a store and reports what is damaged, half-done or missing.

    twostream verify-store --store=stores/ucf101 [--redo] \
        [--dataset=ucf101 --videos_dir=UCF-101 --annotations=ucfTrainTestlist]

With a data set, all its videos, whatever --split says, are looked for in the store, and the
frames that their headers promise are compared with those promised when the store was made. The
exit code is 1 if anything is to be done again. Videos in failed.csv are not: they were tried.
"""

import dataclasses
from collections.abc import Collection
from typing import Any, ClassVar

from tf_twostream import cli, datasets
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import printing


@dataclasses.dataclass(frozen=True)
class VerificationFlags(cli.Knobs):
    """Which store, and what to do with what is wrong."""

    group: ClassVar[str] = "output"

    store: str = cli.knob(cli.REQUIRED, "Folder of the store.", group="data", remote=True)
    redo: bool = cli.knob(
        False, "Remove damaged and half-done videos, so that precompute-flow does them again."
    )


def _print_first(lines: Collection[str]) -> None:
    for line in list(lines)[:10]:
        print(line)
    if len(lines) > 10:
        print(f"... and {len(lines) - 10} more")


def _print_findings(verdict: Any) -> None:
    for video_id, problem in verdict.damaged.items():
        print(f"damaged: {video_id}: {problem}")
    for video_id, kinds in verdict.lacking.items():
        print(f"not computed yet: {video_id}: {', '.join(kinds)}")
    for video_id in verdict.missing:
        print(f"missing: {video_id}")
    if verdict.index:
        print(f"index: {verdict.index}")
    for video_id, reason in verdict.failed.items():
        print(f"cannot be decoded: {video_id}: {reason}")
    _print_first([f"note: {video_id}: {note}" for video_id, note in verdict.notes.items()])
    _print_first([f"not in the data set: {video_id}" for video_id in verdict.strangers])


def main(given: VerificationFlags, source: datasets.Source | None, resources: Resources) -> int:
    """Verifies the store, against a data set if there is one, and says what to do."""
    from tf_twostream.precompute import verification
    from tf_twostream.store import checking

    videos = datasets.list_videos(source) if source else []
    verdict = verification.verify(given.store, videos, resources=resources)
    print(f"{given.store}: {verdict.settings.describe()}")
    _print_findings(verdict)
    if verdict.is_good:
        failed = (
            f"; {printing.count(len(verdict.failed), 'video')} of the data set failed (failed.csv)"
        )
        print(
            f"{given.store}: {'complete' if source else 'every record is good'}, "
            f"{printing.count(verdict.num_videos, 'video')}, "
            f"{printing.count(verdict.num_frames, 'frame')}"
            f"{failed if verdict.failed else ''}"
        )
        return 0
    if given.redo:
        checking.remove(given.store, verdict.damaged)
        removed = printing.count(len(verdict.damaged), "video")
        print(f"Removed {removed}. Next: run precompute-flow again.")
    elif verdict.damaged:
        print("Next: add --redo to remove what is damaged, then run precompute-flow again.")
    else:
        print("Next: run precompute-flow again.")
    return 1
