"""Whether heat maps point at the same part of a photo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.explain.agreement import BY_CHANCE, GRID, HOTTEST, Grid, mean_overlap, to_grid


def noise(seed: int) -> Grid:
    return np.random.default_rng(seed).random((GRID, GRID)).astype(np.float32)


def rows(first: int, count: int) -> Grid:
    """A map that is hot in some rows only."""
    grid = np.zeros((GRID, GRID), np.float32)
    grid[first : first + count] = np.linspace(0.5, 1, GRID)
    return grid


def test_the_same_map_overlaps_wholly_whatever_its_scale() -> None:
    assert mean_overlap([noise(0), noise(0) * 0.1]) == pytest.approx(1)


def test_hot_areas_apart_do_not_overlap() -> None:
    assert mean_overlap([rows(0, 7), rows(14, 7)]) == 0


def test_half_an_area_in_common_is_a_half() -> None:
    fifth = np.zeros(GRID * GRID, np.float32)
    one, other = fifth.copy(), fifth.copy()
    room = int(HOTTEST * fifth.size)
    one[: room + 1] = 1
    other[room // 2 : room // 2 + room + 1] = 1
    grids = [each.reshape(GRID, GRID) for each in (one, other)]
    assert mean_overlap(grids) == pytest.approx(0.5, abs=0.02)


def test_unrelated_maps_come_to_what_chance_gives() -> None:
    found = [mean_overlap([noise(2 * n), noise(2 * n + 1)]) for n in range(200)]
    assert np.mean([each for each in found if each is not None]) == pytest.approx(
        BY_CHANCE, abs=0.01
    )


def test_three_maps_are_the_mean_of_their_pairs() -> None:
    maps = [noise(n) for n in range(3)]
    pairs = [mean_overlap([maps[a], maps[b]]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert mean_overlap(maps) == pytest.approx(np.mean([each or 0 for each in pairs]))


def test_a_map_without_heat_says_nothing() -> None:
    cold = np.zeros((GRID, GRID), np.float32)
    assert mean_overlap([cold, noise(0)]) is None
    assert mean_overlap([cold, noise(0), noise(0)]) == pytest.approx(1)
    assert mean_overlap([]) is None


@given(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=GRID**2, max_size=GRID**2))
def test_equal_heat_at_the_edge_counts_in_part_and_order_does_not(heat: list[float]) -> None:
    one = np.array(heat, np.float32).reshape(GRID, GRID) + 0.01
    other = noise(1)
    found = mean_overlap([one, other])
    assert found is not None
    assert 0 <= found <= 1 + 1e-9
    assert mean_overlap([other, one]) == pytest.approx(found)
    assert mean_overlap([one, one]) == pytest.approx(1)


def test_a_grid_has_the_mean_heat_of_each_cell() -> None:
    heat = np.zeros((GRID * 2, GRID * 3), np.float32)
    heat[:2, :3] = [[0, 0.5, 1], [0, 0.5, 1]]
    grid = to_grid(heat)
    assert grid.shape == (GRID, GRID)
    assert grid[0, 0] == pytest.approx(0.5)
    assert grid.sum() == pytest.approx(0.5)
