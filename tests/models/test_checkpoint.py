import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import CheckpointError
from core.models import ARCHITECTURES, ModelCard, load, save
from core.models.custom_cnn import CustomCNN
from tests.networks import LABELS, SIZE_PX, save_random


def _examples(count: int) -> settings:
    """Each example writes a file anew, so the folder may serve for all; disks have no deadline."""
    health = [HealthCheck.function_scoped_fixture]
    return settings(max_examples=count, deadline=None, suppress_health_check=health)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "model.safetensors"
    save_random(path, "custom_cnn")
    return path


@pytest.fixture
def card() -> ModelCard:
    return ModelCard("custom_cnn", LABELS, ARCHITECTURES["custom_cnn"].preprocessing(SIZE_PX))


def test_a_round_trip_is_exact(tmp_path: Path, card: ModelCard) -> None:
    network = CustomCNN(len(LABELS)).eval()
    card = replace(card, temperature=1.7, metrics={"curve": [{"epoch": 1, "loss": 0.1}]})
    digest = save(tmp_path / "model.safetensors", network=network, card=card)
    loaded = load(tmp_path / "model.safetensors", digest=digest)
    assert loaded.card == card
    assert loaded.digest == digest
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, loaded.network.state_dict()[name])
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())


def test_saving_leaves_no_other_file(tmp_path: Path, card: ModelCard) -> None:
    save(tmp_path / "model.safetensors", network=CustomCNN(len(LABELS)), card=card)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nothing\.safetensors cannot be read"):
        load(tmp_path / "nothing.safetensors")


def test_another_digest_than_expected_is_damage(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="is damaged"):
        load(checkpoint, digest="0" * 64)


@_examples(25)
@given(data=st.data())
def test_damage_is_noticed_wherever_it_is(
    checkpoint: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(checkpoint.read_bytes())
    in_header = st.integers(0, 2000)
    position = data.draw(in_header | st.integers(0, len(content) - 1))
    length = data.draw(st.integers(1, 64))
    digest = load(checkpoint).digest
    for index in range(position, min(position + length, len(content))):
        content[index] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"damaged\.safetensors"):
        load(damaged, digest=digest)


@_examples(25)
@given(data=st.data())
def test_damaged_weights_are_noticed_without_a_digest(
    checkpoint: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(checkpoint.read_bytes())
    weights_start = 8 + int.from_bytes(content[:8], "little")
    position = data.draw(st.integers(weights_start, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(content)
    with pytest.raises(CheckpointError, match="does not match its seal"):
        load(damaged)


@_examples(25)
@given(data=st.data())
def test_a_damaged_header_never_raises_anything_else(
    checkpoint: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(checkpoint.read_bytes())
    header_end = 8 + int.from_bytes(content[:8], "little")
    position = data.draw(st.integers(0, header_end - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(content)
    with contextlib.suppress(CheckpointError):
        assert load(damaged).card == load(checkpoint).card  # only white space was touched


@_examples(15)
@given(share=st.floats(0, 0.999))
def test_a_file_cut_short_is_noticed(checkpoint: Path, tmp_path: Path, share: float) -> None:
    content = checkpoint.read_bytes()
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match=r"cut\.safetensors"):
        load(cut)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"{}" * 100])
def test_a_foreign_file_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="no checkpoint of Catalens"):
        load(path)


def test_safetensors_of_somebody_else_are_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="no checkpoint of Catalens"):
        load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arch": "alexnet"}, "'alexnet'"),
        ({"labels": (*LABELS, "One too many")}, "do not fit"),
        ({"labels": ("Same", "Same", "Same")}, "not distinct"),
        ({"arch": "resnet50"}, "do not fit"),
        ({"temperature": 0.0}, "temperature"),
        ({"attention": "self"}, "attention 'self'.*cbam"),
        ({"arch": "vit", "stem": "roots"}, "stem 'roots'.*convolutions"),
    ],
)
def test_a_card_that_does_not_fit_its_weights_is_refused(
    tmp_path: Path, card: ModelCard, change: dict[str, object], message: str
) -> None:
    path = tmp_path / "model.safetensors"
    save(path, network=CustomCNN(len(LABELS)), card=replace(card, **change))  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=message):
        load(path)


def test_a_newer_format_is_refused(card: ModelCard) -> None:
    data = json.loads(card.to_json()) | {"format": 2}
    with pytest.raises(ValueError, match="format 2"):
        ModelCard.from_json(json.dumps(data))
