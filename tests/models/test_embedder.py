import numpy as np
import pytest
import torch

from core.errors import InvalidInputError, WeightsUnavailableError
from core.models import load_embedder
from core.models.architectures import embed


def test_the_space_names_network_weights_and_size():
    embedder = load_embedder("efficientnet_lite0")
    assert embedder.space == "efficientnet_lite0-579344248a93-224px"


def test_two_loadings_embed_alike():
    picture = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        one, other = (embed(load_embedder("efficientnet_lite0").network, picture) for _ in range(2))
    assert one.shape == (1, 1280)
    np.testing.assert_array_equal(one, other)


def test_what_has_no_packaged_weights_cannot_embed():
    with pytest.raises(WeightsUnavailableError, match="ResNet-50"):
        load_embedder("resnet50")
    with pytest.raises(InvalidInputError, match="no architecture"):
        load_embedder("resnet5000")
