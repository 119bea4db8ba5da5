"""Licences under one name each: what sites say in twenty spellings becomes one SPDX-like id, or stays as it was said.

Creative Commons ids are SPDX's (`CC-BY-SA-3.0-DE`: elements, version, port), without the version where none was said.
Beside them stand `CC-PDM-1.0`, `public-domain`, `us-government-work`, `no-known-copyright` and `all-rights-reserved`. A
licence's URL is believed before its name, and words that are not understood to the last one give no id: a licence must
not be guessed. Patterns are not globs: `CC-BY-*` would take in CC BY-NC, which is another licence altogether.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from pydantic import field_validator

from scgan_data.config import Config

_PUBLIC = ("CC0", "CC-PDM", "public-domain", "us-government-work")
_FREE = (*_PUBLIC, "CC-BY", "CC-BY-SA")
GROUPS: dict[str, tuple[str, ...]] = {
    "public-domain": _PUBLIC,
    "free": _FREE,
    "derivatives": (*_FREE, "CC-BY-NC", "CC-BY-NC-SA"),
}
"""Names for several families. `derivatives` leaves out ND, under which what a model draws may not be shared."""

_CC_URL = re.compile(
    r"creativecommons\.org/(?:licenses|publicdomain)/([a-z0-9+-]+)(?:/(\d\.\d)(?:/(igo|scotland|[a-z]{2})(?![a-z.]))?)?",
    re.IGNORECASE,
)
_CC_ELEMENTS = ("by", "nc", "nd", "sa", "sampling+", "sampling")
_CC_ID = re.compile(r"(CC0|CC(?:-[A-Z+]+)+)(?:-(\d\.\d)(?:-([A-Z]+))?)?", re.IGNORECASE)
_CC_WORDS = re.compile(
    r"(?P<cc>cc )?(?P<elements>(?:by|nc|nd|sa)(?: (?:nc|nd|sa))*)"
    r"(?: (?P<version>\d\.\d)(?: \d\.\d)*(?: (?P<port>igo|scotland|[a-z]{2}))?)?"
)
_SPELLED = (
    (r"creative commons", "cc"),
    (r"non ?commercial", "nc"),
    (r"no ?deriv(?:ative)?s?(?: works)?", "nd"),
    (r"share ?alike", "sa"),
    (r"\b(?:international|unported|generic|public|licen[cs]e|universal)\b", " "),
)
_OTHER = (
    (r"all rights reserved|^in copyright$|^copyright(ed)?$|rightsstatements\.org/vocab/inc/", "all-rights-reserved"),
    (r"^no (known )?(copyright )?restrictions( exist)?$|flickr\.com/commons/usage|/vocab/nkc/", "no-known-copyright"),
    (r"^no known copyright$", "no-known-copyright"),
    (r"^(united states|us|u\.s\.) government work|usa\.gov/(government-)?copyright", "us-government-work"),
    (r"^(cc|creative commons) ?(cc ?)?(0|zero)( 1\.0)?( universal)?( public domain dedication)?$", "CC0-1.0"),
    (r"^public domain dedication( cc0)?( 1\.0)?$", "CC0-1.0"),
    (r"^(cc )?(pdm|public domain mark)( 1\.0)?$", "CC-PDM-1.0"),
    (r"^(in the )?public domain$|^pd$|^pd (old|art|us|self|user|author)\b", "public-domain"),
    (r"^mit( licen[cs]e)?$|opensource\.org/licenses?/mit\b", "MIT"),
    (r"^apache( licen[cs]e)?,?( version)? 2(\.0)?$|apache\.org/licenses/license-2\.0", "Apache-2.0"),
    (r"^gfdl( 1\.[23])?$|^gnu free documentation licen[cs]e$|gnu\.org/(copyleft|licenses)/fdl", "GFDL"),
    (r"^(fal|free art licen[cs]e)( 1\.3)?$|artlibre\.org/licence", "FAL"),
)
"""Patterns of a name (lower case, hyphens as spaces) or of a URL."""


class LicensesConfig(Config):
    """Which pictures may be had, by licence."""

    allow: tuple[str, ...] | None = None
    """Ids (`CC-BY-4.0`), families (`CC-BY`: any version of exactly that licence, not of CC BY-NC) and groups
    (`public-domain`; `free`: that, CC BY and CC BY-SA; `derivatives`: that and the NC ones, without ND). A picture
    whose licence is not known is then not allowed. null: all."""

    @field_validator("allow")
    @classmethod
    def _no_globs(cls, allow: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if allow is None else checked(allow)


def checked(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns as given. Raises ValueError for a glob or an empty one, which would allow what nobody meant."""
    for pattern in patterns:
        if not pattern.strip() or re.search(r"[*?\[]", pattern):
            raise ValueError(
                f"{pattern!r}: name an id, a family (CC-BY is every version) or a group, without wildcards"
            )
    return patterns


