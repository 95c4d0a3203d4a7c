"""The active models, loaded once and again whenever they change."""

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.errors import CheckpointError, NotFoundError, WeightsUnavailableError
from core.imaging import ImageLimits
from core.services.models import ActiveModel, load_active, load_embedder, load_version
from core.services.recognition import KnownCache
from core.settings import Settings
from db.engine import reading
from db.queries import models as queries

if TYPE_CHECKING:  # torch is loaded with the first photos, so that a worker starts at once
    from core.inference import Classifier, InferenceOptions
    from core.models import Embedder

log = logging.getLogger(__name__)

Fingerprint = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ActiveClassifier:
    """The usable active models, the embedder, and the classifiers made of them."""

    models: tuple[ActiveModel, ...]
    options: "InferenceOptions"
    embedder: "Embedder | None"

    @property
    def version_ids(self) -> frozenset[int]:
        return frozenset(active.version_id for active in self.models)

    @property
    def space(self) -> str | None:
        """The space of the embeddings; None without an embedder."""
        return self.embedder.space if self.embedder else None

    def restricted_to(
        self, version_ids: frozenset[int], *, is_embedding: bool = False
    ) -> "Classifier":
        """Return a classifier of these versions only; of none, it still decodes and measures.

        Args:
            is_embedding: It gives embeddings too.
        """
        from core.inference import Classifier

        wanted = [active.model for active in self.models if active.version_id in version_ids]
        return Classifier(wanted, self.options, self.embedder if is_embedding else None)


class ModelCache:
    """Keeps the active models in memory, and what is known; safe in several threads.

    A version that was activated, a file that vanished and one that came back are noticed
    at the next ``current``.
    """

    def __init__(self, engine: sa.Engine, settings: Settings) -> None:
        self.known = KnownCache(engine)
        self._engine = engine
        self._settings = settings
        self._lock = threading.Lock()
        self._fingerprint: Fingerprint | None = None
        self._active: ActiveClassifier | None = None
        self._embedder: Embedder | None = None

    def current(self) -> ActiveClassifier:
        """Return the active models as the database and the disk have them now."""
        with self._lock:
            fingerprint = self._look()
            if self._active is None or fingerprint != self._fingerprint:
                self._active = self._load()
                self._fingerprint = fingerprint
            return self._active

    def get(self, version_id: int) -> ActiveModel:
        """Return the model of a version; one that is not active is loaded for this once.

        Raises:
            NotFoundError: No version has this id.
            CheckpointError: Its file is missing or damaged.
        """
        for active in self.current().models:
            if active.version_id == version_id:
                return active
        return load_version(self._engine, self._settings, version_id=version_id)

    def _look(self) -> Fingerprint:
        """Digest and modification time of each active checkpoint; no time without a file."""
        with reading(self._engine) as session:
            rows = [(row.digest, row.file_name) for row in queries.list_active(session)]
        paths = [(digest, self._settings.models_dir / name) for digest, name in rows]
        return tuple(
            (digest, path.stat().st_mtime_ns if path.exists() else None) for digest, path in paths
        )

    def _load(self) -> ActiveClassifier:
        active = load_active(self._engine, self._settings)
        for problem in active.problems:
            log.error("model file %s cannot be used: %s", problem.file_name, problem.reason)
        log.info("models in use: %s", ", ".join(a.model.arch for a in active.models) or "none")
        options = inference_options(self._settings)
        return ActiveClassifier(active.models, options, self._load_embedder())

    def _load_embedder(self) -> "Embedder | None":
        """Return the embedder; where it is missing, the models go on without."""
        if self._embedder is None:
            try:
                self._embedder = load_embedder(self._engine, self._settings)
            except (CheckpointError, NotFoundError, WeightsUnavailableError) as error:
                log.warning("photos get no embeddings: %s", error)
        return self._embedder


def inference_options(settings: Settings) -> "InferenceOptions":
    """Return how the settings want pictures to be classified."""
    from core.inference import InferenceOptions

    return InferenceOptions(
        limits=ImageLimits.of(settings),
        device=settings.device,
        precision=settings.precision,
        batch_size=settings.inference_batch_size,
        decode_threads=settings.decode_threads,
        top_k=settings.top_k,
    )
