"""Logos found on photos, drawn and altered as the benchmark does it."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.drawn_logos import LOGOS, TREATMENTS, Logo, Pasted, paste, resize
from core.similarity.details import Detail, Sighting, find_detail, find_keypoints, take_detail
from core.similarity.regions import Change, find_change
from tests.similarity.conftest import draw_photo

LOGO = next(logo for logo in LOGOS if logo.word == "VOLTEK")
OTHER = next(logo for logo in LOGOS if logo.word == "VERDUM")


@pytest.fixture(scope="module")
def detail() -> Detail:
    return take_detail(LOGO.on_white())


def show(kind: str, *, logo: Logo = LOGO, seed: int = 3) -> Pasted:
    return paste(draw_photo(1), logo, TREATMENTS[kind], np.random.default_rng(seed))


def find(detail: Detail, pasted: Pasted) -> Sighting:
    found = find_detail(detail, find_keypoints(pasted.pixels))
    assert found is not None
    return found


def change(detail: Detail, kind: str) -> Change:
    pasted = show(kind)
    return find_change(detail, LOGO.on_white(), pasted.pixels, find(detail, pasted))


@pytest.mark.parametrize("kind", ["pasted", "mirrored", "stretched", "hue"])
def test_a_logo_is_found_where_it_is(detail: Detail, kind: str) -> None:
    pasted = show(kind)
    found = find(detail, pasted)
    corners = found.corners((480, 360))
    if kind == "mirrored":
        corners = corners[[1, 0, 3, 2]]
    np.testing.assert_allclose(corners, pasted.corners, atol=12)
    assert found.mirrored == (kind == "mirrored")
    assert (found.stretch((480, 360)) > 1.2) == (kind == "stretched")


@pytest.mark.parametrize("kind", ["turned", "tilted", "covered", "letter"])
def test_a_logo_is_found_turned_tilted_covered_and_with_another_letter(
    detail: Detail, kind: str
) -> None:
    pasted = show(kind)
    middle = find(detail, pasted).corners((480, 360)).mean(axis=0)
    assert (middle > pasted.corners.min(axis=0)).all()
    assert (middle < pasted.corners.max(axis=0)).all()


def test_no_logo_is_found_where_none_or_another_is(detail: Detail) -> None:
    assert find_detail(detail, find_keypoints(resize(draw_photo(2)))) is None
    assert find_detail(detail, find_keypoints(show("pasted", logo=OTHER).pixels)) is None


def test_nothing_is_found_on_or_of_what_is_plain(detail: Detail) -> None:
    plain = np.full((300, 400, 3), 90, np.uint8)
    assert find_detail(detail, find_keypoints(plain)) is None
    assert find_detail(take_detail(plain), find_keypoints(show("pasted").pixels)) is None


def test_the_same_pictures_give_the_same_answer(detail: Detail) -> None:
    keypoints = find_keypoints(show("tilted").pixels)
    first, second = (find_detail(detail, keypoints) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.matrix.tolist() == second.matrix.tolist()


def test_a_logo_as_it_should_be_is_not_said_to_be_changed(detail: Detail) -> None:
    assert not change(detail, "pasted").is_any


def test_other_colours_are_told(detail: Detail) -> None:
    found = change(detail, "hue")
    assert found.is_recoloured
    assert not found.is_mirrored


def test_a_mirrored_logo_is_told(detail: Detail) -> None:
    assert change(detail, "mirrored").is_mirrored
    assert not change(detail, "mirrored").is_recoloured


@pytest.mark.parametrize(("word", "left", "right"), [("VOLTEP", 0.8, 1.0), ("VALTEK", 0.1, 0.4)])
def test_the_box_of_another_letter_lies_on_it(
    detail: Detail, word: str, left: float, right: float
) -> None:
    pasted = show("pasted", logo=replace(LOGO, word=word))
    box = find_change(detail, LOGO.on_white(), pasted.pixels, find(detail, pasted)).box
    assert box is not None
    assert box.top > 0.5
    assert left <= box.left < box.right <= right
