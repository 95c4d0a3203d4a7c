import numpy as np
import pytest

from core.similarity.regions import Box, find_changed_box


def test_one_part_that_differs_is_boxed() -> None:
    apart = np.zeros((200, 400), np.uint8)
    apart[50:90, 100:180] = 120
    box = find_changed_box(apart)
    assert box is not None
    np.testing.assert_allclose(
        [box.left, box.top, box.right, box.bottom], [0.25, 0.25, 0.45, 0.45], atol=0.02
    )


@pytest.mark.parametrize("level", [0, 30])
def test_what_a_file_format_does_is_no_region(level: int) -> None:
    assert find_changed_box(np.full((200, 400), level, np.uint8)) is None


def test_what_differs_all_over_is_no_region() -> None:
    assert find_changed_box(np.full((200, 400), 150, np.uint8)) is None


def test_single_pixels_are_no_region() -> None:
    apart = np.zeros((200, 400), np.uint8)
    apart[::20, ::20] = 255
    assert find_changed_box(apart) is None


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (Box(0.4, 0.4, 0.9, 0.9), True),
        (Box(0.1, 0.1, 0.2, 0.2), True),
        (Box(0.5, 0.0, 1.0, 0.5), False),
        (Box(0.0, 0.6, 0.5, 1.0), False),
    ],
)
def test_boxes_meet_where_they_have_something_in_common(other: Box, meets: bool) -> None:
    box = Box(0.0, 0.0, 0.5, 0.5)
    assert box.meets(other) == other.meets(box) == meets
