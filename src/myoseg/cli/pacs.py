"""`myoseg pacs`: studies out of an archive, and results into it."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from myoseg.cli.options import Out, Quiet, Verbose
from myoseg.cli.results import SOME_FAILED, say_where, start_log

if TYPE_CHECKING:
    from myoseg.serving.pacs.address import PacsAddress
    from myoseg.serving.pacs.connection import ConnectionOptions
    from myoseg.serving.pacs.fetching import FetchOutcome
    from myoseg.serving.pacs.records import SeriesRecord, StudyRecord

MIB = 1 << 20
FROM_INPUT = "-"
LONGEST_NUMBER = 256

app = typer.Typer(
    help="Fetch studies from an archive and store results in it, over DICOMweb or classic DICOM.",
    no_args_is_help=True,
)

Address = Annotated[
    str,
    typer.Argument(
        help="https://host/dicom-web, or dicom://AE_TITLE@host:port (dicoms:// over TLS)."
    ),
]
AeTitle = Annotated[str, typer.Option("--ae-title", help="What this program calls itself.")]
Ca = Annotated[
    Path | None,
    typer.Option(
        help="Authorities that may vouch for the archive, in PEM; the usual ones if not given."
    ),
]
Cert = Annotated[
    Path | None, typer.Option(help="Certificate of this program, in PEM, if the archive asks.")
]
Key = Annotated[Path | None, typer.Option(help="Its key, in PEM without a passphrase.")]
CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials",
        help="File with lines `user: NAME` and `password: WORD`, or `token: WORD`; or else "
        "MYOSEG_PACS_USER and MYOSEG_PACS_PASSWORD, or MYOSEG_PACS_TOKEN, in the environment.",
    ),
]
Timeout = Annotated[
    float, typer.Option(min=0.1, help="Seconds that the archive may be silent before it is left.")
]
Tries = Annotated[
    int, typer.Option(min=1, help="How often to try what fails for a reason that may pass.")
]


@app.command()
def echo(
    address: Address,
    ae_title: AeTitle = "MYOSEG",
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    credentials: CredentialsFile = None,
    timeout: Timeout = 60.0,
    tries: Tries = 1,
    verbose: Verbose = False,
) -> None:
    """Ask whether an archive is there and lets us in."""
    start_log(False, verbose)
    where, how = _connection(address, ae_title, ca, cert, key, credentials, timeout, tries)
    from myoseg.serving.pacs.queries import echo as ask

    start = time.monotonic()
    ask(where, how)
    typer.echo(f"{where} answers, after {1000 * (time.monotonic() - start):.0f} ms.")


@app.command()
def find(
    address: Address,
    patient_id: Annotated[
        str,
        typer.Option(
            "--patient-id",
            envvar="MYOSEG_PACS_PATIENT_ID",
            help="Number of the patient; * stands for any letters. Others on this machine see what "
            "is typed: `-` reads it from standard input.",
        ),
    ] = "",
    accession: Annotated[
        str,
        typer.Option(envvar="MYOSEG_PACS_ACCESSION", help="Accession number, likewise."),
    ] = "",
    study_uid: Annotated[str, typer.Option("--study-uid", help="Identifier of a study.")] = "",
    date: Annotated[
        str, typer.Option(help="A day, 2026-01-31, or a range, 20260101-20260131.")
    ] = "",
    modality: Annotated[
        str, typer.Option(help="Studies with such a series, for instance MR.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="Print no more studies than this.")] = 100,
    series: Annotated[
        bool, typer.Option("--series", help="List the series of the study of --study-uid.")
    ] = False,
    show_identity: Annotated[
        bool,
        typer.Option(
            "--show-identity", help="Print names, numbers, birth dates and descriptions too."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ae_title: AeTitle = "MYOSEG",
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    credentials: CredentialsFile = None,
    timeout: Timeout = 60.0,
    tries: Tries = 4,
    verbose: Verbose = False,
) -> None:
    """List the studies of an archive, newest first; whose they are only if you ask."""
    start_log(False, verbose)
    if series and not study_uid:
        raise typer.BadParameter("--series goes with --study-uid")
    patient_id, accession = _typed_or_read(patient_id, accession)
    where, how = _connection(address, ae_title, ca, cert, key, credentials, timeout, tries)
    from myoseg.serving.pacs.queries import find_series, find_studies
    from myoseg.serving.pacs.records import Query, dates, require_uid

    if study_uid:
        require_uid(study_uid, "study")
    if series:
        rows = [_series_row(each) for each in find_series(where, study_uid, how)]
    else:
        days = dates(date) if date else ""
        query = Query(patient_id, accession, study_uid, days, modality.upper())
        studies = find_studies(where, query, how, most=limit)
        rows = [_study_row(each, show_identity) for each in studies]
    _print_rows(rows, "series" if series else "studies", as_json)


@app.command()
def fetch(
    address: Address,
    study_uid: Annotated[str, typer.Argument(help="Identifier of the study.")],
    out: Out,
    series_uid: Annotated[
        str, typer.Option("--series-uid", help="Only this series of the study.")
    ] = "",
    modality: Annotated[
        str, typer.Option(help="Only series of this modality; `any` for all.")
    ] = "MR",
    receive_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Have the archive connect to this port (C-MOVE) instead of C-GET; our AE title "
            "must be entered there with it.",
        ),
    ] = None,
    receive_host: Annotated[
        str,
        typer.Option(help="Address to listen at for that; 0.0.0.0 lets other machines connect."),
    ] = "127.0.0.1",
    max_instances: Annotated[
        int, typer.Option(min=1, help="Refuse studies of more instances.")
    ] = 20_000,
    max_mib: Annotated[int, typer.Option(min=1, help="Stop after so many MiB.")] = 8192,
    max_instance_mib: Annotated[
        int, typer.Option(min=1, max=2048, help="Refuse larger instances.")
    ] = 512,
    ae_title: AeTitle = "MYOSEG",
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    credentials: CredentialsFile = None,
    timeout: Timeout = 60.0,
    tries: Tries = 4,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Fetch a study's MR images into a folder; typed again, it fetches only what is missing.

    The files keep the patient's identity, as DICOM from an archive does; their names tell nothing.
    """
    start_log(quiet, verbose)
    where, how = _connection(address, ae_title, ca, cert, key, credentials, timeout, tries)
    from myoseg.serving.pacs.fetching import FetchRequest
    from myoseg.serving.pacs.fetching import fetch as fetch_study
    from myoseg.serving.pacs.intake import Limits
    from myoseg.serving.pacs.wanted import ReceiveAt

    request = FetchRequest(
        study_uid,
        series_uid,
        "" if modality.lower() == "any" else modality.upper(),
        Limits(max_instances, max_instance_mib * MIB, max_mib * MIB),
        None if receive_port is None else ReceiveAt(receive_port, receive_host),
    )
    with _progress(quiet) as (on_list, on_file):
        outcome = fetch_study(where, request, out, how, on_file, on_list)
    _close_fetch(outcome, out)


