"""What sites say of licences, and what is allowed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from scgan_data.credit.licenses import LicensesConfig, allowed, families, named, normalise

CC = "https://creativecommons.org"
SAID = [
    # By URL, which is believed before the name.
    (None, f"{CC}/licenses/by/4.0/", "CC-BY-4.0"),
    ("by-nc", "http://creativecommons.org/licenses/by-sa/2.0", "CC-BY-SA-2.0"),
    ("Attribution-ShareAlike License", "https://www.creativecommons.org/licenses/by-sa/2.0/deed.fr", "CC-BY-SA-2.0"),
    (None, f"{CC}/licenses/by-sa/3.0/de/deed.en", "CC-BY-SA-3.0-DE"),
    (None, f"{CC}/licenses/by/3.0/igo/", "CC-BY-3.0-IGO"),
    (None, f"{CC}/licenses/by/4.0/deed.de", "CC-BY-4.0"),
    (None, f"{CC}/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND-1.0"),
    (None, f"{CC}/licenses/sampling+/1.0/", "CC-SAMPLING+-1.0"),
    (None, f"{CC}/publicdomain/zero/1.0/", "CC0-1.0"),
    (None, f"{CC}/publicdomain/mark/1.0/deed.en", "CC-PDM-1.0"),
    (None, f"{CC}/licenses/publicdomain/", "public-domain"),
    (None, f"{CC}/licenses/list/", None),
    (f"{CC}/licenses/by/2.5/", None, "CC-BY-2.5"),
    (None, "http://rightsstatements.org/vocab/InC/1.0/", "all-rights-reserved"),
    (None, "http://rightsstatements.org/vocab/NKC/1.0/", "no-known-copyright"),
    (None, "https://www.flickr.com/commons/usage/", "no-known-copyright"),
    # As Commons says it.
    ("CC BY-SA 4.0", None, "CC-BY-SA-4.0"),
    ("CC BY-SA 3.0 de", None, "CC-BY-SA-3.0-DE"),
    ("CC BY-SA 4.0,3.0,2.5,2.0,1.0", None, "CC-BY-SA-4.0"),
    ("Public domain", None, "public-domain"),
    ("PD-old-70", None, "public-domain"),
    ("No restrictions", None, "no-known-copyright"),
    ("GFDL", None, "GFDL"),
    ("Attribution", None, None),
    ("Copyrighted free use", None, None),
    # As Openverse says it: code and version.
    ("by 2.0", None, "CC-BY-2.0"),
    ("by-nc-sa 2.0", None, "CC-BY-NC-SA-2.0"),
    ("cc0 1.0", None, "CC0-1.0"),
    ("pdm 1.0", None, "CC-PDM-1.0"),
    # As Flickr says it.
    ("All Rights Reserved", "", "all-rights-reserved"),
    ("No known copyright restrictions", None, "no-known-copyright"),
    ("United States Government Work", "http://www.usa.gov/copyright.shtml", "us-government-work"),
    ("Public Domain Dedication (CC0)", None, "CC0-1.0"),
    ("Public Domain Mark", None, "CC-PDM-1.0"),
    # As people say it.
    ("cc-by-nc-4.0", None, "CC-BY-NC-4.0"),
    ("cc by nc", None, "CC-BY-NC"),
    ("Creative Commons Attribution-Share Alike 4.0 International", None, "CC-BY-SA-4.0"),
    ("Creative Commons Attribution-NonCommercial-NoDerivatives 4.0", None, "CC-BY-NC-ND-4.0"),
    ("Creative Commons Zero", None, "CC0-1.0"),
    ("© 2020 Jane. All rights reserved.", None, "all-rights-reserved"),
    ("MIT", None, "MIT"),
    ("Apache License 2.0", None, "Apache-2.0"),
    ("Apache-2.0", None, "Apache-2.0"),
    # Not understood to the last word: not guessed.
    ("CC BY, no commercial use", None, None),
    ("CC BY or CC0", None, None),
    ("CC BY 4.0 by Jane", None, None),
    ("not in the public domain", None, None),
    ("sa 1.0", None, None),
    ("free for friends", "https://example.org/terms", None),
    ("", "", None),
    (None, None, None),
]


@pytest.mark.parametrize(("name", "url", "expected"), SAID)
def test_one_id(name: str | None, url: str | None, expected: str | None) -> None:
    assert normalise(name, url) == expected


@pytest.mark.parametrize("license_id", sorted({expected for _, _, expected in SAID if expected}))
def test_an_id_stays_itself(license_id: str) -> None:
    if not license_id.startswith("CC-SAMPLING"):  # has no name but its URL
        assert normalise(license_id, None) == license_id
    assert allowed(license_id, (license_id.lower(),))


def test_what_is_not_understood_stays_as_said() -> None:
    assert named("CC BY 2.0", None) == "CC-BY-2.0"
    assert named(" Our terms ", "https://example.org/terms") == "Our terms"
    assert named(None, "https://example.org/terms") == "https://example.org/terms"
    assert named(" ", "") is None


@pytest.mark.parametrize(
    ("license_id", "patterns", "expected"),
    [
        ("CC-BY-NC-4.0", ("CC-BY",), False),
        ("CC-BY-SA-4.0", ("CC-BY",), False),
        ("CC-BY-2.0", ("CC-BY",), True),
        ("CC-BY", ("CC-BY",), True),
        ("CC-BY-3.0-DE", ("cc by",), True),
        ("CC-BY-3.0-DE", ("CC-BY-3.0",), True),
        ("CC-BY-3.0", ("CC-BY-3.0-DE",), False),
        ("CC-BY-2.0", ("CC-BY-4.0",), False),
        ("CC-BY", ("CC-BY-4.0",), False),
        ("CC BY 4.0", ("CC-BY-4.0",), True),
        ("CC0-1.0", ("cc0",), True),
        ("MIT", ("mit",), True),
        ("Our terms", ("our terms",), True),
        ("Our terms", ("CC0", "MIT"), False),
        ("CC-BY-4.0", ("CC0", "MIT", "CC-BY"), True),
        ("CC0-1.0", ("public-domain",), True),
        ("CC-PDM-1.0", ("public-domain",), True),
        ("public-domain", ("Public-Domain",), True),
        ("us-government-work", ("public-domain",), True),
        ("no-known-copyright", ("public-domain",), False),
        ("CC-BY-SA-2.0", ("free",), True),
        ("CC-BY-NC-2.0", ("free",), False),
        ("CC-BY-NC-SA-2.0", ("derivatives",), True),
        ("CC-BY-ND-2.0", ("derivatives",), False),
        ("CC-BY-NC-ND-2.0", ("derivatives",), False),
        ("all-rights-reserved", ("derivatives",), False),
        ("all-rights-reserved", None, True),
        (None, None, True),
        (None, ("CC0",), False),
        ("", ("CC0",), False),
        ("CC0-1.0", (), False),
    ],
)
def test_allowed(license_id: str | None, patterns: tuple[str, ...] | None, expected: bool) -> None:
    assert allowed(license_id, patterns) is expected


def test_the_families_that_patterns_reach_into() -> None:
    assert families(("CC-BY-4.0", "cc0")) == {"CC-BY", "CC0"}
    assert families(("free",)) == {"CC-BY", "CC-BY-SA", "CC0", "CC-PDM", "PUBLIC-DOMAIN", "US-GOVERNMENT-WORK"}


@pytest.mark.parametrize("pattern", ["CC-BY-*", "CC-BY-?.0", "*", "CC-[B]Y", "", " "])
def test_globs_are_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match="without wildcards"):
        LicensesConfig(allow=(pattern,))


def test_config() -> None:
    assert LicensesConfig().allow is None
    assert LicensesConfig.model_validate({"allow": ["CC-BY", "free"]}).allow == ("CC-BY", "free")
