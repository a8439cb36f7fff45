"""Curves of trainings."""

from tf_twostream.reports import curves
from tf_twostream.runs import history

POINTS = [history.Point(0.5, -1.0, 20), history.Point(0.75, -0.5, 40)]


def lines(measure, streams):
    [panel] = curves.draw(streams, measure).axes
    return {line.get_label(): line.get_xydata().tolist() for line in panel.lines}


def test_each_stream_and_part_has_a_curve_of_what_was_measured():
    streams = {"spatial": {"training": POINTS, "validation": POINTS[1:]}}
    assert lines("accuracy", streams) == {
        "spatial, training": [[20, 0.5], [40, 0.75]],
        "spatial, validation": [[40, 0.75]],
    }
    assert lines("loss", streams)["spatial, training"] == [[20, 1.0], [40, 0.5]]


def test_what_was_not_measured_has_none():
    streams = {"spatial": {"training": POINTS, "validation": []}}
    assert list(lines("loss", streams)) == ["spatial, training"]


def test_the_legend_lies_outside_of_the_curves():
    drawing = curves.draw({"spatial": {"training": POINTS, "validation": POINTS}}, "loss")
    drawing.canvas.draw()
    [legend], [panel] = drawing.legends, drawing.axes
    assert legend.get_window_extent().y1 < panel.get_window_extent().y0
