"""Train and test: by group, author, album or source, near the fraction asked for, and stable as the dataset grows."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scgan_data import manifest, split
from scgan_data.errors import DatasetError


def halved(rows: pd.DataFrame, *group_by: str) -> list[str | None]:
    return split.split_of(rows, group_by or ("group",), test_fraction=0.5, salt="scgan")


def test_groups_never_straddle_and_growth_does_not_reshuffle() -> None:
    rows = manifest.table(
        [{"id": str(n), "group_id": f"g{n // 2}", "domain": "selfie", "status": "kept"} for n in range(30)]
    )
    rows["split"] = halved(rows)
    assert rows.groupby("group_id")["split"].nunique().eq(1).all()
    assert set(rows["split"]) == {"train", "test"}
    fewer = halved(rows.iloc[:10])
    assert fewer == rows["split"].iloc[:10].tolist()


@settings(max_examples=30, deadline=None)
@given(st.floats(0.02, 0.5))
def test_the_test_fraction_is_near_what_was_asked(fraction: float) -> None:
    rows = manifest.table(
        [{"id": str(n), "group_id": f"g{n}", "domain": "selfie", "status": "kept"} for n in range(600)]
    )
    sides = pd.Series(split.split_of(rows, ("group",), test_fraction=fraction, salt="scgan"))
    assert abs(sides.eq("test").mean() - fraction) < 0.08


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=8, max_size=40),
    st.lists(st.sampled_from(["group", "author", "album"]), min_size=1, unique=True),
    st.randoms(),
)
def test_no_key_is_on_both_sides(keys: list[tuple[int, int, int]], group_by: list[str], random) -> None:
    rows = manifest.table(
        [
            {"id": str(n), "domain": "selfie", "status": "kept", "group_id": f"g{group}"}
            | ({"author": f"a{author}"} if author else {})
            | ({"page_url": f"p{page}"} if page > 4 else {})
            for n, (group, author, page) in enumerate(keys)
        ]
    )
    try:
        rows["split"] = halved(rows, *group_by)
    except DatasetError as error:
        assert "all selfies share one" in str(error)
        return
    columns = {"group": "group_id", "author": "author", "album": "page_url"}
    for column in {"group_id", *(columns[name] for name in group_by)}:
        assert rows.groupby(column)["split"].nunique().le(1).all()
    order = random.sample(range(len(rows)), len(rows))
    assert halved(rows.iloc[order], *group_by) == rows["split"].iloc[order].tolist()


def test_a_further_picture_of_an_author_moves_nothing() -> None:
    rows = manifest.table(
        [
            {"id": f"{n:02}", "group_id": f"g{n}", "author": f"a{n % 15}", "domain": "selfie", "status": "kept"}
            for n in range(60)
        ]
    )
    assert halved(rows, "author")[:40] == halved(rows.iloc[:40], "author")
    assert halved(rows, "author") != halved(rows), "the author decides, not the group"


def test_one_cluster_cannot_be_split() -> None:
    rows = manifest.table([{"id": str(n), "source": "s", "domain": "selfie", "status": "kept"} for n in range(4)])
    with pytest.raises(DatasetError, match="group_by: all selfies share one source"):
        halved(rows, "source")
