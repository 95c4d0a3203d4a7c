"""A small catalog that the project draws itself: products, photos, listings, planted faults."""

from core.sample.catalog import MANIFEST, SampleCatalog, render_catalog

__all__ = ["MANIFEST", "SampleCatalog", "render_catalog"]
