"""Hugging Face datasets on disk, in the layouts that `datasets` documents, written here with pyarrow."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.sources.huggingface import HuggingFaceSource
from tests.data.local_sources import read_in_turn

IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
SCHEMA = pa.schema(
    {
        "sound": IMAGE,
        "image": IMAGE,
        "label": pa.int64(),
        "artist": pa.string(),
        "license": pa.string(),
        "embedding": pa.list_(pa.float32()),
        "title": pa.string(),
    },
    metadata={
        "huggingface": json.dumps(
            {
                "info": {
                    "features": {
                        "sound": {"_type": "Audio"},
                        "image": {"_type": "Image"},
                        "label": {"_type": "ClassLabel", "names": ["anime", "watercolor"]},
                    }
                }
            }
        )
    },
)


def read_all(path: Path, **given: Any) -> dict[str, tuple[Offer, bytes | Reason]]:
    """By what follows the dataset's path: each offer with what came of it."""
    source = HuggingFaceSource.model_validate({"path": path, **given})
    return {offer.url.removeprefix(str(path)): (offer, came) for offer, came in read_in_turn(source, path.parent)}


def contents(path: Path, **given: Any) -> dict[str, bytes | Reason]:
    return {name: came for name, (_, came) in read_all(path, **given).items()}


def rows(*names: str) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "sound": None,
                "image": {"bytes": name.encode(), "path": f"{name}.png"},
                "label": number % 3,
                "artist": None if number else "Ann",
                "license": "CC0",
                "embedding": [0.5] * 8,
                "title": f"called {name}",
            }
            for number, name in enumerate(names)
        ],
        schema=SCHEMA,
    )


