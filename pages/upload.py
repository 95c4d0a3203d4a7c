"""Photos, folders, zips and manifests come in here, through a drop zone of our own."""

import streamlit as st

from core.actors import Actor
from core.services.known_photos import CHECK_S
from core.settings import MIB, get_settings
from pages.ui import components, links

_drop_zone = components.load("dropzone")


def render(actor: Actor) -> None:  # noqa: ARG001 -- the routes that it sends to know the actor
    """Draw the drop zone; open the batch when it is done."""
    st.title("Upload")
    st.markdown(
        "Photos, a folder, a zip, or a CSV or Parquet manifest together with its photos. "
        "They become one batch, which the models start on at once."
    )
    st.caption(
        "Photos that the catalogue has already are shown before anything is imported: the same "
        f"files all, the same pictures as many as can be compared in {CHECK_S:.0f} seconds. The "
        "others are compared after they were classified, and come to the page Duplicates."
    )
    settings = get_settings()
    done = _drop_zone(
        key="dropzone",
        data={
            "limits": _limits(settings.max_file_bytes, settings.max_batch_files),
        },
        on_batch_change=_ignore,
    )
    if done.batch:
        links.go("batches", batch=int(done.batch))
    _show_manifest_help()


def _ignore() -> None:
    """Make the trigger known; it is read where the component is drawn."""


def _limits(max_file_bytes: int, max_files: int) -> str:
    return (
        "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF, HEIC · "
        f"up to {max_file_bytes // MIB} MB a photo, {max_files:,} photos a batch"
    )


def _show_manifest_help() -> None:
    with st.expander("What goes into a manifest?", icon=":material/table:"):
        st.markdown(
            "One row a photo. Only `file` is needed; rows with the same `sku` become one "
            "listing with several photos. A claimed category is a path of names."
        )
        st.code(
            "file,sku,title,seller,brand,price,claimed_category\n"
            "mug-1.jpg,MUG-1,Stoneware mug,Acme,Claywork,12.90,Home > Kitchen > Mugs\n"
            "mug-2.jpg,MUG-1,Stoneware mug,Acme,Claywork,12.90,Home > Kitchen > Mugs",
            language="csv",
        )