@app.command()
def send(
    address: Address,
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Files, or folders of which the DICOM files are sent: MR images, segmentations "
            "and structured reports."
        ),
    ],
    ae_title: AeTitle = "MYOSEG",
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    credentials: CredentialsFile = None,
    timeout: Timeout = 60.0,
    tries: Tries = 4,
    verbose: Verbose = False,
) -> None:
    """Store files in an archive; sent again, they change nothing there.

    DICOM files carry the patient's identity, which the archive needs to file them.
    """
    start_log(False, verbose)
    where, how = _connection(address, ae_title, ca, cert, key, credentials, timeout, tries)
    from myoseg.serving.pacs.outgoing import dicom_files
    from myoseg.serving.pacs.transfer import send as send_files

    files = list(dicom_files(paths))
    outcome = send_files(where, files, how)
    for file in outcome.refused:
        typer.echo(f"{file.path}: {file.status}", err=True)
    typer.echo(f"{where} holds {outcome.n_accepted} of {len(outcome.files)} files.")
    if outcome.refused or not files:
        raise typer.Exit(SOME_FAILED if outcome.n_accepted else 1)


def _typed_or_read(patient_id: str, accession: str) -> tuple[str, str]:
    """Both numbers; one that is `-` is the first line of standard input."""
    if FROM_INPUT not in (patient_id, accession):
        return patient_id, accession
    if patient_id == accession:
        raise typer.BadParameter(
            "only one of --patient-id and --accession can be read from standard input"
        )
    line = sys.stdin.readline(LONGEST_NUMBER + 1).strip()
    if not line or len(line) > LONGEST_NUMBER:
        raise typer.BadParameter("standard input holds no number in its first line")
    return (line, accession) if patient_id == FROM_INPUT else (patient_id, line)


