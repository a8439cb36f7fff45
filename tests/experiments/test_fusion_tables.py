"""The tables of the second paper, number by number, and the sizes of their networks."""

import dataclasses
import gc

import pytest

from tf_twostream import experiments, models
from tf_twostream.experiments import needs, plans
from tf_twostream.experiments.knobs import Setup
from tf_twostream.models import conv_fusion, counting, networks
from tf_twostream.paper import recipes

# As printed; of several data sets one after the other.
PAPER = {
    "2016_1": """
        Sum, Softmax (late fusion by averaging)  85.94
        Max, ReLU5                               82.70
        Concatenation, ReLU5                     83.53
        Bilinear, ReLU5                          85.05
        Sum, ReLU5                               85.20
        Conv, ReLU5                              85.96
        Conv, ReLU5, Gaussian start              85.59
    """,
    "2016_2": """
        ReLU2                82.25
        ReLU3                83.43
        ReLU4                82.55
        ReLU5                85.96
        ReLU5 + FC8          86.04
        ReLU3 + ReLU5 + FC6  81.55
    """,
    "2016_3": """
        Spatial, VGG-M-2048      74.22  36.77
        Temporal, VGG-M-2048     82.34  51.50
        Late Fusion, VGG-M-2048  85.94  54.90
        Spatial, VGG-16          82.61  47.06
        Temporal, VGG-16         86.25  55.23
        Late Fusion, VGG-16      90.62  58.17
    """,
    "2016_4": """
        2D Conv, 2D Pooling  89.35  56.93
        2D Conv, 3D Pooling  89.64  57.58
        3D Conv, 3D Pooling  90.40  58.63
    """,
    "2016_5": """
        Two-Stream ConvNet (2014)                                88.0  59.4
        Late fusion, VGG-16                                      91.7  58.7
        Ours (S: VGG-16, T: VGG-M-2048)                          90.8  62.1
        Ours (S: VGG-16, T: VGG-16, single tower after fusion)   91.8  64.6
        Ours (S: VGG-16, T: VGG-16)                              92.5  65.4
    """,
    "2016_6": """
        Ours (S: VGG-16, T: VGG-16) + IDT  93.5  69.2
    """,
}
# Of Tables 1 and 2, in millions; the paper has none for the start.
PARAMETERS = {
    "2016_1": [181.42, 97.31, 172.81, 6.61, 97.31, 97.58, None],
    "2016_2": [91.90, 93.08, 95.48, 97.57, 181.68, 190.06],
}
SETUP = Setup(data_root="data", output_dir="results", imagenet_run="runs/imagenet")
SIZED = [
    pytest.param(
        row,
        id=f"{name}: {row.setting}",
        marks=() if name == "2016_1" else pytest.mark.slow,  # VGG-16 takes a gigabyte.
    )
    for name in PAPER
    for row in experiments.TABLES[name].rows
    if row.size
]


def printed(table):
    for line in PAPER[table].strip().splitlines():
        setting, *numbers = (part for part in line.strip().split("  ") if part)
        names = [f"{setting}, UCF-101", f"{setting}, HMDB-51"] if numbers[1:] else [setting]
        yield from zip(names, map(float, numbers))


def find(table, setting):
    [row] = [row for row in experiments.TABLES[table].rows if row.setting == setting]
    return row


@pytest.mark.parametrize("table", PAPER)
def test_every_published_number_is_a_row(table):
    rows = experiments.TABLES[table].rows
    assert [(row.setting, row.published) for row in rows] == list(printed(table))
    assert {row.splits for row in rows} == {(1, 2, 3) if table in ("2016_5", "2016_6") else (1,)}


@pytest.mark.parametrize("table", PARAMETERS)
def test_published_numbers_of_parameters_are_beside_ours(table):
    sizes = [row.size for row in experiments.TABLES[table].rows]
    assert [size.published for size in sizes] == PARAMETERS[table]
    assert all(bool(size.published) == bool(size.why) for size in sizes)


