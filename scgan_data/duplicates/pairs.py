"""`pairs.parquet`: every pair that was taken for copies, or looked at and not taken, with all that was measured of it.

A pair that was looked at and refused stays with `confirmed` false, so that another limit can be judged without opening
a file; so does one that was refused at a glance (`dedup.glance_slack`), which has a `glance` and no `difference`. Rows
are in the order of their ids.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scgan_data.errors import ManifestError

FILE_NAME = "pairs.parquet"
SCHEMA = pa.schema(
    [
        pa.field("id_one", pa.string(), nullable=False),
        pa.field("id_two", pa.string(), nullable=False),
        pa.field("domain_one", pa.string(), nullable=False),
        pa.field("domain_two", pa.string(), nullable=False),
        ("reason", pa.string()),  # same_bytes, same_pixels or near_duplicate, whichever is decided of it
        ("confirmed", pa.bool_()),  # within the limits: they are copies
        ("mirrored", pa.bool_()),
        ("view_one", pa.string()),  # the part of the first (hashes.VIEWS, or `whole`) that resembles ...
        ("view_two", pa.string()),  # ... this part of the second
        ("bits", pa.int32()),  # in which the 64-bit hashes of these parts differ
        ("distance64", pa.int32()),  # in which those of the wholes do
        ("distance256", pa.int32()),
        ("glance", pa.float64()),  # the difference that the stored thumbnails show; null where they were not asked
        ("correlation", pa.float64()),  # of 8 x 8 colours; null where no file was opened
        ("difference", pa.float64()),  # after alignment (similarity.difference); null where that was not needed
        ("spot", pa.float64()),  # the same, in the worst spot
    ]
)
COLUMNS = SCHEMA.names


def write(folder: Path, pairs: pd.DataFrame) -> None:
    """Write `pairs.parquet`: the same pairs give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    order = ["id_one", "id_two", "domain_one", "domain_two", "reason"]
    ordered = pairs.reindex(columns=COLUMNS).sort_values(order, kind="stable", ignore_index=True)
    arrow = pa.Table.from_pandas(ordered, SCHEMA, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, folder / FILE_NAME, compression="zstd")


def read(folder: Path) -> pd.DataFrame:
    """The pairs of a finished `dedup`. Raises ManifestError where there are none."""
    try:
        found: pd.DataFrame = pq.read_table(folder / FILE_NAME).to_pandas()
        return found.reindex(columns=COLUMNS)
    except (OSError, pa.ArrowException) as error:
        raise ManifestError(f"{folder / FILE_NAME} cannot be read ({error}); run dedup again") from error
