"""Which parameters learn, how fast, and when."""

import math
from typing import Any

import torch
from timm.models import group_parameters
from timm.optim._param_groups import param_groups_layer_decay
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from core.training.recipe import Recipe


def freeze(network: Any, share: float) -> None:
    """Keep this share of the layers as they are, from the input on; never the classifier."""
    layer_of = group_parameters(network, network.group_matcher(coarse=False), reverse=True)
    last = max(layer_of.values())
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(layer_of[name] >= min(last, round(share * last)))


def set_training(network: nn.Module, *, batch_statistics: bool = True) -> None:
    """Switch to training mode, but for the batch norms of frozen layers.

    Args:
        batch_statistics: False keeps every batch norm to the statistics that it has.
    """
    network.train()
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.train(batch_statistics and module.weight.requires_grad)


def make_optimizer(network: Any, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW in groups by layer; vectors (biases, norms) are not decayed."""
    undecayed = network.no_weight_decay() if hasattr(network, "no_weight_decay") else ()
    groups = param_groups_layer_decay(
        network,
        weight_decay=recipe.weight_decay,
        no_weight_decay_list=undecayed,
        layer_decay=recipe.layer_decay,
    )
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each group its share of the rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]


def schedule(step: int, steps: int, warm_up: float) -> float:
    """Return the factor of the learning rate: up in a line, down in a cosine.

    Args:
        step: Steps done, of ``steps``.
        warm_up: Share of the steps in which it rises, 0 to 1.
    """
    rising = max(1, round(steps * warm_up))
    if step < rising:
        return (step + 1) / rising
    fallen = (step - rising) / max(1, steps - rising)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, fallen)))
