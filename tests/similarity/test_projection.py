import numpy as np
import pytest

from core.errors import InvalidInputError
from core.similarity.projection import Projection

FEATURES = np.random.default_rng(0).normal(2, np.linspace(0.1, 3, 20), (300, 20)).astype(np.float32)


def test_vectors_have_the_length_one():
    vectors = Projection.fit(FEATURES, dimensions=8).apply(FEATURES)

    assert vectors.shape == (300, 8)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("whitening", "power"), [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)])
def test_whitening_evens_out_the_spread_along_the_axes(whitening, power):
    projection = Projection.fit(FEATURES, dimensions=8, whitening=whitening)
    spread = ((FEATURES - projection.mean) @ projection.axes).std(axis=0)

    expected = np.sort(np.linalg.eigvalsh(np.cov(FEATURES.T, bias=True)))[-8:] ** (power / 2)
    np.testing.assert_allclose(spread, expected, rtol=1e-3)


def test_too_few_photos_to_learn_from_are_refused():
    with pytest.raises(InvalidInputError, match="30 photos"):
        Projection.fit(FEATURES[:30], dimensions=40)
