r"""Reads every record of a store and reports what is damaged, half-done or missing.

    python data_tools/verify_store.py --store=stores/ucf101 [--redo] \
        [--dataset=ucf101 --videos_dir=UCF-101 --annotations=ucfTrainTestlist]

With a data set, all its videos, whatever --split says, are looked for in the store, and the
frames that their headers promise are compared with those promised when the store was made. The
exit code is 1 if anything is to be done again. Videos in failed.csv are not: they were tried.
"""

import dataclasses
from collections.abc import Collection

from absl import flags

from tf_twostream import cli, datasets, store
from tf_twostream.precompute import filling, verification


@dataclasses.dataclass(frozen=True)
class Options:
    """Which store, and what to do with what is wrong."""

    store: str = cli.knob(cli.REQUIRED, "Folder of the store.")
    redo: bool = cli.knob(
        False, "Remove damaged and half-done videos, so that precompute_flow.py does them again."
    )


cli.define(Options)
cli.define(datasets.Source, dataset=None)
cli.define(filling.Effort)


def _print_first(lines: Collection[str]) -> None:
    for line in list(lines)[:10]:
        print(line)
    if len(lines) > 10:
        print(f"... and {len(lines) - 10} more")


def _print_findings(report: verification.Report) -> None:
    for video_id, problem in report.damaged.items():
        print(f"damaged: {video_id}: {problem}")
    for video_id in report.missing:
        print(f"missing: {video_id}")
    if report.index:
        print(f"index: {report.index}")
    for video_id, reason in report.failed.items():
        print(f"cannot be decoded: {video_id}: {reason}")
    _print_first([f"note: {video_id}: {note}" for video_id, note in report.notes.items()])
    _print_first([f"not in the data set: {video_id}" for video_id in report.strangers])


def main() -> int:
    """Verifies the store and says what to do."""
    options, effort = cli.parse(Options), cli.parse(filling.Effort)
    has_data_set = bool(flags.FLAGS.dataset)
    videos = filling.list_videos(cli.parse(datasets.Source)) if has_data_set else []
    report = verification.verify(
        options.store, videos, num_workers=effort.num_processes, timeout=effort.timeout
    )
    print(f"{options.store}: {verification.describe(report.settings)}")
    _print_findings(report)
    if report.is_good:
        failed = f"; {len(report.failed)} videos of the data set failed (failed.csv)"
        print(
            f"{options.store}: {'complete' if has_data_set else 'every record is good'}, "
            f"{report.num_videos} videos, {report.num_frames} frames{failed * bool(report.failed)}"
        )
        return 0
    if options.redo:
        store.remove(options.store, report.damaged)
        print(f"Removed {len(report.damaged)} videos. Next: run precompute_flow.py again.")
    elif report.damaged:
        print("Next: add --redo to remove what is damaged, then run precompute_flow.py again.")
    else:
        print("Next: run precompute_flow.py again.")
    return 1


if __name__ == "__main__":
    cli.run(main)
