"""A small catalog that the project draws itself: products, photos, listings, planted faults."""

from core.sample.catalog import SampleCatalog, render_catalog

__all__ = ["SampleCatalog", "render_catalog"]
