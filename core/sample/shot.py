"""One photo of the sample catalog, before it is taken."""

from dataclasses import dataclass
from decimal import Decimal

from core.sample.products import PRODUCTS


@dataclass(frozen=True, slots=True)
class Shot:
    """What is to be drawn, for whom, and what is wrong with it.

    Attributes:
        file: Path below the catalog's folder, with ``/``.
        product: Index into ``PRODUCTS``.
        item_seed: Draws the product; two photos of one listing share it.
        colour: Name in the palette.
        view_seed: Chooses light, angle and backdrop.
        sku: Of the listing; empty for a training photo, which belongs to none.
        claimed: Category path that the seller gives.
        fault: Key of ``FAULTS``, or empty.
        strength: Of the fault, in its own unit.
        detail: What was done, for the list of planted faults.
        copy_of: File whose bytes this one repeats, or empty.
    """

    file: str
    product: int
    colour: str
    item_seed: tuple[int, ...]
    view_seed: tuple[int, ...]
    sku: str = ""
    title: str = ""
    seller: str = ""
    brand: str = ""
    price: Decimal = Decimal(0)
    claimed: str = ""
    fault: str = ""
    strength: float = 0.0
    detail: str = ""
    copy_of: str = ""

    @property
    def category(self) -> str:
        """The true category."""
        return PRODUCTS[self.product].category