def _connection(
    address: str,
    ae_title: str,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    credentials: Path | None,
    timeout_s: float,
    tries: int,
) -> "tuple[PacsAddress, ConnectionOptions]":
    from myoseg.serving.pacs.extra import require_extra

    require_extra()
    from myoseg.serving.pacs.address import parse_address
    from myoseg.serving.pacs.connection import (
        ConnectionOptions,
        credentials_of,
        read_credentials,
    )

    where = parse_address(address)
    given = None if credentials is None else read_credentials(credentials)
    if given is None and where.protocol == "dicomweb":
        given = credentials_of(os.environ)
    how = ConnectionOptions(ae_title, ca, cert, key, given, min(timeout_s, 10.0), timeout_s, tries)
    return where, how


@contextmanager
def _progress(quiet: bool) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """A bar of instances: what to call with their number, and with the bytes of each that came."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task("Fetching", total=None)
        yield (
            lambda n_instances: bar.update(task, total=n_instances),
            lambda n_bytes: bar.advance(task),
        )


def _close_fetch(outcome: "FetchOutcome", out: Path) -> None:
    typer.echo(
        f"{outcome.n_fetched} instances fetched ({outcome.n_bytes / MIB:.1f} MiB), "
        f"{outcome.n_present} were there already; {outcome.n_other_series} other series left out."
    )
    for why in dict.fromkeys(outcome.refused):
        typer.echo(f"{outcome.refused.count(why)} instances not taken: {why}.", err=True)
    if outcome.n_missing:
        typer.echo(f"{outcome.n_missing} instances are listed, but were not given.", err=True)
    is_any = bool(outcome.n_fetched + outcome.n_present)
    if is_any:
        say_where(out)
    if outcome.refused or outcome.n_missing:
        raise typer.Exit(SOME_FAILED if is_any else 1)


def _study_row(study: "StudyRecord", show_identity: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "date": study.date,
        "modalities": ",".join(study.modalities),
        "series": study.n_series,
        "instances": study.n_instances,
    }
    if show_identity:
        whose = study.identity
        row |= {
            "name": whose.patient_name,
            "patient": whose.patient_id,
            "born": whose.birth_date,
            "accession": whose.accession_number,
            "description": whose.description,
        }
    return row | {"study": study.study_uid}


def _series_row(series: "SeriesRecord") -> dict[str, Any]:
    return {
        "number": series.number,
        "modality": series.modality,
        "instances": series.n_instances,
        "description": series.description,
        "series": series.series_uid,
    }


def _print_rows(rows: list[dict[str, Any]], what: str, as_json: bool) -> None:
    """Prints them as a table of columns that fit, or as JSON."""
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        typer.echo(f"No {what} found.")
        return
    table = [[*rows[0]], *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(padded).rstrip())


def _cell(value: object) -> str:
    return "-" if value in (None, "") else str(value)
