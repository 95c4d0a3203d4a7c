import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import InvalidInputError, NotFoundError, UnreadableImageError
from core.imaging import DecodedImage, ImageLimits
from core.inference import Classifier, InferenceOptions, Outcome
from core.models import Embedder, LoadedModel
from core.models.architectures import embed
from core.models.devices import choose_device, choose_dtype
from core.models.preprocessing import crop, normalise
from tests.networks import LABELS, SIZE_PX, draw_pixels, draw_png, load_random

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=1_000_000)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[LoadedModel]:
    """Two networks with the same geometry, and one with another."""
    folder = tmp_path_factory.mktemp("models")
    return [
        load_random(folder, "custom_cnn", seed=1, temperature=2.5),
        load_random(folder, "vit", seed=2),
        load_random(folder, "resnet50", seed=3, size_px=48),
    ]


def make_classifier(models: list[LoadedModel], **options: object) -> Classifier:
    return Classifier(models, InferenceOptions(LIMITS, device="cpu", **options))  # type: ignore[arg-type]


def reads(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def mean(image: DecodedImage) -> float:
    return float(image.pixels.mean())


def test_every_model_sees_what_it_would_see_alone(models: list[LoadedModel]) -> None:
    pictures = {seed: draw_pixels(48, 40, seed=seed) for seed in range(5)}
    items = [(seed, reads(draw_png(seed=seed))) for seed in pictures]
    classifier = make_classifier(models, batch_size=2, precision="float32")
    outcomes = list(classifier.classify(items, mean))
    assert sorted(outcome.key for outcome in outcomes) == list(pictures)
    for outcome in outcomes:
        assert outcome.size_px == (48, 40)
        assert outcome.measures == pytest.approx(pictures[outcome.key].mean())
        for model in models:
            expected = predict_alone(model, pictures[outcome.key])
            found = outcome.top[model.digest]
            np.testing.assert_allclose(found.probabilities, np.sort(expected)[::-1], atol=1e-4)
            assert found.label_indices[0] == expected.argmax()


def predict_alone(model: LoadedModel, pixels: np.ndarray) -> np.ndarray:
    seen = torch.tensor(crop(pixels, model.preprocessing.geometry)[None])
    with torch.inference_mode():
        logits = model.network(normalise(seen, model.preprocessing))
    return torch.softmax(logits / model.temperature, dim=1)[0].numpy()


def test_probabilities_are_ordered_and_no_more_than_asked_for(models: list[LoadedModel]) -> None:
    outcome = next(make_classifier(models, top_k=2).classify([(1, reads(draw_png()))], mean))
    for top in outcome.top.values():
        assert top.label_indices.shape == top.probabilities.shape == (2,)
        assert top.probabilities.dtype == np.float32
        assert top.probabilities[0] >= top.probabilities[1]


def make_embedder(model: LoadedModel) -> Embedder:
    return Embedder("a-space", model.preprocessing, model.network)


def test_the_embedding_is_the_embedders_and_has_length_one(models: list[LoadedModel]) -> None:
    options = InferenceOptions(LIMITS, device="cpu", precision="float32")
    classifier = Classifier(models[:1], options, make_embedder(models[2]))  # of another size
    outcome = next(classifier.classify([(1, reads(draw_png()))], mean))
    expected = embed_alone(models[2], draw_pixels(48, 40))
    assert set(outcome.top) == {models[0].digest}
    assert outcome.embedding_space == "a-space"
    assert outcome.embedding.dtype == np.float16
    np.testing.assert_allclose(outcome.embedding, expected / np.linalg.norm(expected), atol=1e-3)


def embed_alone(model: LoadedModel, pixels: np.ndarray) -> np.ndarray:
    seen = torch.tensor(crop(pixels, model.preprocessing.geometry)[None])
    with torch.inference_mode():
        return embed(model.network, normalise(seen, model.preprocessing))[0].numpy()


def test_without_the_embedder_there_is_no_embedding(models: list[LoadedModel]) -> None:
    outcome = next(make_classifier(models[:1]).classify([(1, reads(draw_png()))], mean))
    assert outcome.embedding is None
    assert outcome.embedding_space is None


def test_an_embedder_needs_no_model(models: list[LoadedModel]) -> None:
    classifier = Classifier([], InferenceOptions(LIMITS, device="cpu"), make_embedder(models[0]))
    outcome = next(classifier.classify([(1, reads(draw_png()))], mean))
    assert outcome.top == {}
    assert outcome.embedding is not None


def test_without_models_pictures_are_still_measured() -> None:
    outcome = next(make_classifier([]).classify([(1, reads(draw_png()))], mean))
    assert outcome.error is None
    assert outcome.measures is not None
    assert outcome.top == {}


def test_an_unreadable_picture_stops_nobody(models: list[LoadedModel]) -> None:
    def missing() -> bytes:
        raise NotFoundError("no image 0000")

    items = [("good", reads(draw_png())), ("text", reads(b"hello")), ("missing", missing)]
    items += [("empty", reads(b"")), ("last", reads(draw_png(seed=1)))]
    outcomes = {o.key: o for o in make_classifier(models[:1]).classify(items, mean)}
    assert outcomes["good"].error is outcomes["last"].error is None
    assert outcomes["missing"].error.reason == "missing"
    assert isinstance(outcomes["text"].error, UnreadableImageError)
    assert outcomes["empty"].error is not None
    assert len(outcomes) == 5


def test_any_other_error_is_raised(models: list[LoadedModel]) -> None:
    def broken() -> bytes:
        raise OSError("the disk is broken")

    items = [(number, reads(draw_png())) for number in range(10)]
    with pytest.raises(OSError, match="the disk is broken"):
        list(make_classifier(models[:1]).classify([*items, (10, broken)], mean))


def test_an_error_of_the_measure_is_raised(models: list[LoadedModel]) -> None:
    def fail(image: DecodedImage) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(make_classifier(models[:1]).classify([(1, reads(draw_png()))], fail))


def test_pictures_are_read_ahead_but_not_without_end(models: list[LoadedModel]) -> None:
    taken = 0

    def items() -> "list[tuple[int, Callable[[], bytes]]]":
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number, reads(draw_png(8, 8))  # type: ignore[misc]

    outcomes = make_classifier(models[:1], batch_size=4).classify(items(), mean)
    next(outcomes)
    assert 4 < taken <= 4 * 4
    outcomes.close()  # type: ignore[attr-defined]


def test_reading_runs_in_other_threads(models: list[LoadedModel]) -> None:
    threads = set()

    def read() -> bytes:
        threads.add(threading.current_thread())
        return draw_png()

    list(make_classifier(models[:1]).classify([(n, read) for n in range(8)], mean))
    assert threading.current_thread() not in threads


def test_leaving_early_leaves_no_thread_behind(models: list[LoadedModel]) -> None:
    before = threading.active_count()
    outcomes = make_classifier(models[:1]).classify(
        [(n, reads(draw_png())) for n in range(200)], mean
    )
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_bare_forward_passes_take_ready_batches(models: list[LoadedModel]) -> None:
    classifier = make_classifier(models)
    batches = classifier.example_batches(3)
    assert batches[models[2].digest].shape == (3, 3, 48, 48)
    assert batches[models[0].digest].shape == (3, 3, SIZE_PX, SIZE_PX)
    results = classifier.forward(batches)
    classifier.synchronize()
    for model in models:
        logits, embedding = results[model.digest]
        assert logits.shape == (3, len(LABELS))
        assert embedding.shape[0] == 3


def test_bfloat16_changes_probabilities_only_a_little(models: list[LoadedModel]) -> None:
    item = [(1, reads(draw_png()))]
    full = next(make_classifier(models, precision="float32", top_k=3).classify(item, mean))
    reduced = next(make_classifier(models, precision="bfloat16", top_k=3).classify(item, mean))
    for model in models:
        np.testing.assert_allclose(
            reduced.top[model.digest].probabilities,
            full.top[model.digest].probabilities,
            atol=0.05,
        )


@pytest.mark.parametrize("name", ["cuda:99", "tpu"])
def test_a_device_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(InvalidInputError, match=name):
        choose_device(name)


def test_a_cpu_runs_in_bfloat16_only_where_it_has_the_instructions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx2": True})
    assert choose_dtype(cpu, "auto") is torch.float32
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"amx_bf16": True})
    assert choose_dtype(cpu, "auto") is torch.bfloat16


@pytest.mark.photos
def test_real_photos_are_classified(models: list[LoadedModel], grocery_dir: Path) -> None:
    paths = sorted((grocery_dir / "test").rglob("*.jpg"))[::100]
    outcomes: list[Outcome[Path, float]] = list(
        make_classifier(models).classify([(path, path.read_bytes) for path in paths], mean)
    )
    assert len(outcomes) == len(paths) > 20
    assert all(outcome.error is None and len(outcome.top) == 3 for outcome in outcomes)
