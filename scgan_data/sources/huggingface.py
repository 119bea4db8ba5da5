"""The `huggingface` source: a Hugging Face dataset on disk, read with pyarrow, without the `datasets` library.

Three layouts are known: what `save_to_disk` writes (state.json beside Arrow stream files; a DatasetDict has one such
folder a split), and parquet files as the hub serves them (`data/train-00000-of-00002.parquet`, `train/0000.parquet`). A
picture is a struct of `bytes` and `path`; bytes that are not inside are read from `path` where that lies in the folder.
(An ImageFolder, pictures beside metadata.csv, is the `folder` source.) A picture's bytes are taken out of its batch
only when they are asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Local, Offer, Opened, Provenance, Visit
from scgan_data.sources.columns import Told, offer_of, told
from scgan_data.sources.folder import local_of, url_of
from scgan_data.sources.members import signature_of, unreadable
from scgan_data.web.address import RefusedError

_BATCH_ROWS = 64
_SHARD = re.compile(r"(?P<split>.+?)-\d+-of-\d+")


@dataclass(frozen=True)
class Layout:
    """Where the picture is in a shard's rows, and what the other columns are."""

    image: str
    others: tuple[str, ...]
    labels: dict[str, list[str]] = field(default_factory=dict)
    """ClassLabel column -> the names of its numbers."""


class HuggingFaceSource(Provenance):
    """Pictures of a Hugging Face dataset on disk."""

    kind: Literal["huggingface"] = "huggingface"
    path: Path
    """The dataset's folder."""
    image_column: str | None = None
    """The column of pictures; by default the first that is one."""
    splits: tuple[str, ...] = ()
    """The splits to read; empty means all."""

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return f"huggingface:{self.path.as_posix()}"

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Find the shards and the column of pictures. Raises SourceError."""
        shards = self._shards()
        layouts = {split: self._layout(files[0]) for split, files in shards.items()}

        def offers(visit: Visit) -> Iterator[Offer]:
            for split, files in shards.items():
                yield from self._offers(split, files, layouts[split])

        yield Opened({"": offers}, is_local=True)

    def _shards(self) -> dict[str, list[Path]]:
        found = shards_of(self.path)
        if missing := [split for split in self.splits if split not in found]:
            raise SourceError(f"{self.path} has no split {missing[0]}, but {', '.join(found)}: correct `splits`")
        return {split: files for split, files in found.items() if split in (self.splits or found)}

    def _layout(self, file: Path) -> Layout:
        try:
            return layout_of(_schema(file), self.image_column)
        except (OSError, pa.ArrowException, ValueError) as error:
            raise SourceError(f"{file} cannot be read as a dataset's part: {error}") from None

    def _offers(self, split: str, files: list[Path], layout: Layout) -> Iterator[Offer]:
        """One offer a row, numbered through the split; the rest of a damaged file is one refused offer."""
        row = 0
        for file in files:
            try:
                signature = signature_of(file)
                for batch in _batches(file, [layout.image, *layout.others]):
                    for index in range(batch.num_rows):
                        yield self._offer(split, row, batch, index, layout, signature)
                        row += 1
            except (OSError, pa.ArrowException, KeyError, ValueError) as error:
                yield offer_of(self, url_of(file), refused=unreadable(error))

    def _offer(self, split: str, row: int, batch: pa.RecordBatch, index: int, layout: Layout, signature: str) -> Offer:
        url = f"{url_of(self.path)}!/{split}/{row}"
        said = _told(batch, index, layout)
        try:
            return offer_of(self, url, said, local=self._local(batch.column(layout.image)[index], signature))
        except RefusedError as refused:
            return offer_of(self, url, said, refused=refused)

    def _local(self, cell: pa.Scalar, signature: str) -> Local:
        """A picture's bytes: inside the shard, or in a file of the dataset. Raises RefusedError."""
        inside, path = cell, None
        if isinstance(cell, pa.StructScalar) and cell.is_valid:
            inside, path = cell["bytes"], cell["path"].as_py() if "path" in cell else None
        if inside.is_valid:
            return Local(signature, partial(bytes, inside.as_buffer()), size_bytes=inside.as_buffer().size)
        if not path:
            raise RefusedError(Reason.FILE_UNREADABLE, "the row has no picture")
        home, file = self.path.resolve(), (self.path / path).resolve()
        if not file.is_relative_to(home):
            raise RefusedError(Reason.FILE_UNREADABLE, f"the picture is not in the dataset: {path}"[:200])
        return local_of(file)


