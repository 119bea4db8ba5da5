"""The manifest: one schema, exact round trips, no id lost, a rejected row stays rejected."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scgan_data import manifest
from scgan_data.errors import ManifestError
from scgan_data.records import MEANING, Reason, Status

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
ROW = st.fixed_dictionaries(
    {
        "id": st.text("0123456789abcdef", min_size=4, max_size=8),
        "domain": st.sampled_from(["selfie", "avataaars"]),
        "source_url": st.none() | TEXT,
        "author": st.none() | TEXT,
        "width": st.none() | st.integers(1, 9000),
        "sharpness": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "eyes_xyxy": st.none() | st.lists(st.floats(0, 512), min_size=4, max_size=4),
        "status": st.sampled_from([s.value for s in Status]),
    }
)


def plain(frame: pd.DataFrame) -> list[dict]:
    """Rows as comparable Python values."""

    def cell(value):
        if hasattr(value, "__len__") and not isinstance(value, str):
            return tuple(value)
        return None if pd.isna(value) else value

    return [{k: cell(v) for k, v in row.items()} for row in frame.to_dict("records")]


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(ROW, max_size=6, unique_by=lambda row: (row["id"], row["domain"], row["source_url"])))
def test_round_trip_is_exact(rows: list[dict], tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("m")
    table = manifest.table(rows)
    manifest.write(folder, table)
    back = manifest.read(folder)
    key = lambda row: str(sorted((k, str(v)) for k, v in row.items()))  # noqa: E731
    assert sorted(plain(back), key=key) == sorted(plain(table), key=key)
    first = (folder / manifest.FILE_NAME).read_bytes()
    manifest.write(folder, back.iloc[::-1])
    assert (folder / manifest.FILE_NAME).read_bytes() == first, "row order must not matter"


def test_paths_are_relative_in_the_file_and_absolute_in_memory(tmp_path: Path) -> None:
    home = tmp_path / "a" / "01"
    home.mkdir(parents=True)
    rows = manifest.table([{"id": "x", "domain": "selfie", "status": "kept", "path": str(tmp_path / "b" / "x.png")}])
    manifest.write(home, rows)
    moved = tmp_path / "c" / "01"
    moved.parent.mkdir()
    home.rename(moved)
    assert manifest.read(moved)["path"][0] == str(tmp_path / "b" / "x.png")


def test_missing_and_damaged_manifests_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"is empty: run the stage that writes it"):
        manifest.read(tmp_path)
    (tmp_path / manifest.FILE_NAME).write_bytes(b"PAR1 not really")
    with pytest.raises(ManifestError, match="cannot be read"):
        manifest.read(tmp_path)


def test_unknown_columns_are_refused() -> None:
    with pytest.raises(ManifestError, match="colour"):
        manifest.table([{"id": "x", "domain": "selfie", "status": "kept", "colour": 1}])


def test_first_reason_wins_and_a_rejected_row_stays_rejected() -> None:
    rows = manifest.table([{"id": i, "domain": "selfie", "status": "kept"} for i in "ab"])
    rows = manifest.reject(rows, rows["id"] == "a", Reason.BLURRED, stage="filter", value=0.1, limit=0.2)
    rows = manifest.reject(rows, rows["id"].notna(), Reason.FLAT, stage="filter")
    assert rows["reason"].tolist() == ["blurred", "flat"]
    assert rows["value"][0] == 0.1 and rows["limit"][0] == 0.2


def test_losing_a_row_is_noticed() -> None:
    rows = manifest.table([{"id": i, "domain": "selfie", "status": "kept"} for i in "ab"])
    with pytest.raises(ManifestError, match="lost"):
        manifest.check_complete(rows, rows[rows["id"] == "a"], "crop")
    cropped = rows.assign(id=["c", "b"], parent_id=["a", None])
    manifest.check_complete(rows, manifest.table(cropped), "crop")


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANING) == set(Reason)


def test_a_row_that_another_s_faces_hide_is_still_missed() -> None:
    before = manifest.table([{"id": name, "domain": "selfie", "status": "kept"} for name in ("p", "p", "q")])
    crops = [
        {"id": f"c{n}", "parent_id": parent, "domain": "selfie", "status": "kept"} for n, parent in enumerate("ppq")
    ]
    manifest.check_complete(before, manifest.table(crops), "crop")
    more = [*crops, {"id": "c9", "parent_id": "q", "domain": "selfie", "status": "kept"}]
    manifest.check_complete(before, manifest.table(more), "crop")
    with pytest.raises(ManifestError, match=r"crop lost 1 rows, among them \['p'\]"):
        manifest.check_complete(before, manifest.table([*crops[1:], *more[3:]]), "crop")


def test_a_box_of_before_is_read_as_its_quad(tmp_path: Path) -> None:
    manifest.write(tmp_path, manifest.table([{"id": "x", "domain": "selfie", "status": "kept"}] * 2))
    file = tmp_path / manifest.FILE_NAME
    old = (
        pq.read_table(file).drop_columns("crop_quad").append_column("crop_xyxy", pa.array([[1.0, 2.0, 5.0, 6.0], None]))
    )
    pq.write_table(old, file)
    back = manifest.read(tmp_path)["crop_quad"]
    assert back[0].tolist() == [1, 2, 1, 6, 5, 6, 5, 2] and back[1] is None
