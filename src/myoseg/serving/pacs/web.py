"""An archive that speaks DICOMweb: queries and files enter, records and objects leave."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import requests
from dicomweb_client.web import DICOMwebClient
from pydicom import Dataset

from myoseg.cases.dicom.elements import items, whole
from myoseg.cases.dicom.opening import read_whole
from myoseg.errors import InputError, MyosegError, TransferError
from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.connection import ConnectionOptions
from myoseg.serving.pacs.intake import Intake, Refusal
from myoseg.serving.pacs.outgoing import FileOutcome, Outgoing
from myoseg.serving.pacs.records import Query
from myoseg.serving.pacs.statuses import is_taken, may_pass, words_of
from myoseg.serving.pacs.wanted import Wanted
from myoseg.serving.pacs.web_session import LARGEST_ANSWER_BYTES, WebSession, unreachable

LARGEST_SENT_BYTES: Final = 1 << 31
"""Sent in one piece, since archives answer to pieces differently."""

_FIELDS: Final = ("StudyDescription", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
_SERIES_FIELDS: Final = ("SeriesDescription", "NumberOfSeriesRelatedInstances")
_FAILED_ITEMS: Final = 0x00081198
_STORED_ITEMS: Final = 0x00081199
_FAILURE: Final = 0x00081197
_WARNING: Final = 0x00081196
UNREADABLE: Final = "the archive's answer cannot be read"
PAGE: Final = 1000
_STUDY: Final = "0020000D"
_SERIES: Final = "0020000E"
_INSTANCE: Final = "00080018"
_NOT_FOUND: Final = 404

Search = Callable[[int, int], list[dict[str, Any]]]


@dataclass(frozen=True)
class WebArchive:
    """An archive at a DICOMweb address.

    Attributes:
        address: of it.
        how: to speak to it.
        instance_bytes: the largest instance that is taken.
    """

    address: PacsAddress
    how: ConnectionOptions
    instance_bytes: int = LARGEST_ANSWER_BYTES

    def echo(self) -> None:
        """Asks whether it is there, by a search for one study.

        Raises:
            TransferError: it is not.
        """
        with self._client() as client:
            self._page(
                lambda limit, offset: client.search_for_studies(limit=limit),
                1,
                0,
                is_below_study=False,
            )

    def studies(self, query: Query, most: int) -> list[Dataset]:
        """Up to `most` studies that it lists (QIDO-RS).

        Raises:
            TransferError: it cannot be reached, or refuses.
        """
        asked = query.attributes()
        with self._client() as client:
            return self._all(
                lambda limit, offset: client.search_for_studies(
                    limit=limit, offset=offset, fields=_FIELDS, search_filters=asked
                ),
                _STUDY,
                most,
            )

    def series(self, study_uid: str, most: int) -> list[Dataset]:
        """Up to `most` series of a study, likewise."""
        with self._client() as client:
            return self._all(
                lambda limit, offset: client.search_for_series(
                    study_uid, limit=limit, offset=offset, fields=_SERIES_FIELDS
                ),
                _SERIES,
                most,
            )

    def instances(self, study_uid: str, series_uid: str, most: int) -> list[Dataset]:
        """Up to `most` instances of a series, likewise."""
        with self._client() as client:
            return self._all(
                lambda limit, offset: client.search_for_instances(
                    study_uid, series_uid, limit=limit, offset=offset
                ),
                _INSTANCE,
                most,
            )

    def retrieve(self, wanted: Wanted, intake: Intake) -> None:
        """Fetches instances one by one into an intake (WADO-RS).

        Which came, the intake knows.

        Raises:
            TransferError: it cannot be reached, refuses, or the connection broke.
            OutputError: what came cannot be written.
        """
        above = f"{self.address}/studies/{wanted.study_uid}/series/{wanted.series_uid}"
        with self._client() as client:
            for each in wanted.instances:
                try:
                    content = self._content(client, f"{above}/instances/{each.instance_uid}")
                    intake.keep(each.instance_uid, content)
                except Refusal as refusal:
                    intake.refuse(each.instance_uid, str(refusal))

    def store(self, files: Sequence[Outgoing]) -> Iterator[FileOutcome]:
        """Sends files one by one (STOW-RS); yields what became of each.

        Raises:
            TransferError: it cannot be reached, refuses all, or the connection broke.
        """
        with self._client() as client:
            for file in files:
                accepted, status = self._store(client, file)
                yield FileOutcome(file.path, accepted=accepted, status=status)

    def _store(self, client: DICOMwebClient, file: Outgoing) -> tuple[bool, str]:
        try:
            dataset = read_whole(file.path)
        except InputError:
            return False, "not sent: it cannot be read"
        try:
            answer = client.store_instances([dataset])
        except requests.HTTPError as error:
            return self._judged(_failed_answer(error.response), f"HTTP {_code(error)}")
        except MyosegError:
            raise
        except requests.JSONDecodeError:
            return False, UNREADABLE
        except requests.RequestException as error:
            raise unreachable(self.address, error) from None
        except Exception:
            # What a damaged or hostile answer raises in the client is anything.
            return False, UNREADABLE
        return self._judged(answer, "")

    def _judged(self, answer: Dataset, fault: str) -> tuple[bool, str]:
        """Whether a file was taken, by what the archive says of it or by HTTP's status."""
        failed, stored = items(answer, _FAILED_ITEMS), items(answer, _STORED_ITEMS)
        if failed:
            reason = whole(failed[0], _FAILURE) or 0x0110
            if may_pass(reason):
                raise TransferError(
                    f"{self.address} is out of resources; try again later.", is_transient=True
                )
            return is_taken(reason), words_of(reason)
        warning = whole(stored[0], _WARNING) if stored else None
        if warning is not None:
            return True, words_of(warning)
        return not fault, fault or "stored"

    @contextmanager
    def _client(self) -> Iterator[DICOMwebClient]:
        with WebSession(self.address, self.how, self.instance_bytes) as session:
            client = DICOMwebClient(
                str(self.address),
                session=session,
                chunk_size=LARGEST_SENT_BYTES,
                timeout=(self.how.connect_s, self.how.answer_s),
            )
            # Tries are counted where both protocols are known.
            client.set_http_retry_params(retry=False)
            yield client

    def _all(self, search: Search, key: str, most: int) -> list[Dataset]:
        """Pages of answers, until there is nothing new; archives may give fewer than asked."""
        found: dict[str, Dataset] = {}
        offset = 0
        while len(found) < most:
            n_left = min(PAGE, most - len(found))
            page = self._page(search, n_left, offset, is_below_study=key != _STUDY)
            new = {uid: each for uid, each in _by_uid(page, key) if uid not in found}
            if not new:
                break
            found |= new
            offset += len(page)
        return list(found.values())[:most]

    def _page(self, search: Search, limit: int, offset: int, *, is_below_study: bool) -> list[Any]:
        """A page of answers; a study that is not known has none, in whichever way it is said."""
        try:
            return search(limit, offset)
        except requests.HTTPError as error:
            if _code(error) == _NOT_FOUND and is_below_study:
                return []
            raise TransferError(
                f"{self.address} refuses the query (HTTP {_code(error)}); check the path in the "
                "address."
            ) from None
        except MyosegError:
            raise
        except requests.JSONDecodeError:
            raise self._no_dicom() from None
        except requests.RequestException as error:
            raise unreachable(self.address, error) from None
        except Exception:
            # What a damaged or hostile answer raises in the client is anything.
            raise self._no_dicom() from None

    def _content(self, client: DICOMwebClient, url: str) -> bytes:
        """An instance as a file's bytes."""
        try:
            return bytes(next(client.iter_bulkdata(url), b""))
        except requests.HTTPError as error:
            raise Refusal(f"the archive does not give it (HTTP {_code(error)})") from None
        except MyosegError:
            raise
        except requests.RequestException as error:
            raise unreachable(self.address, error) from None
        except Exception:
            raise Refusal("the archive's answer is no DICOM") from None

    def _no_dicom(self) -> TransferError:
        return TransferError(
            f"{self.address} gave an answer that is no DICOM; check the path in the address."
        )


def _by_uid(page: Sequence[Any], key: str) -> Iterator[tuple[str, Dataset]]:
    """The answers that can be read, with their identifiers."""
    for each in page:
        try:
            yield str(each[key]["Value"][0]), Dataset.from_json(each)
        except Exception:  # noqa: S112
            # One damaged answer hides none of the others.
            continue


def _failed_answer(response: requests.Response | None) -> Dataset:
    """What an archive says of files that it refused; empty where it says nothing readable."""
    try:
        answer = {} if response is None else response.json()
        return Dataset.from_json(answer[0] if isinstance(answer, list) else answer)
    except Exception:
        return Dataset()


def _code(error: requests.HTTPError) -> int:
    return 0 if error.response is None else error.response.status_code