@lru_cache(maxsize=4096)  # a list of a million rows has a handful of licences
def normalise(name: str | None, url: str | None) -> str | None:
    """The licence's id from what a site says of it (either may be a URL), or None where that is not understood."""
    for text in (url, name):
        if text and (found := _of_cc_url(text)):
            return found
    for text in (name, url):
        if text and (found := _of_words(text)):
            return found
    return None


def named(name: str | None, url: str | None) -> str | None:
    """What the manifest says: the id where there is one, else the name as the site said it, else the URL."""
    return normalise(name, url) or (name and name.strip()) or (url and url.strip()) or None


def allowed(license_id: str | None, patterns: Iterable[str] | None) -> bool:
    """Whether one of the patterns covers a licence; None allows everything, and an unknown licence is not covered."""
    if patterns is None:
        return True
    if not license_id:
        return False
    has = _parts(license_id)
    return any(_covers(_parts(member), has) for pattern in patterns for member in _members(pattern))


def families(patterns: Iterable[str]) -> frozenset[str]:
    """The families that the patterns reach into, without versions: what a search can be asked for beforehand."""
    return frozenset(_parts(member)[0] for pattern in patterns for member in _members(pattern))


def _members(pattern: str) -> tuple[str, ...]:
    return GROUPS.get(pattern.strip().lower(), (pattern,))


def _parts(text: str) -> tuple[str, str | None, str | None]:
    """Family, version and port. A family is in upper case, and all there is of a licence that is not CC's."""
    license_id = normalise(text, None) or text.strip()
    match = _CC_ID.fullmatch(license_id)
    if match is None:
        return license_id.upper(), None, None
    family, version, port = match.groups()
    return family.upper(), version, port and port.upper()


def _covers(wanted: tuple[str, str | None, str | None], has: tuple[str, str | None, str | None]) -> bool:
    return wanted[0] == has[0] and all(want in (None, found) for want, found in zip(wanted[1:], has[1:], strict=True))


def _of_cc_url(text: str) -> str | None:
    match = _CC_URL.search(text)
    if match is None:
        return None
    code, version, port = match.group(1).lower(), match.group(2), match.group(3)
    if code in ("zero", "mark"):
        return "CC0-1.0" if code == "zero" else "CC-PDM-1.0"
    if code in ("publicdomain", "certification"):
        return "public-domain"
    elements = code.split("-")
    return _cc_id(elements, version, port) if set(elements) <= set(_CC_ELEMENTS) else None


def _of_words(text: str) -> str | None:
    words = re.sub(r"[\s_,;()-]+", " ", text.lower()).strip(" .")
    for pattern, license_id in _OTHER:
        if re.search(pattern, text.lower() if "://" in text else words):
            return license_id
    if re.search(r"\b(cc|creative commons)\b", words):  # "Attribution" alone is not Creative Commons'
        words = words.replace("attribution", "by")
    for spelling, short in _SPELLED:
        words = re.sub(spelling, short, words)
    match = _CC_WORDS.fullmatch(" ".join(words.split()))
    if match is None or not (match["cc"] or match["elements"].startswith("by")):
        return None
    return _cc_id(match["elements"].split(), match["version"], match["port"])


def _cc_id(elements: list[str], version: str | None, port: str | None) -> str:
    """In SPDX's order: version 1.0 of CC's own URLs says `by-nd-nc`."""
    ranked = sorted(elements, key=_CC_ELEMENTS.index)
    return "-".join(part.upper() for part in ("CC", *ranked, version, version and port) if part)
