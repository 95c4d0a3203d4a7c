import json
from dataclasses import fields, replace
from typing import get_args

import pytest

from core.errors import InvalidInputError
from core.models import ARCHITECTURES
from core.models.architectures import STEMS
from core.models.custom_cnn import ATTENTION
from core.training import DEFAULTS, IMBALANCE, PRESETS, Recipe, TrainingRequest, parse_changes
from core.training.presets import make_recipe
from core.training.recipe import Attention, Stem


def test_every_architecture_has_a_default() -> None:
    assert DEFAULTS.keys() == ARCHITECTURES.keys()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_preset_suits_every_architecture(arch: str, preset: str) -> None:
    recipe = make_recipe(arch, preset, {})
    assert recipe.arch == arch
    assert Recipe(**json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_preset_names_only_architectures_that_there_are() -> None:
    assert {arch for preset in PRESETS.values() for arch in preset.by_arch} <= ARCHITECTURES.keys()


def test_changes_win_over_the_preset_and_the_preset_over_the_default() -> None:
    assert make_recipe("vit", "default", {}).image_size_px == 224
    assert make_recipe("vit", "quick", {}).image_size_px == 64
    assert make_recipe("vit", "quick", {"image_size_px": 96}).image_size_px == 96


def test_a_batch_size_changed_alone_takes_the_learning_rate_along() -> None:
    base = make_recipe("custom_cnn", "default", {})
    quarter = {"batch_size": base.batch_size // 4}
    assert make_recipe("custom_cnn", "default", quarter).learning_rate == base.learning_rate / 2
    both = quarter | {"learning_rate": 0.5}
    assert make_recipe("custom_cnn", "default", both).learning_rate == 0.5


def test_a_small_image_and_random_weights_turn_off_what_does_not_suit_them() -> None:
    recipe = make_recipe("efficientnet_lite0", "default", {"image_size_px": 64, "weights": "none"})
    assert (recipe.start_size_px, recipe.frozen) == (0, 0)
    kept = make_recipe("efficientnet_lite0", "default", {"image_size_px": 192})
    assert kept.start_size_px == DEFAULTS["efficientnet_lite0"].start_size_px
    small = make_recipe("vit", "distilled", {"image_size_px": 64})
    assert (small.start_size_px, small.end_size_px) == (64, 0)
    assert make_recipe("vit", "distilled", {"image_size_px": 224}).size_at(150) == 224


def test_a_large_image_is_shown_to_the_teacher_at_its_own_size() -> None:
    assert make_recipe("resnet50", "distilled", {}).teacher_size_px == 160
    large = {"image_size_px": 224}
    assert make_recipe("resnet50", "distilled", large).teacher_size_px == 0
    both = large | {"teacher_size_px": 256}
    assert make_recipe("resnet50", "distilled", both).teacher_size_px == 256


def test_a_request_survives_json() -> None:
    request = TrainingRequest("vit", "data", "quick", {"epochs": 3, "weights": "none"})
    assert TrainingRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"image_size_px": 8}, "image_size_px is 8"),
        ({"start_size_px": 500}, "start_size_px is 500"),
        ({"end_size_px": 500}, "end_size_px is 500"),
        ({"end_size_px": 64, "start_size_px": 96}, "start_size_px is 96.* end_size_px, 64"),
        ({"stem": "roots"}, "patches, convolutions"),
        ({"teacher_size_px": 64}, "teacher_size_px is 64"),
        ({"teacher_size_px": 250}, "multiples of 16"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"keep": "first"}, "best, last"),
        ({"attention": "self"}, "cbam"),
        ({"imbalance": "hope"}, "'hope'.*focal"),
        ({"frozen": 0.5}, "pretrained"),
        ({"batch_statistics": False}, "pretrained"),
        ({"colour": "red"}, "'colour'.*image_size_px"),
        ({"arch": "vit"}, "'arch'"),
    ],
)
def test_a_value_out_of_range_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        make_recipe("custom_cnn", "default", changes)


def test_what_only_the_custom_cnn_has_is_refused_for_others() -> None:
    for changes in ({"scaling": "unit"}, {"attention": "cbam"}):
        make_recipe("custom_cnn", "default", changes)
        with pytest.raises(InvalidInputError, match="custom_cnn"):
            make_recipe("resnet50", "default", changes)


def test_what_a_recipe_may_name_is_what_there_is() -> None:
    assert get_args(Stem) == tuple(STEMS)
    assert get_args(Attention) == tuple(ATTENTION)


