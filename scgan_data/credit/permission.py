"""What the collection's own rules say of a picture, from what its source and its file state: licence, AI marks."""

from __future__ import annotations

from scgan_data.credit import licenses
from scgan_data.credit.licenses import LicensesConfig
from scgan_data.records import Reason
from scgan_data.web.address import RefusedError


def by_license(name: str | None, url: str | None, config: LicensesConfig) -> RefusedError | None:
    """Why a stated licence is not allowed; None where it is."""
    said = licenses.named(name, url)
    if licenses.allowed(said, config.allow):
        return None
    return RefusedError(Reason.LICENSE_NOT_ALLOWED, said or "not known")


def by_file(forbids: str | None) -> RefusedError | None:
    """Why a file that forbids the training of models (PLUS data mining) is not used; None where it does not."""
    return RefusedError(Reason.NOAI, f"the file says {forbids}") if forbids else None


def by_origin(ai_generated: str | None, *, reject_ai: bool) -> RefusedError | None:
    """Why a picture that says that a model made it is not wanted; None where it is."""
    return RefusedError(Reason.AI_GENERATED, ai_generated) if ai_generated and reject_ai else None
