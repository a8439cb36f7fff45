r"""Reads every record of a store and reports what is damaged, half-done or missing.

    python data_tools/verify_store.py --store=stores/ucf101 [--redo] \
        [--dataset=ucf101 --videos_dir=UCF-101 --annotations=ucfTrainTestlist]

With a data set, its videos are looked for in the store. The exit code is 1 if anything is wrong.
"""

import dataclasses
import os

from absl import flags

from tf_twostream import cli, datasets, precompute, store


@dataclasses.dataclass(frozen=True)
class Options:
    """Which store, and what to do with what is wrong."""

    store: str = cli.knob(cli.REQUIRED, "Folder of the store.")
    redo: bool = cli.knob(
        False, "Remove damaged and half-done videos, so that precompute_flow.py does them again."
    )


cli.define(Options)
cli.define(
    datasets.Source,
    only=("dataset", "videos_dir", "annotations", "classes", "allow_missing"),
    dataset=None,
)


def main() -> int:
    """Verifies the store and says what to do."""
    options = cli.parse(Options)
    expected = []
    if flags.FLAGS.dataset:
        expected = [video_id for video_id, _ in precompute.list_videos(cli.parse(datasets.Source))]
    findings = store.check(options.store, expected=expected, num_threads=os.cpu_count() or 1)
    for video_id, problem in findings.damaged.items():
        print(f"damaged: {video_id}: {problem}")
    for video_id in findings.missing:
        print(f"missing: {video_id}")
    if findings.index:
        print(f"index: {findings.index}")
    if not (findings.damaged or findings.missing or findings.index):
        print(f"{options.store}: {findings.num_videos} videos, every record is good.")
        return 0
    if options.redo:
        store.remove(options.store, findings.damaged)
        print(f"Removed {len(findings.damaged)} videos. Next: run precompute_flow.py again.")
    elif findings.damaged:
        print("Next: add --redo to remove what is damaged, then run precompute_flow.py again.")
    else:
        print("Next: run precompute_flow.py again.")
    return 1


if __name__ == "__main__":
    cli.run(main)