def save(folder: Path, *shards: pa.Table, split: str | None = "train", **state: Any) -> None:
    """What `Dataset.save_to_disk` writes."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"data-{number:05d}-of-{len(shards):05d}.arrow" for number in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, shard.schema) as writer:
            writer.write_table(shard, max_chunksize=2)
    said = {"_data_files": [{"filename": name} for name in names], "_split": split, "_format_type": None}
    (folder / "state.json").write_text(json.dumps(said | state))
    (folder / "dataset_info.json").write_text("{}")


def test_a_saved_dataset(tmp_path: Path) -> None:
    save(tmp_path / "d", rows("a", "b", "c"), rows("d"), split="test")
    found = read_all(tmp_path / "d", author="us", domain="anime")
    assert {name: came for name, (_, came) in found.items()} == {
        "!/test/0": b"a",
        "!/test/1": b"b",
        "!/test/2": b"c",
        "!/test/3": b"d",
    }
    first, second, third = (found[f"!/test/{row}"][0] for row in range(3))
    assert (first.author, second.author, first.license) == ("Ann", "us", "CC0")
    assert first.extra == {"label": "anime", "title": "called a"}
    assert [o.extra["label"] for o in (second, third) if o.extra] == ["watercolor", "2"]
    assert (first.domain, first.source) == ("anime", f"huggingface:{tmp_path / 'd'}")
    assert first.local is not None and (first.local.size_bytes, first.local.path) == (1, None)


def test_a_saved_dataset_dict(tmp_path: Path) -> None:
    save(tmp_path / "train", rows("a"), split=None)
    save(tmp_path / "test", rows("b"))
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert contents(tmp_path) == {"!/test/0": b"b", "!/train/0": b"a"}
    assert contents(tmp_path, splits=["train"]) == {"!/train/0": b"a"}
    with pytest.raises(SourceError, match="has no split dev, but test, train: correct `splits`"):
        contents(tmp_path, splits=["dev"])


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["data/train-00001-of-00002.parquet", "data/train-00000-of-00002.parquet"], ["train/0", "train/1"]),
        (["default/train/0000.parquet", "default/test/0000.parquet"], ["test/0", "train/0"]),
        (["my-set.parquet", ".cache/x.parquet"], ["my-set/0"]),
    ],
)
def test_parquet_as_the_hub_has_it(tmp_path: Path, files: list[str], expected: list[str]) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows(file), tmp_path / file)
    found = contents(tmp_path)
    assert list(found) == [f"!/{name}" for name in expected]
    assert sorted(found.values(), key=str) == sorted((f.encode() for f in files if f[0] != "."), key=str)


def test_a_row_in_its_place_in_a_large_shard(tmp_path: Path) -> None:
    pq.write_table(rows(*(f"picture {n}" for n in range(200))), tmp_path / "train-00000-of-00001.parquet")
    assert contents(tmp_path) == {f"!/train/{n}": f"picture {n}".encode() for n in range(200)}


def test_bytes_that_are_not_inside_come_from_the_path(tmp_path: Path) -> None:
    (tmp_path / "outside.png").write_bytes(b"outside")
    folder = tmp_path / "d"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "1.png").write_bytes(b"inside")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    paths = ["images/1.png", "../outside.png", str(tmp_path / "outside.png"), "link.png", "missing.png", None]
    table = pa.table({"image": pa.array([*({"bytes": None, "path": p} for p in paths), None], IMAGE)})
    pq.write_table(table, folder / "train.parquet")
    found = read_all(folder)
    assert [came for _, came in found.values()] == [b"inside", *[Reason.FILE_UNREADABLE] * 6]
    details = [offer.refused.detail for offer, _ in found.values() if offer.refused]
    assert details[:3] == [f"the picture is not in the dataset: {path}" for path in paths[1:4]]
    assert details[3:] == ["No such file or directory", "the row has no picture", "the row has no picture"]


def test_the_column_of_pictures(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([{"bytes": b"a"}]), "b": pa.array([{"bytes": b"b"}]), "raw": [b"raw"], "n": [1]})
    pq.write_table(table, tmp_path / "train.parquet")
    assert contents(tmp_path) == {"!/train/0": b"a"}
    assert contents(tmp_path, image_column="b") == {"!/train/0": b"b"}
    ((offer, came),) = read_all(tmp_path, image_column="raw").values()
    assert (came, offer.extra) == (b"raw", {"n": "1"})
    with pytest.raises(SourceError, match="the column n holds int64, no pictures: correct `image_column`"):
        contents(tmp_path, image_column="n")
    with pytest.raises(SourceError, match="no column c, but a, b, raw, n: set `image_column`"):
        contents(tmp_path, image_column="c")


def test_a_signature_changes_with_the_shard(tmp_path: Path) -> None:
    def signatures() -> set[str]:
        return {offer.local.signature for offer, _ in read_all(tmp_path).values() if offer.local}

    pq.write_table(rows("a"), tmp_path / "train.parquet")
    before = signatures()
    assert before == signatures()
    pq.write_table(rows("another"), tmp_path / "train.parquet")
    assert not before & signatures()


def test_what_is_no_dataset_says_so(tmp_path: Path) -> None:
    def said(name: str) -> str:
        with pytest.raises(SourceError) as caught:
            contents(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        return str(caught.value)

    (tmp_path / "empty").mkdir()
    assert "is no folder" in said("missing")
    assert "neither state.json (save_to_disk) nor parquet files are there" in said("empty")
    save(tmp_path / "mapped", rows("a"), _indices_data_files=[{"filename": "indices.arrow"}])
    assert "save it again after `flatten_indices()`" in said("mapped")
    save(tmp_path / "none")
    assert "without data files" in said("none")
    save(tmp_path / "gone", rows("a"))
    (tmp_path / "gone" / "data-00000-of-00001.arrow").unlink()
    assert "cannot be read as a dataset's part" in said("gone")
    save(tmp_path / "odd", rows("a"))
    (tmp_path / "odd" / "state.json").write_text("[]")
    assert re.search(r"state\.json cannot be read .*: save the dataset again", said("odd"))
    save(tmp_path / "text", pa.table({"text": ["a"]}))
    assert "no column of pictures (a struct of bytes and path), but text: set `image_column`" in said("text")
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "train.parquet").write_text("<html>404</html>")
    assert "cannot be read as a dataset's part" in said("html")


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_the_rest_of_a_damaged_shard_is_one_refusal(tmp_path: Path, kind: str) -> None:
    many = rows(*(f"{n}" * 500 for n in range(9)))
    if kind == "arrow":
        save(tmp_path, many, rows("next"))
        file = tmp_path / "data-00000-of-00002.arrow"
        file.write_bytes(file.read_bytes()[:-6000])
    else:
        for number, table in enumerate((many, rows("next"))):
            file = tmp_path / f"train-0000{number}-of-00002.parquet"
            pq.write_table(table, file, row_group_size=2, compression="none", use_dictionary=False)
        file = tmp_path / "train-00000-of-00002.parquet"
        data = bytearray(file.read_bytes())
        at = data.index(b"7" * 500) - 60
        data[at - 200 : at] = b"\xff" * 200
        file.write_bytes(data)
    found = contents(tmp_path)
    assert found.pop(f"/{file.name}") == Reason.FILE_UNREADABLE
    assert found["!/train/0"] == b"0" * 500
    assert list(found.values())[-1] == b"next"