def test_they_are_the_tables_of_one_paper():
    groups = {name: table.group for name, table in experiments.TABLES.items()}
    assert [name for name, group in groups.items() if group == "all_2016"] == list(PAPER)


def test_rows_that_we_cannot_have_say_why():
    rows = [row for name in PAPER for row in experiments.TABLES[name].rows if not row.what]
    reasons = [needs.missing(row, SETUP) for row in rows]
    assert ["2014" in reason for reason in reasons] == [True, True, False, False]
    assert all("improved dense trajectories" in reason for reason in reasons[2:])


def test_towers_of_cnn_m_are_those_of_the_first_paper_but_for_their_dropout():
    fusion = find("2016_1", "Sum, Softmax (late fusion by averaging)").what
    [plain] = [
        row.what
        for row in experiments.TABLES["1b"].rows
        if row.setting == "Optical flow stacking (L = 10), mean subtraction on"
    ]
    assert fusion.temporal == plain
    tuned = experiments.TABLES["1a"].rows[2].what
    assert dataclasses.replace(fusion.spatial, name=tuned.name, defaults={}, recipe={}) == (
        dataclasses.replace(tuned, recipe={})
    )


def test_all_joined_networks_of_a_table_share_their_towers():
    for table in ("2016_1", "2016_2"):
        joined = [row.what for row in experiments.TABLES[table].rows]
        joined = [what for what in joined if isinstance(what, experiments.Network)]
        assert all(what.towers == joined[0].towers for what in joined)


def recipes_of(row, parse):
    """The recipes of what a row tests, as its commands read them."""
    last = plans.plan(row, SETUP)[0]
    trained = [step.after[0] for step in last.after] if last.result else [last.after[0]]
    for step in trained:
        recipe = parse(step.arguments)["recipe"]
        towers = [parse(tower.arguments)["recipe"] for tower in step.after]
        yield dataclasses.replace(recipe, **{tower.stream: tower for tower in towers})


@pytest.mark.parametrize("row", SIZED)
def test_sizes_are_those_of_the_networks_that_the_commands_train(row, parse):
    found = [0, 0]
    for recipe in recipes_of(row, parse):
        builder = conv_fusion if isinstance(recipe, recipes.ConvFusionRecipe) else networks
        with models.without_drawing():
            model = builder.build(recipe, 101)
        found[0] += counting.parameters(model)
        found[1] += counting.multiply_adds(model)
        del model  # Half a gigabyte each, in circles of references.
        gc.collect()
    assert found == [row.size.parameters, row.size.multiply_adds]


def test_what_we_say_of_the_papers_numbers_explains_them():
    """All that it explains, it explains to 0.01 million."""
    twice = 7 * 7 * 17 * 96  # Weights of conv1 for 20 channels, less those for 3.
    bank = 512 * 512 + 512
    last_bank = 101 * 101 + 101
    full = 4096 * 4096 + 4096
    sizes = {
        f"{name} {row.setting}": row.size
        for name in PARAMETERS
        for row in experiments.TABLES[name].rows
    }
    for setting, less in (
        ("2016_1 Sum, Softmax (late fusion by averaging)", 0),
        ("2016_1 Sum, ReLU5", 0),
        ("2016_1 Concatenation, ReLU5", 0),
        ("2016_1 Conv, ReLU5", bank),
        ("2016_2 ReLU4", 0),
        ("2016_2 ReLU5", bank),
        ("2016_2 ReLU5 + FC8", bank + last_bank),
    ):
        explained = (sizes[setting].parameters + twice - less) / 1e6
        assert explained == pytest.approx(sizes[setting].published, abs=0.01)
    last = sizes["2016_2 ReLU3 + ReLU5 + FC6"]
    assert (last.parameters + twice - 2 * bank - full) / 1e6 == pytest.approx(190.12, abs=0.005)
    assert "190.12" in last.why
