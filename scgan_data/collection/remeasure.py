"""Facts that an older version of the decoding measured are measured anew, from the kept pictures, without network."""

from __future__ import annotations

import json
from concurrent.futures import Executor

from scgan_data import hashes
from scgan_data.collection.decode import SAID
from scgan_data.collection.outcome import Picture
from scgan_data.collection.settle import settle
from scgan_data.collection.state import State
from scgan_data.hashes import DecodeConfig
from scgan_data.stage import StageFolder

BATCH = 64
OF_THE_FILE = ("format", "orientation", *SAID)


def stale(state: State, folder: StageFolder, config: DecodeConfig, decoders: Executor) -> None:
    """Bring all facts up to date; a content whose picture is not here is forgotten, and its URL waits again."""
    old = state.stale()
    here = [(i, suffix, facts) for i, suffix, facts in old if suffix and folder.picture(i, suffix)]
    state.forget_contents({row[0] for row in old} - {row[0] for row in here})
    batches = [here[i : i + BATCH] for i in range(0, len(here), BATCH)]
    futures = [decoders.submit(_measure, batch, config, folder) for batch in batches]
    for future in futures:
        settle(state, (), future.result())


def _measure(batch: list[tuple[str, str, str]], config: DecodeConfig, folder: StageFolder) -> list[Picture]:
    """In a worker: the facts of kept pictures."""
    measured = []
    for content_id, suffix, facts in batch:
        file = folder.picture(content_id, suffix)
        assert file is not None
        result = hashes.measure(file.read_bytes(), config)
        kept = {name: value for name, value in json.loads(facts).items() if name in OF_THE_FILE}
        measured.append(Picture(content_id, suffix if result.kept else None, result.columns | kept))
    return measured
