"""The products of the sample catalog: one table."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.sample.mesh import Mesh
from core.sample.palette import WOODS
from core.sample.shapes import fashion, home, tech


@dataclass(frozen=True, slots=True)
class Product:
    """One category and how to draw, name and price what is in it.

    Attributes:
        category: Path in the category tree.
        build: Draws one product in the named colour; its front faces the camera, along y.
        colours: Names of ``palette`` that it comes in.
        elevation_deg: Lowest and highest place of the camera.
        azimuth_deg: How far it may be turned to either side.
        titles: ``{colour}`` is filled in.
        price: Lowest and highest, in whole units of money.
    """

    category: str
    build: Callable[[np.random.Generator, str], Mesh]
    colours: tuple[str, ...]
    elevation_deg: tuple[float, float]
    azimuth_deg: tuple[float, float]
    titles: tuple[str, ...]
    brands: tuple[str, ...]
    price: tuple[int, int]


PRODUCTS: tuple[Product, ...] = (
    Product(
        category="Home > Mug",
        build=home.mug,
        colours=(
            "white",
            "navy",
            "teal",
            "coral",
            "mustard",
            "sky",
            "charcoal",
            "mint",
            "red",
            "purple",
        ),
        elevation_deg=(14, 38),
        azimuth_deg=(-60, 40),
        titles=(
            "{colour} stoneware mug, 350 ml",
            "Coffee mug in {colour}, dishwasher safe",
            "Hand-glazed tea mug, {colour}",
        ),
        brands=("Kilnmark", "Norvik", "Dawn & Clay"),
        price=(7, 24),
    ),
    Product(
        category="Home > Lamp",
        build=home.lamp,
        colours=("white", "cream", "sand", "mustard", "teal", "coral", "grey", "navy"),
        elevation_deg=(4, 20),
        azimuth_deg=(-180, 180),
        titles=(
            "Table lamp with {colour} shade, E27",
            "Bedside lamp, {colour} linen shade",
            "{colour} reading lamp, turned base",
        ),
        brands=("Lumenhaus", "Norvik", "Halden"),
        price=(29, 120),
    ),
    Product(
        category="Home > Chair",
        build=home.chair,
        colours=(*WOODS, "black", "white", "red", "mustard", "teal", "grey"),
        elevation_deg=(12, 30),
        azimuth_deg=(-55, 55),
        titles=(
            "Dining chair, {colour}",
            "{colour} kitchen chair, solid wood",
            "Classic side chair in {colour}",
        ),
        brands=("Halden", "Ashgrove", "Norvik"),
        price=(49, 230),
    ),
    Product(
        category="Home > Plant pot",
        build=home.plant_pot,
        colours=("white", "tan", "coral", "grey", "charcoal", "mint", "teal", "mustard"),
        elevation_deg=(12, 32),
        azimuth_deg=(-180, 180),
        titles=(
            "Indoor plant in {colour} ceramic pot",
            "{colour} planter with plant, 14 cm",
            "Potted house plant, pot in {colour}",
        ),
        brands=("Greenleaf", "Dawn & Clay", "Ashgrove"),
        price=(12, 48),
    ),
    Product(
        category="Kitchen > Bottle",
        build=home.bottle,
        colours=("green", "teal", "blue", "sky", "white", "black", "red", "orange", "silver"),
        elevation_deg=(5, 24),
        azimuth_deg=(-180, 180),
        titles=(
            "{colour} glass bottle, 750 ml",
            "Swing-top bottle in {colour}",
            "{colour} drinks bottle with screw cap",
        ),
        brands=("Glasswell", "Kilnmark", "Norvik"),
        price=(6, 32),
    ),
    Product(
        category="Fashion > Shoe",
        build=fashion.shoe,
        colours=("white", "black", "navy", "red", "grey", "olive", "teal", "pink", "tan"),
        elevation_deg=(14, 34),
        azimuth_deg=(-45, 45),
        titles=(
            "Low-top sneaker, {colour}",
            "{colour} running shoe, cushioned sole",
            "Everyday trainer in {colour}",
        ),
        brands=("Strada", "Peakline", "Runa"),
        price=(39, 140),
    ),
    Product(
        category="Fashion > T-shirt",
        build=fashion.t_shirt,
        colours=("white", "black", "navy", "red", "grey", "olive", "mustard", "sky", "pink"),
        elevation_deg=(74, 89),
        azimuth_deg=(-14, 14),
        titles=(
            "{colour} T-shirt, organic cotton",
            "Crew-neck tee in {colour}",
            "Regular-fit T-shirt, {colour}",
        ),
        brands=("Cottonfield", "Peakline", "Basica"),
        price=(9, 45),
    ),
    Product(
        category="Fashion > Backpack",
        build=fashion.backpack,
        colours=("black", "navy", "olive", "grey", "red", "mustard", "teal", "purple", "tan"),
        elevation_deg=(6, 24),
        azimuth_deg=(-42, 42),
        titles=(
            "{colour} backpack, 20 l, laptop sleeve",
            "City daypack in {colour}",
            "School backpack, {colour}, padded straps",
        ),
        brands=("Peakline", "Trailmate", "Strada"),
        price=(29, 130),
    ),
    Product(
        category="Accessories > Watch",
        build=fashion.watch,
        colours=("black", "brown", "tan", "navy", "silver", "grey", "olive", "red"),
        elevation_deg=(48, 80),
        azimuth_deg=(-55, 55),
        titles=(
            "Wristwatch with {colour} strap",
            "Analogue quartz watch, {colour} band",
            "{colour} watch, 40 mm case",
        ),
        brands=("Meridian", "Halden", "Tempora"),
        price=(49, 320),
    ),
    Product(
        category="Electronics > Headphones",
        build=tech.headphones,
        colours=("black", "white", "silver", "navy", "red", "mint", "rose gold", "grey"),
        elevation_deg=(6, 26),
        azimuth_deg=(-50, 50),
        titles=(
            "Wireless over-ear headphones, {colour}",
            "{colour} headphones, noise cancelling",
            "Bluetooth headset in {colour}, 30 h",
        ),
        brands=("Auralis", "Voxion", "Tempora"),
        price=(35, 290),
    ),
    Product(
        category="Electronics > Phone",
        build=tech.phone,
        colours=("black", "white", "silver", "blue", "mint", "rose gold", "purple", "red"),
        elevation_deg=(38, 80),
        azimuth_deg=(-50, 50),
        titles=(
            "Smartphone 128 GB, {colour}",
            "{colour} phone, dual SIM, 6.1 inch",
            "5G smartphone in {colour}",
        ),
        brands=("Voxion", "Lumo", "Auralis"),
        price=(179, 990),
    ),
    Product(
        category="Books > Hardcover",
        build=tech.book,
        colours=("red", "navy", "teal", "cream", "mustard", "green", "purple", "charcoal", "coral"),
        elevation_deg=(28, 70),
        azimuth_deg=(-40, 40),
        titles=(
            "The Long Harbour, novel, {colour} edition",
            "Hardcover notebook, {colour}, 240 pages",
            "A Short History of Maps, hardcover, {colour}",
        ),
        brands=("Field & Page", "Quarto Nine", "Lantern Press"),
        price=(8, 42),
    ),
)
