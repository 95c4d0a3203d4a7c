from types import SimpleNamespace

import numpy as np
import pytest

from core.mislabel import FALSE_ALARMS, MIN_CONFIRMED, conformal_p_values, false_alarm_rates
from core.mislabel.claims import LEAST_WRONG, Voters, confuse, doubt_claims, spread_top

CLASSES, DIMENSIONS = 4, 8
ALONE = np.eye(CLASSES, dtype=bool)
EVEN = np.full((CLASSES, CLASSES), 1 / CLASSES)


def clusters(count, rng):
    """Listings of CLASSES categories, not told apart quite: embeddings and categories."""
    truth = np.arange(count) % CLASSES
    centres = np.eye(CLASSES, DIMENSIONS) * 2.5
    return centres[truth] + rng.normal(size=(count, DIMENSIONS)), truth


@pytest.fixture(scope="module")
def reviewed():
    embeddings, truth = clusters(400, np.random.default_rng(0))
    return SimpleNamespace(
        embeddings=embeddings, truth=truth, voters=Voters.of(embeddings, truth, CLASSES)
    )


def doubt(claimed, *, votes=None, models=(), chances=EVEN, agrees=ALONE):
    claimed = np.asarray(claimed)
    votes = np.full((len(claimed), CLASSES), 1 / CLASSES) if votes is None else votes
    return doubt_claims(models, votes, claimed, chances, agrees)


def test_the_smallest_p_value_can_pass_where_a_twentieth_is_wrong():
    claims = 200
    wrong = round(claims * LEAST_WRONG)
    for confirmed, flagged in ((MIN_CONFIRMED, wrong), (MIN_CONFIRMED - 1, 0)):
        scores = np.r_[np.full(wrong, 2.0), np.zeros(claims - wrong)]
        p_values = conformal_p_values(scores, np.zeros(confirmed))
        shares = false_alarm_rates(p_values)
        assert (shares <= FALSE_ALARMS).sum() == flagged


def test_the_nearest_reviewed_listings_vote(reviewed):
    embeddings, truth = clusters(40, np.random.default_rng(1))

    votes = reviewed.voters.vote(embeddings, np.full(40, -1))

    assert votes.sum(axis=1) == pytest.approx(1)
    assert (votes > 0).all()
    assert (votes.argmax(axis=1) == truth).mean() > 0.8


def test_nobody_votes_on_themselves():
    embeddings = np.eye(3, DIMENSIONS)
    voters = Voters.of(embeddings, np.array([0, 1, 2]), CLASSES)

    others = voters.vote(embeddings, np.array([-1, -1, -1]))
    themselves = voters.vote(embeddings, np.arange(3))

    assert (others.argmax(axis=1) == [0, 1, 2]).all()
    assert (themselves.argmax(axis=1) != [0, 1, 2]).all()


def test_what_a_model_did_not_list_shares_the_rest():
    known = np.array([True, True, True, False])

    found = spread_top(np.array([1]), np.array([0.7]), known)

    assert found[:3] == pytest.approx([0.15, 0.7, 0.15])
    assert 0 < found[3] < 1e-6


def test_each_witness_makes_a_claim_suspect():
    sure = np.array([[0.05, 0.85, 0.05, 0.05]])
    often = np.full((CLASSES, CLASSES), 0.01)
    often[1, 0] = 0.4

    for witness in ({"votes": sure}, {"models": [sure]}, {"chances": often}):
        (wrong, other), (right, _) = doubt([0], **witness), doubt([1], **witness)
        assert wrong[0] > right[0], witness
        assert other[0] == 1


def test_models_speak_together_and_one_twice_is_one():
    one, other = np.array([[0.9, 0.05, 0.03, 0.02]]), np.array([[0.1, 0.8, 0.05, 0.05]])

    alone, _ = doubt([0], models=[one])
    twice, _ = doubt([0], models=[one, one])
    both, _ = doubt([0], models=[one, other])

    assert twice == pytest.approx(alone)
    assert both[0] > alone[0]


def test_a_branch_does_not_contradict_what_lies_in_it():
    agrees = ALONE.copy()
    agrees[0, 1] = agrees[1, 0] = True
    sure = np.array([[0.05, 0.85, 0.05, 0.05]])

    apart, other = doubt([0], models=[sure])
    together, rest = doubt([0], models=[sure], agrees=agrees)

    assert together[0] < 0 < apart[0]
    assert other[0] == 1
    assert rest[0] in {2, 3}


def test_a_claim_that_nothing_contradicts_is_not_suspect():
    found, _ = doubt([0], agrees=np.ones((CLASSES, CLASSES), bool))

    assert found.tolist() == [-np.inf]


def test_pairs_that_were_confused_are_likelier_and_rows_of_chances_are_whole():
    counts = np.diag([50.0, 50.0, 50.0, 50.0])
    counts[1, 0] = 5

    chances = confuse(counts, ALONE)

    assert chances.sum(axis=1) == pytest.approx(1)
    assert chances[1, 0] > chances[2, 0] > 0
    assert chances.diagonal() == pytest.approx(np.full(CLASSES, chances[0, 0]))


def test_a_claim_of_the_branch_counts_as_right():
    agrees = ALONE.copy()
    agrees[0, 1] = agrees[1, 0] = True
    counts = np.diag([50.0, 50.0, 50.0, 50.0])
    branch = counts.copy()
    branch[1, 0] = 20

    chances = confuse(branch, agrees)

    assert chances[1, 0] == chances[1, 1]
    assert chances[0, 0] > confuse(branch, ALONE)[0, 0]


def test_the_share_of_unfounded_flags_keeps_the_promise():
    """Over draws of what was reviewed and what is open, a tenth of it claimed wrongly."""
    rng = np.random.default_rng(2)
    seen, hits = [], []
    for _ in range(80):
        known, theirs = clusters(400, rng)
        voters = Voters.of(known, theirs, CLASSES)
        embeddings, truth = clusters(300, rng)
        claimed = truth.copy()
        claimed[:30] = (truth[:30] + 1) % CLASSES
        scores, _ = doubt(claimed, votes=voters.vote(embeddings, np.full(300, -1)))
        confirmed, _ = doubt(theirs, votes=voters.vote(known, np.arange(400)))
        flagged = false_alarm_rates(conformal_p_values(scores, confirmed)) <= FALSE_ALARMS
        seen.append(flagged[30:].sum() / max(1, flagged.sum()))
        hits.append(flagged[:30].mean())

    assert np.mean(seen) <= FALSE_ALARMS + 2 * np.std(seen) / len(seen) ** 0.5
    assert np.mean(hits) > 0.1
