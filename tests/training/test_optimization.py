import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from core.models import ARCHITECTURES, NetworkOptions
from core.training.optimization import (
    freeze,
    make_optimizer,
    schedule,
    set_learning_rate,
    set_training,
)
from core.training.presets import make_recipe


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_freezing_begins_at_the_input_and_spares_the_classifier(arch: str) -> None:
    network = ARCHITECTURES[arch].build(3, 32, NetworkOptions())
    parameters = list(network.parameters())
    shares = []
    for share in (0.0, 0.5, 1.0):
        freeze(network, share)
        shares.append(sum(p.requires_grad for p in parameters) / len(parameters))
        assert all(p.requires_grad for p in network.get_classifier().parameters())
    learning = {name for name, p in network.named_parameters() if p.requires_grad}
    classifier = {id(p) for p in network.get_classifier().parameters()}
    assert {id(p) for n, p in network.named_parameters() if n in learning} == classifier
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1 > shares[1] > shares[2]
    freeze(network, 0.5)
    assert not parameters[0].requires_grad


def test_a_frozen_batch_norm_keeps_its_statistics() -> None:
    network = ARCHITECTURES["custom_cnn"].build(3, 32, NetworkOptions())
    freeze(network, 0.5)
    set_training(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network(torch.rand(4, 3, 32, 32))
    moved = {
        name.split(".running_mean")[0]
        for name, tensor in network.state_dict().items()
        if name.endswith("running_mean") and not torch.equal(tensor, before[name])
    }
    norms = {name: m for name, m in network.named_modules() if isinstance(m, _BatchNorm)}
    assert moved == {name for name, norm in norms.items() if norm.weight.requires_grad}
    assert 0 < len(moved) < len(norms)


def test_without_batch_statistics_every_batch_norm_keeps_its_own() -> None:
    network = ARCHITECTURES["efficientnet_lite0"].build(3, 32, NetworkOptions())
    set_training(network, batch_statistics=False)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network(torch.rand(4, 3, 64, 64))
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())
    assert network.training


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_each_layer_learns_at_a_share_of_the_rate_above_it(arch: str) -> None:
    network = ARCHITECTURES[arch].build(3, 32, NetworkOptions())
    recipe = make_recipe(arch, "default", {"layer_decay": 0.5, "weight_decay": 0.1})
    optimizer = make_optimizer(network, recipe)
    set_learning_rate(optimizer, 1.0)
    rate_of = {id(p): g["lr"] for g in optimizer.param_groups for p in g["params"]}
    parameters = list(network.parameters())
    assert len(rate_of) == len(parameters)
    assert all(rate_of[id(p)] == 1.0 for p in network.get_classifier().parameters())
    assert rate_of[id(parameters[0])] == min(rate_of.values()) < 0.2
    for group in optimizer.param_groups:
        undecayed = all(p.ndim <= 1 or arch == "vit" for p in group["params"])
        assert group["weight_decay"] == 0.1 or undecayed


def test_the_rate_rises_in_a_line_and_falls_in_a_cosine_to_almost_nothing() -> None:
    factors = [schedule(step, 100, 0.1) for step in range(100)]
    assert factors[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[55] == pytest.approx(0.5, abs=0.01)
    assert factors[-1] < 0.001
    assert schedule(0, 1, 0.0) == 1
