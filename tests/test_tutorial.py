"""The notebook: what its page shows, and that its cells still do it."""

import json
import pathlib

import pytest

NOTEBOOK = pathlib.Path(__file__).parents[1] / "docs" / "tutorial.ipynb"


def code(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def has_picture(cell):
    return any("image/jpeg" in output.get("data", ()) for output in cell["outputs"])


def said(cell):
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])


def test_the_page_shows_ten_cells_and_their_pictures():
    cells = code(json.loads(NOTEBOOK.read_text()))
    assert [cell["execution_count"] for cell in cells] == list(range(1, 11))
    assert [n for n, cell in enumerate(cells, 1) if has_picture(cell)] == [1, 3, 6, 9, 10]
    assert NOTEBOOK.stat().st_size < 400_000


@pytest.mark.slow  # It trains both streams.
def test_the_cells_lead_from_clips_to_a_labelled_video(root, tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    shown = [has_picture(cell) for cell in code(notebook)]
    monkeypatch.setenv("PYTHONPATH", str(root), prepend=":")
    folder = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=900, resources=folder).execute()
    cells = code(notebook)
    assert [has_picture(cell) for cell in cells] == shown
    accuracies = {
        name: float(share) for name, share, _ in map(str.split, said(cells[7]).splitlines())
    }
    # Neither stream can tell more than its half, together they know all.
    assert max(accuracies["spatial"], accuracies["temporal"]) < 60 < 90 < accuracies["average"]
    assert ".avi: amber_sway " in said(cells[9])
    assert list((tmp_path / "tutorial" / "labelled").glob("*.mp4"))
