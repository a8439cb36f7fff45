"""RGB frames as JPEG images."""

import numpy as np
import pytest

from tf_twostream.store import coding


def test_colours_come_back_in_their_order():
    frame = np.zeros((16, 24, 3), np.uint8)
    frame[:, :12, 0] = frame[:, 12:, 2] = 200  # Red on the left, blue on the right.
    decoded = coding.decode(coding.encode(frame))
    assert decoded.shape == frame.shape and decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - frame).mean() < 5


@pytest.mark.parametrize("image", [b"", b"no image"])
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ValueError, match=f"Received: {len(image)} bytes"):
        coding.decode(image)
