r"""Joins the parts of a store that several machines filled.

    twostream join-stores parts/0 parts/1 parts/2 --store=stores/ucf101

The parts are those of precompute-flow --shard_index=I --num_shards=N. All must be there and
finished. The store is byte for byte the one that a single machine would have filled. On one disk
its files are second names of those of the parts, which may be deleted afterwards.
"""

import dataclasses
from typing import ClassVar

from tf_twostream import cli
from tf_twostream.processes import printing


@dataclasses.dataclass(frozen=True)
class JoinedFlag(cli.Knobs):
    """Where the joined store goes."""

    group: ClassVar[str] = "output"

    store: str = cli.knob(
        cli.REQUIRED, "Folder of the store; made if it does not exist.", remote=True
    )


def main(parts: list[str], output: JoinedFlag) -> None:
    """Joins the parts and says how to go on."""
    from tf_twostream.precompute import shards

    count = printing.count(shards.join(parts, output.store), "video")
    print(f"{output.store}: {count} of {printing.count(len(parts), 'part')}.")
    print(f"Next, to be sure: twostream verify-store --store={output.store}")