def test_pretrained_transformers_look_at_patches() -> None:
    assert make_recipe("vit", "distilled", {}).stem == "convolutions"
    assert make_recipe("vit", "distilled", {"weights": "hub"}).stem == "patches"
    assert make_recipe("vit", "default", {}).stem == "patches"
    random = make_recipe("vit", "default", {"weights": "none"})
    assert (random.stem, random.layer_decay) == ("convolutions", 1)
    assert make_recipe("vit", "published", {"weights": "none"}).stem == "patches"
    for arch in ("vit", "resnet50"):
        with pytest.raises(InvalidInputError, match=f"{arch} with 'hub'"):
            make_recipe(arch, "default", {"stem": "convolutions"})
    with pytest.raises(InvalidInputError, match="stem_from is '7'"):
        make_recipe("vit", "default", {"stem_from": "7"})
    own = {"stem": "convolutions", "weights": "file:own.safetensors"}
    assert make_recipe("vit", "default", own).stem == "convolutions"


def test_a_teacher_teaches_all_of_a_network() -> None:
    taught = {"teacher": "efficientnet_lite0"}
    assert make_recipe("resnet50", "default", taught).full is None
    with pytest.raises(InvalidInputError, match="classifier alone"):
        make_recipe("resnet50", "default", taught | {"full": False})


def test_the_vit_takes_only_whole_patches() -> None:
    with pytest.raises(InvalidInputError, match="multiples of 16"):
        make_recipe("vit", "default", {"image_size_px": 100})


@pytest.mark.parametrize("arch", ["", "alexnet"])
def test_unknown_architectures_and_presets_are_named(arch: str) -> None:
    with pytest.raises(InvalidInputError, match="custom_cnn"):
        make_recipe(arch, "default", {})
    with pytest.raises(InvalidInputError, match="published"):
        make_recipe("vit", "slow", {})


@pytest.mark.parametrize("key", IMBALANCE)
def test_each_way_against_imbalance_may_be_chosen(key: str) -> None:
    assert make_recipe("custom_cnn", "default", {"imbalance": key}).imbalance == key


@pytest.mark.parametrize("key", IMBALANCE)
def test_the_labels_loss_is_not_changed_where_the_teachers_is_the_only_one(key: str) -> None:
    changes = {"imbalance": key, "teacher": "7"}
    assert make_recipe("custom_cnn", "default", changes | {"teacher_share": 0.5})
    if key in ("none", "oversample", "oversample_sqrt"):
        assert make_recipe("custom_cnn", "default", changes)
        return
    with pytest.raises(InvalidInputError, match="teacher_share 1"):
        make_recipe("custom_cnn", "default", changes)


def test_two_ways_against_imbalance_are_refused_but_in_the_published_workflow() -> None:
    both = {"imbalance": "oversample+class_weights"}
    with pytest.raises(InvalidInputError, match="1/n"):
        make_recipe("custom_cnn", "default", both)
    assert make_recipe("custom_cnn", "published", both).imbalance == both["imbalance"]


def test_texts_become_values_of_their_fields() -> None:
    texts = ["epochs=3", "jitter = 0.5", "mirrored=true", "full=no", "weights=file:a=b.pth"]
    assert parse_changes(texts) == {
        "epochs": 3,
        "jitter": 0.5,
        "mirrored": True,
        "full": False,
        "weights": "file:a=b.pth",
    }


@pytest.mark.parametrize("text", ["epochs", "epochs=many", "mirrored=maybe", "hue=1", "=3"])
def test_texts_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_changes([text])


def test_every_number_has_a_range() -> None:
    for field in fields(Recipe):
        if field.type in ("int", "float", int, float):
            recipe = make_recipe("custom_cnn", "default", {})
            with pytest.raises(InvalidInputError, match=field.name):
                make_recipe("custom_cnn", "default", {field.name: -1})
            assert replace(recipe, **{field.name: -1}) != recipe


def test_pictures_grow_to_their_full_size() -> None:
    recipe = make_recipe(
        "vit", "default", {"start_size_px": 96, "image_size_px": 224, "epochs": 20}
    )
    sizes = [recipe.size_at(epoch) for epoch in range(1, 21)]
    assert sizes[0] == 96
    assert sizes == sorted(sizes)
    assert all(size % 16 == 0 for size in sizes)
    assert sizes[-5:] == [224] * 5
    assert {make_recipe("vit", "default", {}).size_at(epoch) for epoch in (1, 12)} == {224}


def test_pictures_may_stay_smaller_in_training_than_they_are_in_use() -> None:
    recipe = make_recipe(
        "custom_cnn", "default", {"start_size_px": 64, "end_size_px": 96, "epochs": 20}
    )
    assert recipe.image_size_px == 128
    assert [recipe.size_at(epoch) for epoch in (1, 16, 20)] == [64, 96, 96]
    for end in (80, 96):
        constant = replace(recipe, start_size_px=0, end_size_px=end)
        assert {constant.size_at(epoch) for epoch in range(1, 21)} == {end}
