from types import SimpleNamespace

import numpy as np
import pytest

from core.mislabel import score_labels
from core.mislabel.neighbours import count_votes, find_neighbours
from core.mislabel.refit import OutOfFoldRidge

CLASSES, EACH, DIMENSIONS = 6, 40, 16
FOLDS = np.arange(CLASSES * EACH) % 5


@pytest.fixture(scope="module")
def catalogue():
    """Clusters of listings; every tenth claims to be of the category after its own."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(CLASSES), EACH)
    embeddings = rng.normal(size=(CLASSES, DIMENSIONS))[truth] * 2 + rng.normal(
        size=(len(truth), DIMENSIONS)
    )
    claimed = np.where(np.arange(len(truth)) % 10 == 3, (truth + 1) % CLASSES, truth)
    sure = 0.5 * np.eye(CLASSES)[truth] + 0.5 / CLASSES
    return SimpleNamespace(
        truth=truth,
        embeddings=embeddings,
        claimed=claimed,
        probabilities=sure,
        is_wrong=claimed != truth,
    )


def score(catalogue, **changes):
    given = {**vars(catalogue), **changes}
    return score_labels([given["probabilities"]], given["embeddings"], given["claimed"], FOLDS)


def test_wrong_labels_come_first_with_the_right_suggestion(catalogue):
    found = score(catalogue)

    wrong = np.argsort(-found.wrong)[: catalogue.is_wrong.sum()]
    assert catalogue.is_wrong[wrong].all()
    assert (found.suggested == catalogue.truth).all()


def test_scores_are_probabilities_and_the_joint_counts_every_listing(catalogue):
    found = score(catalogue)

    assert ((found.wrong >= 0) & (found.wrong <= 1)).all()
    assert found.joint.sum() == pytest.approx(len(catalogue.truth))
    assert found.joint.sum(axis=0) == pytest.approx(np.bincount(catalogue.claimed))
    assert found.wrong.sum() == pytest.approx(found.joint.sum() - np.trace(found.joint))


def test_the_embeddings_find_what_the_models_cannot(catalogue):
    clueless = np.full_like(catalogue.probabilities, 1 / CLASSES)

    found = score(catalogue, probabilities=clueless)

    assert found.wrong[catalogue.is_wrong].min() > found.wrong[~catalogue.is_wrong].max()


def test_the_models_find_what_the_embeddings_cannot(catalogue):
    found = score(catalogue, embeddings=np.ones((len(FOLDS), 3)))

    assert found.wrong[catalogue.is_wrong].min() > found.wrong[~catalogue.is_wrong].max()


def test_the_same_model_twice_changes_nothing(catalogue):
    once = score(catalogue)
    twice = score_labels(
        [catalogue.probabilities] * 2, catalogue.embeddings, catalogue.claimed, FOLDS
    )

    assert twice.wrong == pytest.approx(once.wrong)


def test_the_order_of_the_listings_does_not_matter(catalogue):
    order = np.random.default_rng(1).permutation(len(FOLDS))

    found = score_labels(
        [catalogue.probabilities[order]],
        catalogue.embeddings[order],
        catalogue.claimed[order],
        FOLDS[order],
    )

    assert found.wrong == pytest.approx(score(catalogue).wrong[order])


def test_a_pair_that_is_confused_elsewhere_is_doubted_more(catalogue):
    """One listing may as well be 0 as the 1 that it claims, as others of 0 do, or do not."""
    doubtful = np.flatnonzero(~catalogue.is_wrong & (catalogue.truth == 1))[0]
    probabilities = catalogue.probabilities.copy()
    probabilities[doubtful] = [0.46, 0.46, 0.02, 0.02, 0.02, 0.02]
    elsewhere = (catalogue.truth + 2 * catalogue.is_wrong) % CLASSES
    between = catalogue.embeddings.copy()
    between[doubtful] = np.mean([between[catalogue.truth == one].mean(axis=0) for one in (0, 1)], 0)
    seen = {"probabilities": probabilities, "embeddings": between}

    confused = score(catalogue, **seen)
    apart = score(catalogue, **seen, claimed=elsewhere)

    assert confused.wrong[doubtful] > 2 * apart.wrong[doubtful]


def test_neighbours_are_of_other_folds_and_the_likest_first(catalogue):
    directions = catalogue.embeddings / np.linalg.norm(catalogue.embeddings, axis=1)[:, None]

    indices, weights = find_neighbours(directions, FOLDS, count=7)

    assert indices.shape == weights.shape == (len(FOLDS), 7)
    assert (FOLDS[indices] != FOLDS[:, None]).all()
    assert (np.diff(weights, axis=1) <= 0).all()


def test_there_are_no_more_neighbours_than_other_folds_hold():
    indices, _ = find_neighbours(np.eye(5), np.array([0, 0, 0, 1, 1]), count=10)

    assert indices.shape == (5, 2)


def test_a_category_without_neighbours_stays_possible():
    beliefs = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    neighbours = np.array([[1], [0], [0]])

    votes = count_votes(neighbours, np.ones((3, 1)), beliefs)

    assert votes.sum(axis=1) == pytest.approx(1)
    assert (votes > 0).all()
    assert (votes.argmax(axis=1) == 0).all()


def test_the_refit_is_the_ridge_regression_of_the_other_folds(catalogue):
    rows, beliefs = catalogue.embeddings, np.eye(CLASSES)[catalogue.claimed]
    own, rest = FOLDS == 2, FOLDS != 2
    gram = rows[rest].T @ rows[rest] + 0.1 * np.eye(DIMENSIONS)
    weights = np.linalg.solve(gram, rows[rest].T @ (beliefs[rest] - 1 / CLASSES))

    found = OutOfFoldRidge(rows, FOLDS).predict(beliefs)

    assert found[own] == pytest.approx(rows[own] @ weights)


def test_a_listings_own_claim_does_not_count_in_the_refit(catalogue):
    ridge, beliefs = OutOfFoldRidge(catalogue.embeddings, FOLDS), np.eye(CLASSES)[catalogue.claimed]
    changed = beliefs.copy()
    changed[0] = np.eye(CLASSES)[5]

    assert (ridge.predict(changed)[FOLDS == 0] == ridge.predict(beliefs)[FOLDS == 0]).all()
