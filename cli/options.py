"""Options that several commands have."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

LabelledData = Annotated[
    str,
    typer.Option(
        help="A folder for each category, a CSV or Parquet file, Grocery, Products-10K, or "
        "the word 'reviewed'."
    ),
]
