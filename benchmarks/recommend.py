"""How good "more like this" and recommendations by a profile are, on labelled photos.

**More like this**: photos that are held out (the test split, or every fifth) ask for their like
among all others. ``more_like_this`` is ours, varied; ``nearest`` is plain nearest neighbours.

**Profile**: shoppers are drawn by a seed, with a taste of one to three products, popular ones more
often; each liked or viewed a few photos of them, and two at random, within the last 60 days. Nobody
real stands behind them. Sought are the other held-out photos of their taste. ``profile`` is ours;
``profile_nearest`` is whatever is nearest to anything that they looked at,
``profile_last`` to the last of it, ``profile_popular`` what most shoppers looked at.

Relevant is the same product; with ``.group`` at the end, the same group of products.
``recall_at_10.METHOD`` is how many of the ten shown are relevant, of at most ten that could be;
``mrr.METHOD`` the mean of 1 / place of the first relevant one among the ten, 0 where there is none.
``alike.METHOD`` is the mean cosine of two of the ten, ``tastes.METHOD`` the share of a shopper's
products that are among the ten.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.features import load_features
from benchmarks.harness import Figures, Options
from core.evaluation.grouping import group_of
from core.recommendation.diversity import diversify
from core.recommendation.profile import Profile, weigh
from core.training.datasets import read_dataset

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

SHOWN = 10
CANDIDATES = 240  # that "more like this" chooses among, as in core/services/search.py
NEAREST = 60  # to each seed of a profile, as in core/services/recommendations.py
SHOPPERS, QUICK_SHOPPERS = 1000, 50
SEED = 7
LIKED_SHARE = 0.4
DAYS = 60.0
RANDOM_VIEWS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """Labelled photos.

    Attributes:
        vectors: (N, D) float32, of length 1.
        products: (N,) their labels; ``groups`` those of the level above.
    """

    vectors: Floats
    products: NDArray[np.str_]
    groups: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.products)

    def take(self, chosen: NDArray[np.bool_]) -> "Photos":
        return Photos(self.vectors[chosen], self.products[chosen], self.groups[chosen])

    def alike(self, shown: Indices) -> float:
        """Return the mean cosine of any two of these."""
        cosines = self.vectors[shown] @ self.vectors[shown].T
        return float(cosines[np.triu_indices(len(shown), 1)].mean())


@dataclass(frozen=True, slots=True, eq=False)
class Shopper:
    """Somebody drawn.

    Attributes:
        taste: The products that they like.
        photos: (N,) what they looked at; ``kinds`` and ``ages_days`` say how and when.
    """

    taste: NDArray[np.str_]
    photos: Indices
    kinds: Sequence[str]
    ages_days: Floats

    def profile(self, among: Photos) -> Profile:
        return Profile(among.vectors[self.photos], weigh(self.kinds, self.ages_days.tolist()))


def measure(options: Options) -> Figures:
    """Return recall and MRR of each method."""
    known, held_out = _read(options.labelled_photos())
    rng = np.random.default_rng(SEED)
    count = QUICK_SHOPPERS if options.quick else SHOPPERS
    shoppers = _draw_shoppers(held_out, count, rng)
    return {
        "photos": float(len(known)),
        "held_out": float(len(held_out)),
        "shoppers": float(count),
        **_measure_alike(known, held_out, rng),
        **_measure_profiles(held_out, shoppers),
    }


def _read(data: Path) -> tuple[Photos, Photos]:
    """Return the photos that are known, and those held out."""
    samples = read_dataset(data).samples
    features = load_features([sample.path for sample in samples])
    vectors = features / np.linalg.norm(features, axis=1, keepdims=True)
    products = np.array([sample.label for sample in samples])
    groups = np.array([group_of(sample.label) for sample in samples])
    held_out = np.array([sample.part == "test" for sample in samples])
    if not held_out.any():
        held_out[::5] = True
    photos = Photos(vectors.astype(np.float32), products, groups)
    return photos.take(~held_out), photos.take(held_out)


# --- more like this ------------------------------------------------------------------------------


def _measure_alike(known: Photos, held_out: Photos, rng: np.random.Generator) -> Figures:
    popular = rng.permutation(len(known))[:SHOWN]  # nobody is asked, so any are as good
    ways: Mapping[str, Callable[[Floats], Indices]] = {
        "more_like_this": lambda cosines: _vary(known, cosines),
        "nearest": lambda cosines: np.argsort(-cosines, kind="stable")[:SHOWN],
        "popular": lambda _: popular,
    }
    scores: dict[str, list[list[float]]] = {way: [] for way in ways}
    for vector, product, group in zip(
        held_out.vectors, held_out.products, held_out.groups, strict=True
    ):
        cosines = known.vectors @ vector
        of_product, of_group = known.products == product, known.groups == group
        for way, find in ways.items():
            shown = find(cosines)
            found = [*_score(of_product, shown), *_score(of_group, shown), known.alike(shown)]
            scores[way].append(found)
    return _name(scores, "alike")


def _vary(known: Photos, cosines: Floats) -> Indices:
    nearest = np.argsort(-cosines, kind="stable")[:CANDIDATES]
    chosen: Indices = nearest[diversify(cosines[nearest], known.vectors[nearest], count=SHOWN)]
    return chosen


# --- profiles ------------------------------------------------------------------------------------


def _draw_shoppers(photos: Photos, count: int, rng: np.random.Generator) -> list[Shopper]:
    names, sizes = np.unique(photos.products, return_counts=True)
    ordered = rng.permutation(names[sizes > 1])
    weights = 1 / np.arange(1, len(ordered) + 1)
    return [_draw_shopper(photos, ordered, weights / weights.sum(), rng) for _ in range(count)]


def _draw_shopper(
    photos: Photos, names: NDArray[np.str_], weights: NDArray[np.float64], rng: np.random.Generator
) -> Shopper:
    taste = rng.choice(
        names, size=min(int(rng.integers(1, 4)), len(names)), replace=False, p=weights
    )
    seen, kinds = [], []
    for product in taste:
        there = np.flatnonzero(photos.products == product)
        count = min(int(rng.integers(1, 4)), len(there) - 1)
        seen += rng.choice(there, size=count, replace=False).tolist()
        kinds += ["liked" if rng.random() < LIKED_SHARE else "viewed" for _ in range(count)]
    seen += rng.choice(len(photos), size=RANDOM_VIEWS, replace=False).tolist()
    kinds += ["viewed"] * RANDOM_VIEWS
    ages = rng.uniform(0, DAYS, size=len(seen)).astype(np.float32)
    return Shopper(taste, np.array(seen, np.int64), kinds, ages)


def _measure_profiles(photos: Photos, shoppers: Sequence[Shopper]) -> Figures:
    looks = np.bincount(np.concatenate([each.photos for each in shoppers]), minlength=len(photos))
    popular = np.argsort(-looks, kind="stable")

    def find_nearest(shopper: Shopper) -> Indices:
        cosines = photos.vectors @ photos.vectors[shopper.photos].T
        order: Indices = np.argsort(-cosines.max(axis=1), kind="stable")
        return order

    def find_like_last(shopper: Shopper) -> Indices:
        last = shopper.photos[shopper.ages_days.argmin()]
        order: Indices = np.argsort(-(photos.vectors @ photos.vectors[last]), kind="stable")
        return order

    ways: Mapping[str, Callable[[Shopper], Indices]] = {
        "profile": lambda shopper: _recommend(photos, shopper),
        "profile_nearest": find_nearest,
        "profile_last": find_like_last,
        "profile_popular": lambda _: popular,
    }
    scores: dict[str, list[list[float]]] = {way: [] for way in ways}
    for shopper in shoppers:
        groups = [group_of(product) for product in shopper.taste]
        of_product = np.isin(photos.products, shopper.taste)
        of_group = np.isin(photos.groups, groups)
        of_product[shopper.photos] = of_group[shopper.photos] = False
        for way, find in ways.items():
            order = find(shopper)
            shown = order[~np.isin(order, shopper.photos)][:SHOWN]
            met = float(np.isin(shopper.taste, photos.products[shown]).mean())
            scores[way].append([*_score(of_product, shown), *_score(of_group, shown), met])
    return _name(scores, "tastes")


def _recommend(photos: Photos, shopper: Shopper) -> Indices:
    """Do what ``core.services.recommendations`` does, with the index's answers exact."""
    profile = shopper.profile(photos)
    cosines = profile.vectors[profile.seeds] @ photos.vectors.T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    candidates = np.setdiff1d(nearest, shopper.photos)
    vectors = photos.vectors[candidates]
    chosen: Indices = candidates[diversify(profile.likeness(vectors), vectors, count=SHOWN)]
    return chosen


# --- figures -------------------------------------------------------------------------------------


def _score(relevant: NDArray[np.bool_], shown: Indices) -> tuple[float, float]:
    """Return recall and the reciprocal of the first relevant one's place."""
    hits = relevant[shown]
    there = min(SHOWN, int(relevant.sum()))
    first = np.flatnonzero(hits)
    return float(hits.sum() / max(there, 1)), float(1 / (first[0] + 1)) if len(first) else 0.0


def _name(scores: Mapping[str, Sequence[Sequence[float]]], last: str) -> Figures:
    figures: Figures = {}
    for way, rows in scores.items():
        means = np.mean(rows, axis=0).tolist()
        names = ("recall_at_10.{}", "mrr.{}", "recall_at_10.{}.group", "mrr.{}.group", last + ".{}")
        figures |= {name.format(way): mean for name, mean in zip(names, means, strict=True)}
    return figures


if __name__ == "__main__":
    harness.main("recommend", measure)
