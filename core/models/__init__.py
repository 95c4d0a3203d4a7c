"""The networks: one table of architectures, their preprocessing, and checkpoint files."""

from core.models.architectures import (
    ARCHITECTURES,
    MAIN_ARCHITECTURES,
    Architecture,
    NetworkOptions,
    get_architecture,
)
from core.models.checkpoint import LoadedModel, ModelCard, load, save
from core.models.embedder import Embedder, as_embedder, load_embedder
from core.models.preprocessing import Geometry, Preprocessing

__all__ = [
    "ARCHITECTURES",
    "MAIN_ARCHITECTURES",
    "Architecture",
    "Embedder",
    "Geometry",
    "LoadedModel",
    "ModelCard",
    "NetworkOptions",
    "Preprocessing",
    "as_embedder",
    "get_architecture",
    "load",
    "load_embedder",
    "save",
]
