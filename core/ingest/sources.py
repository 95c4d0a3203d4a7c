"""What can be imported: one table."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.errors import NotFoundError
from core.ingest.archive import list_zip
from core.ingest.files import (
    Refusal,
    RefusedFileError,
    SourceFile,
    SourceLimits,
    clean_name,
    refusal,
    refusing,
)
from core.ingest.folder import file_at, find_in_folder, list_folder
from core.ingest.manifest import merge_by_sku, read_manifest
from core.ingest.products import Collection, Product, products_of


@dataclass(frozen=True, slots=True)
class Opening:
    """How a source is opened.

    Attributes:
        stack: Files of the source may stay open as long as it.
        claim_folder: The folders of a file spell its claimed category.
    """

    limits: SourceLimits
    stack: ExitStack
    claim_folder: bool


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One kind of thing that can be imported.

    Attributes:
        matches: Tells it by its path; the first row that does is taken.
        read: Returns what it offers.
    """

    key: str
    label: str
    matches: Callable[[Path], bool]
    read: Callable[[Path, Opening], Collection]


def _ends_in(*extensions: str) -> Callable[[Path], bool]:
    return lambda path: path.suffix.lower() in extensions


is_zip = _ends_in(".zip")
is_manifest = _ends_in(".csv", ".tsv", ".parquet")


def _read_folder(root: Path, opening: Opening) -> Collection:
    files, refusals = list_folder(root, opening.limits)
    return Collection(products_of(files, claim_folder=opening.claim_folder), tuple(refusals))


def _read_zip(path: Path, opening: Opening) -> Collection:
    files, refusals = list_zip(path, opening.limits, opening.stack)
    return Collection(products_of(files, claim_folder=opening.claim_folder), tuple(refusals))


def _read_manifest(path: Path, opening: Opening) -> Collection:
    return read_manifest(
        path,
        partial(find_in_folder, path.parent),
        opening.limits,
        name=path.name,
        claim_folder=opening.claim_folder,
    )


def _read_photo(path: Path, opening: Opening) -> Collection:
    file = file_at(path, clean_name(path.name))
    return Collection(products_of([file], claim_folder=opening.claim_folder))


SOURCES: tuple[SourceKind, ...] = (
    SourceKind("folder", "Folder of photos", Path.is_dir, _read_folder),
    SourceKind("zip", "Zip of photos", is_zip, _read_zip),
    SourceKind("manifest", "Manifest", is_manifest, _read_manifest),
    SourceKind("photo", "Photo", Path.exists, _read_photo),
)


def kind_of_source(path: Path) -> SourceKind:
    """Return the row of the table that fits.

    Raises:
        NotFoundError: Nothing is there.
    """
    found = next((kind for kind in SOURCES if path.exists() and kind.matches(path)), None)
    if found is None:
        raise NotFoundError(f"there is no file or folder {str(path)!r}")
    return found


@contextmanager
def open_source(
    path: Path, limits: SourceLimits, *, claim_folder: bool = False
) -> Iterator[Collection]:
    """Give what a path offers; its files can be read until the block ends.

    Raises:
        NotFoundError: Nothing is there.
        InvalidInputError: A manifest that cannot be used.
    """
    kind = kind_of_source(path)
    with ExitStack() as stack:
        try:
            collection = kind.read(path, Opening(limits, stack, claim_folder))
        except RefusedFileError as error:
            collection = Collection((), (refusal(path.name, error),))
        yield collection


@contextmanager
def open_files(paths: Mapping[str, Path], limits: SourceLimits) -> Iterator[Collection]:
    """Give what several files together offer, by the names they were sent under.

    Zips among them are looked into. Where there is a manifest, it decides, and photos
    that it does not name are refused.

    Raises:
        InvalidInputError: A manifest that cannot be used.
    """
    refusals: list[Refusal] = []
    files: dict[str, SourceFile] = {}
    manifests = {name: path for name, path in paths.items() if is_manifest(path)}
    with ExitStack() as stack:
        for name in sorted(paths.keys() - manifests.keys()):
            with refusing(name, refusals):
                _add_files(files, _offered(name, paths[name], limits, stack, refusals), refusals)
        products, more = _combine(manifests, files, limits)
        yield Collection(products, (*refusals, *more))


def _offered(
    name: str, path: Path, limits: SourceLimits, stack: ExitStack, refusals: list[Refusal]
) -> list[SourceFile]:
    if not is_zip(path):
        return [file_at(path, clean_name(name))]
    members, refused = list_zip(path, limits, stack)
    refusals.extend(refused)
    return members


def _add_files(
    files: dict[str, SourceFile], offered: list[SourceFile], refusals: list[Refusal]
) -> None:
    for file in offered:
        with refusing(file.name, refusals):
            if file.name in files:
                raise RefusedFileError("duplicate_name")
            files[file.name] = file


def _combine(
    manifests: Mapping[str, Path], files: Mapping[str, SourceFile], limits: SourceLimits
) -> tuple[tuple[Product, ...], list[Refusal]]:
    """Return the listings of all manifests; rows of one sku are one, whichever names them."""
    if not manifests:
        return products_of(files.values(), claim_folder=False), []
    products: list[Product] = []
    refusals: list[Refusal] = []
    for name, path in sorted(manifests.items()):
        manifest = read_manifest(path, partial(_find, files), limits, name=name)
        products.extend(manifest.products)
        refusals.extend(manifest.refusals)
    listed = {photo.name for product in products for photo in product.photos}
    for name in files.keys() - listed - {each.name for each in refusals}:
        with refusing(name, refusals):
            raise RefusedFileError("not_listed")
    return merge_by_sku(products), refusals


def _find(files: Mapping[str, SourceFile], name: str) -> SourceFile:
    """Return a file by its name, or by its last part where only one file has it.

    A browser sends files without the folders that a manifest may give them.
    """
    clean = clean_name(name)
    if clean in files:
        return files[clean]
    last = clean.rpartition("/")[2]
    alike = [file for key, file in files.items() if key.rpartition("/")[2] == last]
    if len(alike) != 1:
        raise FileNotFoundError(clean)
    return alike[0]
