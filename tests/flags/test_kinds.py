import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.flags import FLAG_KINDS, Evidence, raise_flags, reason
from core.mislabel import FALSE_ALARMS, JudgedClaim
from db.rows import FlagRow
from db.states import FlagSeverity
from tests.flags.cases import AGREED, CASES, SOUND, SOUND_MEASURES, UNKNOWN

PATHS = ("Home > Mug", "Home > Lamp", "Home", "Toys > Ball")


def kinds(evidence):
    return [finding.kind for finding in raise_flags(evidence)]


def test_every_kind_has_a_case():
    assert set(CASES) == set(FLAG_KINDS)


def test_sound_evidence_raises_nothing():
    assert raise_flags(SOUND) == ()


@pytest.mark.parametrize("key", FLAG_KINDS)
def test_the_case_of_a_kind_raises_it_alone_with_a_reason(key):
    evidence, part = CASES[key]

    (finding,) = raise_flags(evidence)

    assert finding.kind == key
    assert 0 < finding.score <= 1
    assert part in reason(key, finding.detail)


@pytest.mark.parametrize("key", FLAG_KINDS)
def test_a_reason_is_one_sentence_and_survives_the_database(key):
    (finding,) = raise_flags(CASES[key][0])

    stored = json.loads(json.dumps(finding.detail))

    text = reason(key, stored)
    assert text == reason(key, finding.detail)
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize("key", FLAG_KINDS)
def test_a_kind_fits_into_the_database(key):
    assert len(key) <= FlagRow.kind.type.length
    assert FLAG_KINDS[key].severity in set(FlagSeverity)


def test_a_model_that_is_not_sure_does_not_disagree():
    predictions = AGREED | {"custom_cnn": (("Home > Lamp", 0.49),)}

    assert kinds(replace(SOUND, predictions=predictions)) == []


def test_disagreement_names_the_surest_first_and_scores_the_other():
    (finding,) = raise_flags(CASES["models_disagree"][0])

    assert [opinion["model"] for opinion in finding.detail["opinions"]] == [
        "resnet50",
        "custom_cnn",
    ]
    assert finding.score == 0.7


@pytest.mark.parametrize("claimed", ["Home", "Home > Mug", "Home > Mug > Large"])
def test_a_claim_on_the_same_branch_agrees(claimed):
    assert kinds(replace(SOUND, claimed=claimed)) == []


def judged(share):
    return JudgedClaim("Home > Bowl", "Home > Mug", 0.004, share, 12, 500)


def test_a_claim_beside_reviewed_ones_goes_by_its_rate_and_not_by_the_margin():
    evidence = replace(SOUND, claimed="Home > Bowl")

    assert kinds(evidence) == ["claimed_mismatch"]
    assert kinds(replace(evidence, claim=judged(FALSE_ALARMS + 0.01))) == []
    (finding,) = raise_flags(replace(SOUND, claim=judged(FALSE_ALARMS)))
    assert (finding.kind, finding.score) == ("claimed_mismatch", 0.996)
    text = reason(finding.kind, json.loads(json.dumps(finding.detail)))
    assert "Offered as Home > Bowl, but it looks like Home > Mug" in text
    assert "fewer than 0.5% of 500 right claims" in text
    assert "of the 12 flagged so in this batch expect at most 10%" in text


def test_a_name_that_only_starts_alike_is_another_branch():
    assert kinds(replace(SOUND, claimed="Home > Mugs")) == ["claimed_mismatch"]


def test_without_a_claim_or_a_prediction_nothing_mismatches():
    assert kinds(replace(SOUND, claimed=None)) == []
    assert kinds(replace(SOUND, predictions={}, claimed="Toys > Ball")) == []


def test_a_category_one_model_left_out_counts_as_improbable():
    evidence = Evidence(SOUND_MEASURES, {"a": (("X", 0.8),), "b": (("Y", 0.6), ("X", 0.2))})

    assert evidence.mean_probabilities() == pytest.approx({"X": 0.5, "Y": 0.3})


@pytest.mark.parametrize(
    "changes",
    [{"p_value": 0.021}, {"p_value": None}, {"known": 49}, {"recognised": "Home > Mug"}],
)
def test_a_photo_is_not_unknown_without_reason(changes):
    novelty = replace(UNKNOWN, **changes)
    assert kinds(replace(SOUND, novelty=novelty)) == []


def test_an_unknown_product_is_told_with_the_nearest_categories():
    (finding,) = raise_flags(replace(SOUND, novelty=UNKNOWN))
    text = reason(finding.kind, finding.detail)
    assert text.endswith("nearest: Home > Mug, Home > Bowl.")
    assert finding.score == 0.99


@given(
    st.dictionaries(
        st.sampled_from(("custom_cnn", "resnet50", "vit")),
        st.lists(
            st.tuples(st.sampled_from(PATHS), st.floats(0, 1)),
            min_size=1,
            max_size=4,
            unique_by=lambda each: each[0],
        ).map(lambda top: tuple(sorted(top, key=lambda each: -each[1]))),
    ),
    st.none() | st.sampled_from(PATHS),
)
def test_any_predictions_give_scores_from_0_to_1_and_reasons(predictions, claimed):
    for finding in raise_flags(Evidence(SOUND_MEASURES, predictions, claimed)):
        assert 0 <= finding.score <= 1.0001
        assert reason(finding.kind, finding.detail)


@pytest.mark.parametrize("key", FLAG_KINDS)
def test_what_another_version_kept_is_shown_as_it_is(key):
    assert reason(key, {"old": 1}) == "kept by another version, without a reason: {'old': 1}."
