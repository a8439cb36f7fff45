r"""Decodes videos, estimates their optical flow and keeps both in a store (paper, Sect. 5).

    python data_tools/precompute_flow.py --dataset=ucf101 --videos_dir=UCF-101 \
        --annotations=ucfTrainTestlist --store=stores/ucf101

The whole data set is done, whatever --split says: all splits share one store. Run the same
command again to continue after any kind of interruption: complete videos are skipped. Videos that
cannot be decoded are listed in STORE/failed.csv, and the exit code is 1.
"""

import dataclasses

from tf_twostream import cli, datasets
from tf_twostream.precompute import extraction, filling


@dataclasses.dataclass(frozen=True)
class Output:
    """Where the results go."""

    store: str = cli.knob(
        cli.REQUIRED, "Folder of the store; made if it does not exist, else continued."
    )


cli.define(datasets.Source)
cli.define(extraction.Recipe)
cli.define(filling.Effort)
cli.define(Output)


def main() -> int:
    """Fills the store and says what was done and how to go on."""
    store = cli.parse(Output).store
    report = filling.run(
        filling.list_videos(cli.parse(datasets.Source)),
        path=store,
        recipe=cli.parse(extraction.Recipe),
        effort=cli.parse(filling.Effort),
    )
    print(
        f"{store}: {len(report.done)} videos done ({report.num_frames} frames, "
        f"{report.num_frames / report.seconds:.0f} frames/s), "
        f"{len(report.skipped)} complete before, {len(report.failed)} failed."
    )
    if report.failed:
        print(f"Why is in {store}/failed.csv. The same command tries these again.")
        return 1
    print(f"Next, to be sure: python data_tools/verify_store.py --store={store}")
    return 0


if __name__ == "__main__":
    cli.run(main)