def shards_of(folder: Path) -> dict[str, list[Path]]:
    """A dataset's files by split, in their order. Raises SourceError where there is no dataset that we know."""
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder: correct the source's `path`")
    if (folder / "state.json").is_file():
        return {_split_of_saved(folder): _saved(folder)}
    if saved := sorted(state.parent for state in folder.glob("*/state.json")):
        return {part.name: _saved(part) for part in saved}
    shards: dict[str, list[Path]] = {}
    for file in sorted(folder.rglob("*.parquet")):
        if not any(part.startswith(".") for part in file.relative_to(folder).parts):
            shards.setdefault(_split_of_parquet(file, folder), []).append(file)
    if not shards:
        raise SourceError(
            f"{folder} is no Hugging Face dataset: neither state.json (save_to_disk) nor parquet files are there"
        )
    return shards


def layout_of(schema: pa.Schema, image_column: str | None) -> Layout:
    """Where a shard's pictures are. Raises ValueError where it has none."""
    features = _features(schema)
    images = [name for name in schema.names if _is_picture(schema.field(name).type, features.get(name))]
    image = image_column or next(iter(images), None)
    if image is None or image not in schema.names:
        wanted = f"no column {image_column}" if image_column else "no column of pictures (a struct of bytes and path)"
        raise ValueError(f"{wanted}, but {', '.join(schema.names[:8])}: set `image_column`")
    if image not in images and not _is_bytes(schema.field(image).type):
        raise ValueError(f"the column {image} holds {schema.field(image).type}, no pictures: correct `image_column`")
    others = tuple(name for name in schema.names if name != image and not _is_heavy(schema.field(name).type))
    labels = {name: kind["names"] for name in others if isinstance((kind := features.get(name, {})).get("names"), list)}
    return Layout(image, others, labels)


def _saved(folder: Path) -> list[Path]:
    """The files that `save_to_disk` names in state.json."""
    try:
        state = json.loads((folder / "state.json").read_bytes())
        files = [folder / Path(entry["filename"]).name for entry in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{folder / 'state.json'} cannot be read ({error}): save the dataset again") from None
    if state.get("_indices_data_files"):
        raise SourceError(f"{folder} is saved with an indices mapping: save it again after `flatten_indices()`")
    if not files:
        raise SourceError(f"{folder} is a saved dataset without data files: save it again")
    return files


def _split_of_saved(folder: Path) -> str:
    try:
        split = json.loads((folder / "state.json").read_bytes()).get("_split")
    except (OSError, ValueError, AttributeError):
        return "train"
    return split if isinstance(split, str) else "train"


def _split_of_parquet(file: Path, folder: Path) -> str:
    """`data/train-00000-of-00002.parquet` and `train/0000.parquet` are both of the split `train`."""
    if named := _SHARD.fullmatch(file.stem):
        return named["split"]
    return file.parent.name if file.stem.isdecimal() and file.parent != folder else file.stem


def _schema(file: Path) -> pa.Schema:
    if file.suffix == ".parquet":
        return pq.read_schema(file)
    with pa.memory_map(str(file)) as stream, pa.ipc.open_stream(stream) as reader:
        return reader.schema


def _batches(file: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    if file.suffix == ".parquet":
        with pq.ParquetFile(file, pre_buffer=False) as parquet:
            yield from parquet.iter_batches(_BATCH_ROWS, columns=columns)
        return
    with pa.memory_map(str(file)) as stream, pa.ipc.open_stream(stream) as reader:
        yield from reader


def _features(schema: pa.Schema) -> dict[str, Any]:
    """What `datasets` says of the columns, {} where it says nothing."""
    try:
        known = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {name: kind for name, kind in known.items() if isinstance(kind, dict)} if isinstance(known, dict) else {}


def _is_picture(kind: pa.DataType, feature: dict[str, Any] | None) -> bool:
    """A struct of bytes and path, unless its feature says that it is a sound."""
    is_struct = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    return is_struct and _is_bytes(kind.field("bytes").type) and (feature or {}).get("_type", "Image") == "Image"


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_heavy(kind: pa.DataType) -> bool:
    """Bytes, and whatever is nested: not for the manifest."""
    return _is_bytes(kind) or pa.types.is_fixed_size_binary(kind) or kind.num_fields > 0


def _told(batch: pa.RecordBatch, index: int, layout: Layout) -> Told:
    row = {name: batch.column(name)[index].as_py() for name in layout.others}
    for name, names in layout.labels.items():
        number = row[name]
        row[name] = names[number] if isinstance(number, int) and 0 <= number < len(names) else number
    return told(row)
