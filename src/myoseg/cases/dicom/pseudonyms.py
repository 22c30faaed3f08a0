"""A secret key and an identity in, names and identifiers that cannot be led back without it out."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from pydicom.uid import UID

from myoseg.errors import ConfigurationError

Dates = Literal["removed", "shifted"]

SHIFTED: Final = frozenset(
    {
        "StudyDate",
        "SeriesDate",
        "AcquisitionDate",
        "ContentDate",
        "AcquisitionDateTime",
        "FrameAcquisitionDateTime",
        "FrameReferenceDateTime",
    }
)
"""The dates of an examination, which may be moved; those of a person never are."""

MIN_KEY_BYTES: Final = 16
N_NAME_DIGITS: Final = 16
MAX_SHIFT_DAYS: Final = 3650


@dataclass(frozen=True)
class PseudonymKey:
    """A secret from which pseudonyms follow (HMAC-SHA256, RFC 2104).

    With the same key a patient has the same pseudonym in every run, and an identifier the same
    replacement, so that references between files still hold. Whoever has the key can test whether
    a known identity belongs to a pseudonym: keep it apart from the data.

    Raises:
        ConfigurationError: the secret is shorter than 16 bytes.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_KEY_BYTES:
            raise ConfigurationError(
                f"the key has {len(self.secret)} bytes; give a file of at least {MIN_KEY_BYTES} "
                "random bytes, for instance from: head -c 32 /dev/urandom > KEY"
            )

    @classmethod
    def random(cls) -> "PseudonymKey":
        """A key that nobody has: pseudonyms of different runs cannot be joined."""
        return cls(secrets.token_bytes(32))

    @classmethod
    def read(cls, path: Path) -> "PseudonymKey":
        """The key that a file holds, whatever its bytes; white space at its ends is not counted.

        Raises:
            ConfigurationError: the file cannot be read or is too short.
        """
        try:
            return cls(path.read_bytes().strip())
        except OSError as error:
            raise ConfigurationError(
                f"the key {path} cannot be read ({error.strerror}); make one with: "
                "head -c 32 /dev/urandom > KEY"
            ) from error

    def patient(self, patient_id: str, issuer: str = "") -> str:
        """A patient's pseudonym: P and 16 hexadecimal digits, alike for the same ID and issuer."""
        name = self._digest("patient", issuer.strip(), patient_id.strip()).hex()
        return f"P{name[:N_NAME_DIGITS]}".upper()

    def uid(self, uid: str) -> UID:
        """What replaces an identifier: one under 2.25 that follows from it; standard ones stay.

        Those that DICOM itself defines (classes, transfer syntaxes) identify nobody.
        """
        if not uid or UID(uid).name != uid:  # pydicom names those that DICOM defines
            return UID(uid)
        digest = self._digest("uid", uid)
        return UID(f"2.25.{UUID(bytes=digest[:16], version=4).int}")

    def shifted(self, day: date, pseudonym: str) -> date:
        """The day moved back by up to ten years, by the same number for all of a patient's."""
        number = int.from_bytes(self._digest("days", pseudonym)[:8], "big")
        return day - timedelta(days=1 + number % MAX_SHIFT_DAYS)

    @property
    def fingerprint(self) -> str:
        """Tells keys apart and does not tell the key: 16 hexadecimal digits."""
        return self._digest("fingerprint").hex()[:N_NAME_DIGITS]

    def _digest(self, *parts: str) -> bytes:
        message = "\x1f".join(parts).encode("utf-8", "surrogateescape")
        return hmac.new(self.secret, message, hashlib.sha256).digest()


@dataclass(frozen=True)
class Deidentification:
    """How results are written without identity: as their images are with the same key and dates."""

    key: PseudonymKey
    dates: Dates = "removed"

    def to_record(self) -> dict[str, str]:
        """For `run.json`: what must be the same where a run goes on."""
        return {"dates": self.dates, "key_fingerprint": self.key.fingerprint}


@dataclass(frozen=True)
class Identity:
    """What replaces one patient's identity.

    Attributes:
        key: from which identifiers follow.
        pseudonym: the patient's.
        dates: whether dates of the examination are removed or moved, all by the same days.
        texts: that stay wherever they stand, since they are known to name nobody.
        moved_dates: keywords of the dates that are moved where dates are; all others are removed.
    """

    key: PseudonymKey
    pseudonym: str
    dates: Dates
    texts: frozenset[str] = frozenset()
    moved_dates: frozenset[str] = SHIFTED
