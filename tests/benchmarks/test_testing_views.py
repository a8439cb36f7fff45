"""Each way of testing has its cost, and ten views are as fast as themselves."""

from read_table import cells

from tf_twostream import store
from tf_twostream.benchmarks import testing_views
from tf_twostream.paper import recipes


def test_a_row_says_what_a_way_of_testing_costs(tiny_store, monkeypatch):
    monkeypatch.setattr(testing_views, "FEWEST", 1)
    monkeypatch.setattr(testing_views, "AT_ONCE", 2)
    recipe = recipes.TemporalRecipe(stack_length=2, crop_size=41, width=0.05)
    text = testing_views.measure(store.Reader(tiny_store[0]), recipe, seconds=0)
    _, _, *rows = cells(text)
    assert [row[0] for row in rows] == ["ten_views", "center", "dense"]
    assert rows[0][2] == "1.00"


def test_the_splits_of_ucf101_have_all_of_its_videos():
    assert sum(testing_views.UCF101.values()) == 3 * 13_320
