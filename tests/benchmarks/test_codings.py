import cv2
import numpy as np
from read_table import cells

from tf_twostream.benchmarks import codings


def test_codings_are_compared_by_bytes_errors_and_time(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (24, 34)).astype(np.uint8)
    for number in (10, 11):
        (tmp_path / "moving").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"moving/frame{number}.png"), noise[:, number - 10 :][:, :32])
    header, _, *rows = cells(codings.measure(str(tmp_path), "farneback", seconds=0))
    assert [row[0] for row in rows] == ["jpeg", "raw", "raw in zlib"]
    assert rows[1][1] == "1,536" and rows[0][4] == "1.00"
    jpeg, raw = (float(row[2].split(" / ")[0]) for row in rows[:2])
    assert 0 < raw < jpeg
