import io

import numpy as np
import pytest
from PIL import Image

from core.training.data.likeness import find_pairs
from core.training.data.scanning import Fingerprint, make_thumbnail
from core.training.data.splitting import choose_validation, group_samples
from tests.training.fingerprints import fingerprint


def scene(seed: int) -> np.ndarray:
    """Draw (240, 300, 3) uint8: soft patches of colour, as a photo has."""
    rng = np.random.default_rng(seed)
    patches = Image.fromarray(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8))
    return np.asarray(patches.resize((300, 240), Image.Resampling.BICUBIC))


def looked_at(name: str, pixels: np.ndarray) -> Fingerprint:
    return Fingerprint(name, make_thumbnail(np.ascontiguousarray(pixels)))


def saved_again(pixels: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=30)
    return np.asarray(Image.open(buffer))


EDITS = {
    "saved again": saved_again,
    "made smaller": lambda pixels: pixels[::2, ::2],
    "lightened": lambda pixels: np.clip(pixels * 1.1, 0, 255).astype(np.uint8),
    "darkened": lambda pixels: (pixels * 0.9).astype(np.uint8),
    "cut by 1 %": lambda pixels: pixels[3:-3, 3:-3],
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_picture_is_near_identical(edit: str) -> None:
    one, other = looked_at("one", scene(1)), looked_at("other", EDITS[edit](scene(1)))
    assert len(find_pairs([one, other], ["A", "A"])) == 1


def test_other_pictures_colours_and_categories_are_not() -> None:
    one = looked_at("one", scene(1))
    assert not find_pairs([one, looked_at("other", scene(2))], ["A", "A"])
    assert not find_pairs([one, looked_at("recoloured", scene(1)[:, :, ::-1])], ["A", "A"])
    assert not find_pairs([one, looked_at("other label", scene(1))], ["A", "B"])
    assert not find_pairs([one, None], ["A", "A"])


def test_blank_pictures_are_not_compared() -> None:
    rng = np.random.default_rng(0)
    blank = [looked_at(str(n), 250 + rng.integers(0, 5, (40, 40, 3), np.uint8)) for n in range(9)]
    assert not find_pairs(blank, ["A"] * 9)


def test_more_pictures_than_fit_into_a_block_are_all_compared() -> None:
    many = [fingerprint(f"picture {number}") for number in range(1500)]
    many[1400] = fingerprint("again", like="picture 3")
    (pair,) = find_pairs(many, ["A"] * len(many))
    assert (pair.first, pair.second) == (3, 1400)


def drift(count: int) -> list[Fingerprint]:
    """Pictures of a thing that turns slowly: each like the next, the first unlike the last."""
    steps = np.linspace(0, 1, count)
    pixels = [((1 - step) * scene(1) + step * scene(2)).astype(np.uint8) for step in steps]
    return [looked_at(str(number), each) for number, each in enumerate(pixels)]


def test_a_chain_does_not_tie_a_category_together() -> None:
    chain, labels = drift(40), ["A"] * 40
    pairs = find_pairs(chain, labels)
    assert len(pairs) > 39
    groups = group_samples(labels, [each.sha256 for each in chain], [""] * 40, pairs)
    assert np.bincount(groups).max() <= 8
    assert choose_validation(labels, groups, seed=0).sum() == 8


def test_near_identical_pictures_stay_together() -> None:
    found = [fingerprint(f"{n // 2}") if n % 2 else fingerprint(f"near {n}", like=f"{n // 2}")
             for n in range(40)]  # fmt: skip
    labels = ["A"] * 40
    groups = group_samples(
        labels, [each.sha256 for each in found], [""] * 40, find_pairs(found, labels)
    )
    assert groups == [n // 2 * 2 for n in range(40)]
    chosen = choose_validation(labels, groups, seed=0)
    assert np.array_equal(chosen[::2], chosen[1::2])


def test_the_pictures_of_an_item_stay_together() -> None:
    groups = group_samples(["A"] * 6, list("abcdef"), ["i", "", "i", "", "j", "j"], [])
    assert groups == [0, 1, 0, 3, 4, 4]
