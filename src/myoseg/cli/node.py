"""`myoseg node`: receives studies and returns their results, until it is stopped."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myoseg.cli.options import (
    Align,
    Device,
    Engine,
    Model,
    Precision,
    Quiet,
    Threads,
    Verbose,
    require_alignment,
)
from myoseg.cli.results import start_log
from myoseg.prediction.shipped import DEFAULT

if TYPE_CHECKING:
    import threading

    from myoseg.serving.pacs.connection import ConnectionOptions

app = typer.Typer(
    help="Receive studies over DICOM, and return segmentations and reports to an archive.",
    invoke_without_command=True,
)

Folder = Annotated[
    Path, typer.Option("--folder", help="The node's own folder; it keeps its studies there.")
]


@app.callback()
def node(
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="A folder of the node's own; it keeps its studies there."),
    ] = None,
    return_to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Where results go: dicom://AE_TITLE@host:port (dicoms:// over TLS) or "
            "https://host/dicom-web; may be repeated.",
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at.")] = 11112,
    host: Annotated[
        str, typer.Option(help="Address to listen at; any but this machine's needs --accept.")
    ] = "127.0.0.1",
    ae_title: Annotated[
        str, typer.Option("--ae-title", help="What the node calls itself, and must be called.")
    ] = "MYOSEG",
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="AE_TITLE", help="Who may send; may be repeated. All if not given."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Listen over TLS with this certificate, in PEM.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key, without a passphrase.")] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            help="Authority, in PEM, of whose certificates senders must show one; it vouches for "
            "the archives too."
        ),
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(help="For DICOMweb, as in `myoseg pacs`; or in the environment as there."),
    ] = None,
    max_instance_mb: Annotated[
        float, typer.Option(min=0.001, help="Refuse images of more.")
    ] = 500.0,
    max_study_gb: Annotated[float, typer.Option(min=0.001, help="Refuse more of a study.")] = 4.0,
    max_studies_waiting: Annotated[
        int, typer.Option(min=1, help="Refuse new studies while so many are not done.")
    ] = 1000,
    min_free_gb: Annotated[
        float, typer.Option(min=0.0, help="Refuse images while less is free on the disk.")
    ] = 1.0,
    settle_seconds: Annotated[
        float, typer.Option(min=0.1, help="A study is complete after so long without a new image.")
    ] = 20.0,
    broken_seconds: Annotated[
        float,
        typer.Option(min=0.1, help="It has failed if its sender broke off and is silent so long."),
    ] = 600.0,
    study_seconds: Annotated[
        float, typer.Option(min=1.0, help="Longest time that segmenting a study may take.")
    ] = 900.0,
    keep_days: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="Keep images and results of returned studies so long; of failed ones, all.",
        ),
    ] = 1.0,
    record_days: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="Keep what is known of returned studies so long, and no less than their images; "
            "sent again later, they are new ones.",
        ),
    ] = 90.0,
    model: Model = DEFAULT,
    align: Align = "auto",
    device: Device = "auto",
    engine: Engine = "auto",
    precision: Precision = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Receive studies over DICOM, and return segmentations and reports to an archive.

    It runs until Ctrl-C or SIGTERM. Whatever ends it, typed again the same command goes on.
    """
    if _is_subcommand():
        return
    if folder is None or not return_to:
        raise typer.BadParameter("give --folder FOLDER and --return-to ADDRESS, or status or retry")
    start_log(quiet, verbose)
    require_alignment(align)
    from myoseg.serving.pacs.extra import require_extra

    require_extra()
    from myoseg.prediction.description import model_folder, read_description
    from myoseg.prediction.model import ModelSource
    from myoseg.serving.node.access import require_access_list, tls_for
    from myoseg.serving.node.node import NodeOptions, run_node
    from myoseg.serving.node.processing import SegmentingSource
    from myoseg.serving.node.receiver import Listening
    from myoseg.serving.node.returning import require_destinations, sender
    from myoseg.serving.node.study import GB, MB, Limits, Patience

    accepted = tuple(accept or ())
    require_access_list(host, accepted)
    tls = tls_for(tls_cert, tls_key, tls_ca)
    how = _connection_options(ae_title, tls_ca, tls_cert, tls_key, credentials)
    destinations = require_destinations(return_to, how)
    read_description(model_folder(model))
    options = NodeOptions(
        destinations=destinations,
        listening=Listening(host, port, ae_title, accepted, tls),
        patience=Patience(settle_s=settle_seconds, broken_s=broken_seconds),
        limits=Limits(
            int(max_instance_mb * MB),
            int(max_study_gb * GB),
            max_studies_waiting,
            int(min_free_gb * GB),
        ),
        keep_days=keep_days,
        record_days=record_days,
        longest_job_s=study_seconds,
    )
    source = SegmentingSource(ModelSource(model, device, engine, precision, threads), align)

    def started(port: int) -> None:
        to = ", ".join(destinations)
        typer.echo(f"{ae_title} listens at {host}:{port} and returns results to {to}. Ctrl-C ends.")

    run_node(folder, options, source, sender(how), _stop_on_signals(), started)


@app.command()
def status(
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the studies of a node, which may be running, by number; names no patient."""
    from myoseg.serving.node.status import status_table, studies_of

    studies = studies_of(folder)
    if as_json:
        typer.echo(json.dumps([study.to_record() for study in studies], indent=2))
    else:
        typer.echo(status_table(studies))


@app.command()
def retry(
    folder: Folder,
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="N", help="Numbers of studies.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All studies that failed.")] = False,
) -> None:
    """Try studies again that failed or were returned; the node may be running."""
    if bool(numbers) == failed:
        raise typer.BadParameter("give either numbers of studies or --failed")
    from myoseg.serving.node.status import opened_queue

    with opened_queue(folder) as queue:
        taken = queue.upkeep.retry(None if failed else numbers)
    told = ", ".join(map(str, taken)) or "none"
    typer.echo(f"To be tried again: {told}. A running node takes them up at once.")


def _is_subcommand() -> bool:
    """Whether status or retry was typed."""
    # Not as an argument: its type is one of typer's own that has no public name.
    context = typer.main.get_current_context()  # type: ignore[attr-defined]
    return context.invoked_subcommand is not None


def _connection_options(
    ae_title: str, ca: Path | None, cert: Path | None, key: Path | None, credentials: Path | None
) -> "ConnectionOptions":
    import os

    from myoseg.serving.pacs.connection import (
        ConnectionOptions,
        credentials_of,
        read_credentials,
    )

    known = credentials_of(os.environ) if credentials is None else read_credentials(credentials)
    # A single try, since the node's queue tries again by itself.
    return ConnectionOptions(ae_title, ca, cert, key, known, n_tries=1)


def _stop_on_signals() -> "threading.Event":
    """An event that Ctrl-C and SIGTERM set; the second of them ends the process at once."""
    import signal
    import threading
    from types import FrameType

    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    return stop
