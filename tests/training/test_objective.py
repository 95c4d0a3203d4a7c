from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from core.training.objective import Objective, count_batches, draw_batches, make_mixing
from core.training.presets import make_recipe
from core.training.recipe import Recipe
from core.training.teaching import Lesson

SIZES = np.array([80, 15, 5])
TARGETS = np.repeat([0, 1, 2], SIZES)
CPU = torch.device("cpu")


def recipe(preset: str = "default", **changes: object) -> Recipe:
    return make_recipe(
        "custom_cnn", preset, {"label_smoothing": 0.0, "mixup": 0.0, "cutmix": 0.0, **changes}
    )


def one_hot(*labels: int) -> torch.Tensor:
    return functional.one_hot(torch.tensor(labels), 3).float()


def objective(**changes: object) -> Objective:
    return Objective(SIZES, recipe(**changes), CPU)


def seen(**changes: object) -> np.ndarray:
    """How often each category comes in many epochs, as a share."""
    rng = np.random.default_rng(0)
    batches = [
        batch
        for _ in range(50)
        for batch in draw_batches(np.arange(100), TARGETS, recipe(**changes), rng)
    ]
    return np.bincount(TARGETS[np.concatenate(batches)]) / (50 * 100)


@given(count=st.integers(2, 500), batch_size=st.integers(2, 64))
def test_an_epoch_shows_every_picture_once_in_batches_of_nearly_equal_size(
    count: int, batch_size: int
) -> None:
    chosen = recipe(batch_size=batch_size)
    batches = draw_batches(
        np.arange(count), np.zeros(count, np.int64), chosen, np.random.default_rng(0)
    )
    assert sorted(np.concatenate(batches)) == list(range(count))
    assert len(batches) == count_batches(np.arange(count), chosen)
    sizes = {len(batch) for batch in batches}
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 2


def test_oversampling_shows_categories_equally_often_or_nearly_so() -> None:
    np.testing.assert_allclose(seen(), SIZES / 100)
    np.testing.assert_allclose(seen(imbalance="oversample"), 1 / 3, atol=0.03)
    roots = np.sqrt(SIZES) / np.sqrt(SIZES).sum()
    np.testing.assert_allclose(seen(imbalance="oversample_sqrt"), roots, atol=0.03)


def test_the_loss_is_the_cross_entropy_when_nothing_is_chosen() -> None:
    logits = torch.randn(4, 3)
    expected = functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0]))
    torch.testing.assert_close(objective()(logits, one_hot(0, 1, 2, 0)), expected)


def test_class_weights_are_those_of_torch() -> None:
    logits, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    weights = torch.from_numpy(1 / SIZES).float()
    expected = functional.cross_entropy(logits, labels, weight=weights)
    found = objective(imbalance="class_weights")(logits, one_hot(0, 1, 2, 0))
    torch.testing.assert_close(found, expected)


def test_a_balanced_softmax_learns_the_prior_away() -> None:
    """Logits that say nothing give the frequencies; so the network need not learn them."""
    loss = objective(imbalance="balanced_softmax")(torch.zeros(1, 3), one_hot(0))
    assert loss.item() == pytest.approx(-np.log(0.8))


def test_the_focal_loss_cares_little_for_what_is_easy() -> None:
    easy, hard = torch.tensor([[4.0, 0, 0]]), torch.tensor([[0.0, 4, 0]])
    plain, focal = objective(), objective(imbalance="focal")
    ratio = [(loss(easy, one_hot(0)) / loss(hard, one_hot(0))).item() for loss in (plain, focal)]
    assert ratio[1] < ratio[0] / 100


def test_the_focal_loss_smooths_labels_too() -> None:
    logits = torch.tensor([[4.0, 0, 0]])
    chance = functional.softmax(logits, dim=1)
    wanted = torch.tensor([[0.8, 0.1, 0.1]])
    expected = -(wanted * (1 - chance) ** 2 * chance.log()).sum()
    found = objective(imbalance="focal", label_smoothing=0.3)(logits, one_hot(0))
    torch.testing.assert_close(found, expected)


def test_the_published_preset_corrects_twice_so_that_a_category_weighs_one_over_n() -> None:
    chosen = recipe("published")
    rng = np.random.default_rng(0)
    gradient = torch.zeros(3)
    for _ in range(20):
        for batch in draw_batches(np.arange(100), TARGETS, chosen, rng):
            logits = torch.zeros(len(batch), 3, requires_grad=True)
            Objective(SIZES, chosen, CPU)(logits, one_hot(*TARGETS[batch].tolist())).backward()
            assert logits.grad is not None
            pulls = -logits.grad.gather(1, torch.from_numpy(TARGETS[batch])[:, None])[:, 0]
            gradient += torch.zeros(3).index_add(0, torch.from_numpy(TARGETS[batch]), pulls)
    assert gradient[2] / gradient[0] == pytest.approx(SIZES[0] / SIZES[2], rel=0.5)


def test_a_student_that_agrees_with_its_teacher_has_no_loss() -> None:
    learner = objective(teacher="vit", teacher_temperature=2.0)
    logits = torch.randn(4, 3)
    targets, lesson = one_hot(0, 1, 2, 0), Lesson(logits, torch.zeros(4, 5, 2, 2))
    assert learner(logits, targets, lesson).item() == pytest.approx(0, abs=1e-6)
    assert learner(-logits, targets, lesson).item() > 0.1


def test_features_that_point_where_the_teachers_do_have_no_loss() -> None:
    learner = objective(teacher="vit", teacher_features=3.0)
    logits, shown = torch.randn(4, 3), torch.randn(4, 5, 2, 2)
    shown -= shown.mean(dim=(0, 2, 3), keepdim=True)
    common = torch.randn(5, 1, 1)
    targets, lesson = one_hot(0, 1, 2, 0), Lesson(logits, shown + common)
    assert learner(logits, targets, lesson, 7 * shown).item() == pytest.approx(0, abs=1e-5)
    assert learner(logits, targets, lesson, -shown).item() == pytest.approx(6, abs=1e-4)
    assert learner(logits, targets, lesson, shown.flip(3)).item() > 1


def test_labels_and_teacher_share_the_loss() -> None:
    logits, targets = torch.randn(4, 3), one_hot(0, 1, 2, 0)
    lesson = Lesson(torch.randn(4, 3), torch.zeros(4, 5, 2, 2))
    losses = [
        objective(teacher="vit", teacher_share=share)(logits, targets, lesson)
        for share in (0.0, 0.5, 1.0)
    ]
    torch.testing.assert_close(losses[1], (losses[0] + losses[2]) / 2)
    torch.testing.assert_close(losses[0], objective()(logits, targets))


@pytest.mark.parametrize("changes", [{"mixup": 0.5}, {"cutmix": 0.5}, {"mixup": 1, "cutmix": 1}])
def test_mixing_keeps_the_sum_of_the_targets(changes: dict[str, float]) -> None:
    torch.manual_seed(0)
    mix: Callable[..., tuple[torch.Tensor, torch.Tensor]] = make_mixing(recipe(**changes))
    images, targets = mix(torch.rand(4, 3, 16, 16), torch.cat([one_hot(0, 1, 2, 0)] * 2, dim=1))
    assert images.shape == (4, 3, 16, 16)
    torch.testing.assert_close(targets.sum(dim=1), torch.full((4,), 2.0))
    assert (targets.max(dim=1).values < 1).any()


def test_without_mixing_nothing_is_mixed() -> None:
    images, targets = torch.rand(4, 3, 8, 8), one_hot(0, 1, 2, 0)
    assert make_mixing(recipe())(images, targets) == (images, targets)
