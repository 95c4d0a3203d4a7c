"""Decide, from one seed, what the sample catalog holds; nothing is drawn yet."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np

from core.sample.faults import FAULTS
from core.sample.products import PRODUCTS
from core.sample.shot import Shot

SELLERS = ("Nordlight Store", "Casa Verde", "Harbour & Co", "Urban Outlet 24")
INCOMING_SHARE = 0.25
SECOND_PHOTO_SHARE = 0.15


def plan_catalog(seed: int, per_category: int) -> tuple[Shot, ...]:
    """Return every photo of the catalog; the same arguments give the same plan."""
    incoming = max(1, round(per_category * INCOMING_SHARE))
    training = [
        _training_shot(seed, product, number)
        for product in range(len(PRODUCTS))
        for number in range(per_category - incoming)
    ]
    rng = np.random.default_rng([seed, len(PRODUCTS), per_category])
    listed = [
        shot
        for product in range(len(PRODUCTS))
        for shot in _incoming_shots(
            seed, product, range(per_category - incoming, per_category), rng
        )
    ]
    order = rng.permutation(len(listed))
    named = [_name_incoming(listed[i], number) for number, i in enumerate(order, start=1)]
    return (*training, *_plant_faults(named, rng))


def _training_shot(seed: int, product: int, number: int) -> Shot:
    shot = _shot(seed, product, number)
    folder = shot.category.replace(" > ", "/")
    return replace(shot, file=f"train/{folder}/{number + 1:04d}.jpg")


def _shot(seed: int, product: int, number: int) -> Shot:
    draw = np.random.default_rng([seed, product, number])
    return Shot(
        file="",
        product=product,
        colour=str(draw.choice(PRODUCTS[product].colours)),
        item_seed=(seed, product, number, 0),
        view_seed=(seed, product, number, 1),
    )


def _incoming_shots(
    seed: int, product: int, numbers: Sequence[int], rng: np.random.Generator
) -> list[Shot]:
    """Return the photos of one category's listings; some listings have a second one."""
    shots: list[Shot] = []
    for number in numbers:
        if shots and shots[-1].view_seed[-1] == 1 and rng.random() < SECOND_PHOTO_SHARE:
            shots.append(replace(shots[-1], view_seed=(*shots[-1].view_seed[:-1], 2)))
        else:
            shots.append(_new_listing(seed, product, number, rng))
    return shots


def _new_listing(seed: int, product: int, number: int, rng: np.random.Generator) -> Shot:
    row = PRODUCTS[product]
    low, high = row.price
    seller = int(rng.integers(len(SELLERS)))
    shot = _shot(seed, product, number)
    title = str(rng.choice(row.titles)).format(colour=shot.colour)
    return replace(
        shot,
        sku=f"{SELLERS[seller][:2].upper()}-{product + 1:02d}{number + 1:04d}",
        title=title[0].upper() + title[1:],
        seller=SELLERS[seller],
        brand=str(rng.choice(row.brands)),
        price=Decimal(int(rng.integers(low, high))) + Decimal("0.99"),
        claimed=row.category,
    )


def _name_incoming(shot: Shot, number: int) -> Shot:
    return replace(shot, file=f"incoming/photo-{number:04d}.jpg")


def _plant_faults(shots: list[Shot], rng: np.random.Generator) -> list[Shot]:
    """Give each fault its share of the listings that have one photo; the rest stay clean."""
    skus = [shot.sku for shot in shots]
    alone = [i for i, sku in enumerate(skus) if skus.count(sku) == 1]
    free = iter(rng.permutation(alone).tolist())
    planted = list(shots)
    for fault in FAULTS.values():
        for _ in range(max(1, round(fault.share * len(shots)))):
            place, other = next(free), shots[next(free)]
            strength = rng.uniform(*fault.strength)
            marked = fault.mark(replace(shots[place], fault=fault.key), other, strength)
            planted[place] = replace(marked, strength=strength)
    return planted
