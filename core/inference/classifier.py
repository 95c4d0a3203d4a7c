"""All models over many pictures: each decoded once, decoding ahead of the forward pass."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import NotFoundError, UnreadableImageError
from core.imaging import DecodedImage, ImageLimits, decode
from core.models.architectures import embed
from core.models.checkpoint import LoadedModel
from core.models.devices import Precision, autocast, choose_device, choose_dtype
from core.models.embedder import Embedder
from core.models.preprocessing import Geometry, Preprocessing, crops, normalise

K = TypeVar("K")
M = TypeVar("M")
Crops = dict[Geometry, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class InferenceOptions:
    """How to run."""

    limits: ImageLimits
    device: str = "auto"
    precision: Precision = "auto"
    batch_size: int = 32
    decode_threads: int = 2
    top_k: int = 5


@dataclass(frozen=True, slots=True, eq=False)
class TopK:
    """The likeliest labels of one picture, likeliest first.

    Attributes:
        label_indices: (k,) int64 into the model's labels.
        probabilities: (k,) float32, calibrated.
    """

    label_indices: NDArray[np.int64]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome(Generic[K, M]):
    """What became of one picture: an error, or all the rest.

    Attributes:
        error: Why the picture could not be used; its reason is ``missing`` when the store
            has no such file.
        size_px: Width and height.
        top: By the digest of the model.
        embedding: (D,) float16 of length 1; None without an embedder.
    """

    key: K
    error: UnreadableImageError | None = None
    measures: M | None = None
    size_px: tuple[int, int] | None = None
    top: Mapping[str, TopK] | None = None
    embedding: NDArray[np.float16] | None = None
    embedding_space: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared(Generic[K, M]):
    """A picture after its thread: decoded, measured and cropped, or its outcome already."""

    key: K
    measures: M
    size_px: tuple[int, int]
    crops: Crops


class Classifier:
    """Holds the models on the device; ``classify`` may be called again and again.

    Args:
        embedder: Gives each picture its embedding; None gives none.
    """

    def __init__(
        self,
        models: Sequence[LoadedModel],
        options: InferenceOptions,
        embedder: Embedder | None = None,
    ) -> None:
        self.options = options
        self.device = choose_device(options.device)
        self.dtype = choose_dtype(self.device, options.precision)
        self.models = tuple(models)
        self._networks = {model.digest: self._place(model.network) for model in models}
        self._embedder = embedder
        self._embedding_network = self._place(embedder.network) if embedder else None
        self._geometries = {model.preprocessing.geometry for model in models}
        if embedder:
            self._geometries.add(embedder.preprocessing.geometry)

    def classify(
        self,
        items: Iterable[tuple[K, Callable[[], bytes]]],
        measure: Callable[[DecodedImage], M],
    ) -> Iterator[Outcome[K, M]]:
        """Yield one outcome an item, not always in their order.

        An unreadable or missing picture is an outcome with its error. Everything else, such
        as a broken disk or a full device, is raised.

        Args:
            items: Keys, each with a function that reads the picture's bytes; it runs in a
                decode thread and may raise NotFoundError.
            measure: Runs in the decode thread, on the decoded picture.
        """
        prepared = self._prepare_ahead(items, measure)
        while batch := list(islice(prepared, self.options.batch_size)):
            yield from (item for item in batch if isinstance(item, Outcome))
            yield from self._predict([item for item in batch if isinstance(item, _Prepared)])

    @torch.inference_mode()
    def forward(self, batches: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
        """Run the bare forward passes: no decoding, no preprocessing, no copies.

        Benchmarks compare ``classify`` with this on ``example_batches``; call
        ``synchronize`` before reading the clock.

        Args:
            batches: Normalised (N, 3, S, S) on the device, by the digest of the model.

        Returns:
            By digest, logits (N, C) and embedding (N, D), in the precision of the pass.
        """
        return {
            model.digest: self._forward(model, batches[model.digest])
            for model in self.models
            if model.digest in batches
        }

    def example_batches(self, count: int) -> dict[str, Tensor]:
        """Return random input for ``forward``: for each digest (count, 3, S, S)."""
        crops = {
            geometry: np.random.default_rng(0).integers(
                0, 256, (count, geometry.size_px, geometry.size_px, 3), dtype=np.uint8
            )
            for geometry in self._geometries
        }
        return self._inputs({geometry: self._to_device(c) for geometry, c in crops.items()})

    def synchronize(self) -> None:
        """Wait until the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()

    def _place(self, network: nn.Module) -> nn.Module:
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def _prepare_ahead(
        self,
        items: Iterable[tuple[K, Callable[[], bytes]]],
        measure: Callable[[DecodedImage], M],
    ) -> Iterator["_Prepared[K, M] | Outcome[K, M]"]:
        """Keep the threads busy, at most two batches ahead of whoever takes the pictures."""
        pool = ThreadPoolExecutor(self.options.decode_threads, thread_name_prefix="decode")
        waiting: deque[Future[_Prepared[K, M] | Outcome[K, M]]] = deque()
        try:
            for key, read in items:
                waiting.append(pool.submit(self._prepare, key, read, measure))
                if len(waiting) > 2 * self.options.batch_size:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _prepare(
        self, key: K, read: Callable[[], bytes], measure: Callable[[DecodedImage], M]
    ) -> "_Prepared[K, M] | Outcome[K, M]":
        try:
            image = decode(read(), self.options.limits)
        except UnreadableImageError as error:
            return Outcome(key, error=error)
        except NotFoundError as error:
            return Outcome(key, error=UnreadableImageError("missing", str(error)))
        height, width = image.pixels.shape[:2]
        return _Prepared(key, measure(image), (width, height), self._crop(image.pixels))

    def _crop(self, pixels: NDArray[np.uint8]) -> Crops:
        return crops(pixels, self._geometries) if self._geometries else {}

    def _predict(self, batch: Sequence[_Prepared[K, M]]) -> Iterator[Outcome[K, M]]:
        if not batch:
            return
        pixels = self._stack(batch)
        results = self.forward(self._inputs(pixels))
        tops = {model.digest: self._rank(model, results[model.digest][0]) for model in self.models}
        vectors = self._embed(pixels, len(batch))
        for position, item in enumerate(batch):
            yield Outcome(
                key=item.key,
                measures=item.measures,
                size_px=item.size_px,
                top={digest: ranked[position] for digest, ranked in tops.items()},
                embedding=vectors[position],
                embedding_space=self._embedder.space if self._embedder else None,
            )

    def _stack(self, batch: Sequence[_Prepared[K, M]]) -> dict[Geometry, Tensor]:
        """(N, S, S, 3) uint8 on the device, for each geometry; bytes cross, not floats."""
        return {
            geometry: self._to_device(np.stack([item.crops[geometry] for item in batch]))
            for geometry in self._geometries
        }

    def _to_device(self, pixels: NDArray[np.uint8]) -> Tensor:
        tensor = torch.from_numpy(pixels)
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self.device, non_blocking=True)

    def _inputs(self, pixels: Mapping[Geometry, Tensor]) -> dict[str, Tensor]:
        """Normalise once for each distinct preprocessing; by digest."""
        distinct: dict[Preprocessing, Tensor] = {}
        for model in self.models:
            wanted = model.preprocessing
            if wanted not in distinct:
                distinct[wanted] = normalise(pixels[wanted.geometry], wanted)
        return {model.digest: distinct[model.preprocessing] for model in self.models}

    def _forward(self, model: LoadedModel, batch: Tensor) -> tuple[Tensor, Tensor]:
        network: Any = self._networks[model.digest]
        with autocast(self.device, self.dtype):
            embedding = embed(network, batch)
            logits = network.get_classifier()(embedding)
            if model.card.mirrored:
                logits = (logits + network(batch.flip(3))) / 2
        return logits, embedding

    def _rank(self, model: LoadedModel, logits: Tensor) -> list[TopK]:
        probabilities = torch.softmax(logits.float() / model.temperature, dim=1)
        best = probabilities.topk(min(self.options.top_k, len(model.labels)), dim=1)
        indices, values = best.indices.cpu().numpy(), best.values.cpu().numpy()
        return [TopK(*pair) for pair in zip(indices, values, strict=True)]

    @torch.inference_mode()
    def _embed(
        self, pixels: Mapping[Geometry, Tensor], count: int
    ) -> Sequence[NDArray[np.float16] | None]:
        """One unit vector a picture, (D,) float16; None each without an embedder."""
        if self._embedder is None:
            return [None] * count
        wanted = self._embedder.preprocessing
        with autocast(self.device, self.dtype):
            vectors = embed(self._embedding_network, normalise(pixels[wanted.geometry], wanted))
        unit = torch.nn.functional.normalize(vectors.float(), dim=1)
        return list(unit.half().cpu().numpy())
