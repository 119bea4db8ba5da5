"""The `sample` source: a gallery made of sample selfies and rendered portraits, with planted faults and their truth.

It is a web site on 127.0.0.1, collected through the same crawler and fetcher as any other. `truth.json` goes into the
finished folder, beside the manifest.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from scgan_data import weights
from scgan_data.config import Config
from scgan_data.errors import SourceError
from scgan_data.files import write_json
from scgan_data.records import SELFIE
from scgan_data.sample import plants, portraits, selfies, server, site
from scgan_data.sample.plants import Plants
from scgan_data.sample.portraits import StyleName
from scgan_data.sources import Offer, Opened, Visit
from scgan_data.sources.page import PageSource, offers
from scgan_data.stage import key_of, version_of
from scgan_data.web.request import Access

MODULES = tuple(
    f"scgan_data.sample.{name}" for name in ("plants", "portraits", "selfies", "server", "site", "watermarks")
)
"""The modules whose source decides the site's bytes."""


class SampleSource(Config):
    """The sample gallery."""

    kind: Literal["sample"] = "sample"
    seed: int = Field(0, ge=0)
    """The same seed gives the same site, byte for byte."""
    selfies: int = Field(420, ge=0)
    """Clean selfies; 0 leaves the domain out."""
    portraits: int = Field(340, ge=0)
    """Clean portraits; 0 leaves the domain out."""
    style: StyleName = "avataaars"
    """The portraits' style: the name of their domain."""
    plants: Plants = Plants()
    """What is planted in each domain."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        copies = self.plants.exact_copies + self.plants.near_copies
        for name, count in (("selfies", self.selfies), ("portraits", self.portraits)):
            if 0 < count < copies:
                raise ValueError(f"{copies} copies need as many {name}: raise `{name}` or lower `plants`")
        if self.selfies + self.plants.pictures > selfies.AVAILABLE:
            least = self.plants.pictures
            raise ValueError(
                f"there are {selfies.AVAILABLE} selfies, {least} of them for the plants: lower `selfies` to "
                f"{max(selfies.AVAILABLE - least, 0)}, or `plants`"
            )
        return self

    @classmethod
    def of_domain(cls, domain: str) -> SampleSource:
        """The part of the sample that belongs to a domain. Raises SourceError where none does."""
        if domain == SELFIE:
            return cls(portraits=0)
        if domain != cls.model_fields["style"].default:
            raise SourceError(f"--from sample has no {domain}: its domains are {SELFIE} and avataaars")
        return cls(selfies=0)

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return "sample"

    @property
    def domains(self) -> list[str]:
        """The domains that it has pictures of."""
        return [name for name, count in ((SELFIE, self.selfies), (self.style, self.portraits)) if count]

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Build the site where it is not built yet, and serve it. Raises WeightsError where the selfies are not had."""
        folder = build(self, work / "sample_site")
        with server.serve(folder) as port:
            access = Access(interval_s=0.0, connect_to={server.HOST: ("127.0.0.1", port)})
            yield Opened({domain: partial(self._offers, domain) for domain in self.domains}, access)
        write_json(work / "extras" / "truth.json", site.read_truth(folder))

    def _offers(self, domain: str, visit: Visit) -> Iterator[Offer]:
        for offer in offers(PageSource(url=site.start_url(domain), domain=domain), visit):
            yield replace(offer, source=self.name)


def build(config: SampleSource, parent: Path) -> Path:
    """The folder of the built site; others of an earlier configuration or version are removed."""
    folder = parent / key_of(version_of(MODULES, [weights.SAMPLE_SELFIES.sha256]), config)
    if not (folder / "routes.json").is_file():
        shutil.rmtree(parent, ignore_errors=True)
        parent.mkdir(parents=True)
        site.build(folder, [_gallery(config, domain) for domain in config.domains], np.random.default_rng(config.seed))
    return folder


def _gallery(config: SampleSource, domain: str) -> site.Gallery:
    rng = np.random.default_rng([config.seed, config.domains.index(domain), len(domain)])
    if domain == SELFIE:
        photographs = selfies.photographs()
        pool = (photographs[int(i)] for i in rng.permutation(len(photographs)))
        items = plants.plant(domain, pool, config.selfies, config.plants, rng)
        return site.Gallery(domain, items, selfies.LICENSE, selfies.LICENSE_URL, selfies.AUTHOR)
    needed = config.portraits + config.plants.pictures
    drawn = (plants.encode(domain, image) for image in portraits.portraits(needed, config.seed))
    items = plants.plant(domain, drawn, config.portraits, config.plants, rng)
    return site.Gallery(domain, items, portraits.LICENSE, portraits.LICENSE_URL, portraits.AUTHOR)
