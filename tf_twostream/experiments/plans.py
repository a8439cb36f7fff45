"""From a row of a table to the commands that lead to its number."""

import dataclasses
import pathlib
from collections.abc import Iterable
from typing import Any

from tf_twostream.experiments import chains, command_lines, imagenet, rows
from tf_twostream.experiments.knobs import Setup
from tf_twostream.paper import recipes


class RowError(ValueError):
    """More flags of the user's contradict what a row is about."""


def plan(row: rows.Row, setup: Setup) -> list[chains.Step]:
    """Plans the commands of a row.

    Args:
        row: The row.
        setup: Where data and results lie, and at which scale.

    Returns:
        The last step for each split and seed, those of a split next to each other; the steps
        The last step for each split and seed, those of a split next to each other; the steps
        before it are in their `after`. There is none for a number that the paper quotes, nor for a
        data set that this scale does not have.

    Raises:
        RowError: If `train_flags` has a flag that the row itself sets.
    """
    needed = rows.list_networks(row.what)
    if row.what is None or not all(setup.has(network.dataset) for network in needed):
        return []
    splits = row.splits[: setup.size.num_splits]
    repeats = [_Repeat(setup, split, seed) for split in splits for seed in setup.seeds]
    for network in needed:
        if both := sorted(repeats[0].settings(network) & set(_given(network, setup))):
            rule = f"`train_flags` must leave `{both[0]}` to the row {row.setting!r}, which sets it"
            raise RowError(f"{rule}. Received: {setup.train_flags}.")
    if isinstance(row.what, rows.Fusion):
        return [repeat.fuse(row.what) for repeat in repeats]
    return [repeat.evaluate(row.what, "test") for repeat in repeats]


@dataclasses.dataclass(frozen=True)
class _Repeat:
    """The steps of one split and one seed."""

    setup: Setup
    split: int
    seed: int

    def settings(self, network: rows.Network) -> set[str]:
        """Lists the flags that make a row what it is, a switch by both of its names."""
        names = {*network.recipe, *self._data(network), "run_dir", "seed", "init_from"}
        names |= {"spatial_run", "temporal_run"}
        # Under another architecture `needs` leaves out the rows that are about one.
        names -= {"architecture"}
        return names | {f"no{name}" for name in names}

    def train(self, network: rows.Network) -> chains.Step:
        size = self.setup.size
        name = f"runs/{self._folder(network)}/{network.name}"
        run_dir = pathlib.Path(self.setup.output_dir, name)
        flags = {**self._data(network), "run_dir": str(run_dir), "seed": self.seed}
        flags |= network.defaults
        after: tuple[chains.Step, ...] = ()
        if network.towers:
            after = tuple(map(self.train, network.towers))
            spatial, temporal = (step.flags["run_dir"] for step in after)
            flags |= {"spatial_run": spatial, "temporal_run": temporal, **size.fusing}
        else:
            flags |= size.training | (size.fine_tuning if network.start else {})
        if isinstance(network.start, rows.Network):
            after = (self.train(network.start),)
            flags["init_from"] = str(pathlib.Path(self.setup.output_dir, after[0].name))
        elif network.start:
            flags["init_from"] = imagenet.choose(network, self.setup).run
        # Later ones win: what a row is about, and what the user says, over the scale.
        flags |= network.recipe
        given = _given(network, self.setup)
        flags = {flag: value for flag, value in flags.items() if flag not in given} | given
        output = run_dir / "checkpoints" / "checkpoint"
        return chains.Step(name, network.command, flags, output, after)

    def evaluate(self, network: rows.Network, part: str) -> chains.Step:
        train = self.train(network)
        own = self.setup.data_set(network.dataset)
        name = f"scores/{self._folder(network)}/{network.name}.{part}"
        run_dir = train.flags["run_dir"]
        scores = pathlib.Path(self.setup.output_dir, f"{name}.npz")
        flags = {"run_dir": run_dir, "store": own.store, "part": part, "scores": str(scores)}
        if network.other == "task":
            flags["task"] = own.name
        more = command_lines.parse_flags(self.setup.test_flags)
        return chains.Step(name, "evaluate", flags, scores, (train,), more=more)

    def fuse(self, fusion: rows.Fusion) -> chains.Step:
        pair = (fusion.spatial, fusion.temporal)
        names = "+".join(network.name for network in pair)
        name = f"fused/{self._folder(fusion.temporal)}/{names}.{fusion.method}"
        folder = pathlib.Path(self.setup.output_dir, name)
        after = tuple(self.evaluate(network, "test") for network in pair)
        flags: dict[str, Any] = {"scores": _outputs(after), "names": "spatial,temporal"}
        if fusion.method == "svm":
            trained = tuple(self.evaluate(network, "train") for network in pair)
            flags |= {"svm": True, "train_scores": _outputs(trained)}
            after += trained
        flags["output_dir"] = str(folder)
        return chains.Step(
            name, "fuse-scores", flags, folder / "results.json", after, fusion.method
        )

    def _folder(self, network: rows.Network) -> str:
        name = self.setup.data_set(network.dataset).name
        return f"{name}_split{self.split}_seed{self.seed}"

    def _data(self, network: rows.Network) -> dict[str, Any]:
        """Returns the flags that say what a network learns from."""
        own = self.setup.data_set(network.dataset)
        if network.all_videos:
            lists = self.setup.own_list(network.dataset, "all")
            return {"dataset": "csv", "annotations": lists, "store": own.store}
        alone = {**own.source, "split": self.split, "store": own.store}
        if not network.other:
            return alone
        other = self.setup.data_set(rows.OTHER[network.dataset])
        if network.other == "classes":
            choice = self.setup.own_list(rows.OTHER[network.dataset], "classes")
            return alone | {
                "add_dataset": other.kind,
                "add_annotations": other.lists,
                "add_store": other.store,
                "add_classes": "" if self.setup.size.has_choice else choice,
            }
        return {
            "datasets": f"{own.kind},{other.kind}",
            "names": f"{own.name},{other.name}",
            "annotations": f"{own.lists},{other.lists}",
            "splits": f"{self.split},1",
            "stores": f"{own.store},{other.store}",
            # The other data set is there to help and is not tested: all its videos are learnt,
            # of whichever split (Sect. 6: "the full HMDB-51 data").
            "train_on_all": other.name,
        }


def _given(network: rows.Network, setup: Setup) -> dict[str, str | None]:
    """Returns the user's flags, without those of towers, such as `width`, where they are joined."""
    given = command_lines.parse_flags(setup.train_flags)
    left_out = _OF_TOWERS if network.towers else set()
    return {flag: value for flag, value in given.items() if flag not in left_out}


def _names_of(recipe: type[recipes.Recipe]) -> set[str]:
    """Lists the flags of a recipe; a switch is two of them."""
    names = {field.name for field in dataclasses.fields(recipe)}
    return names | {f"no{name}" for name in names}


_OF_TOWERS = set().union(*map(_names_of, recipes.RECIPES.values())) - _names_of(
    recipes.ConvFusionRecipe
)


def _outputs(steps: Iterable[chains.Step]) -> str:
    return ",".join(str(step.output) for step in steps)
