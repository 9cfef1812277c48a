"""The command: the archive of the settings, a progress bar, an entry in the audit trail, what to print."""

from __future__ import annotations

import json

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from dicom_node.archive.database import migrate, open_engine
from dicom_node.audit.participants import at_the_shell
from dicom_node.audit.trail import open_trail
from dicom_node.export.outcome import Exported
from dicom_node.export.run import Archive, Request, export
from dicom_node.settings import Settings
from medvlm.client import RemoteModel


def run(settings: Settings, request: Request, *, as_json: bool) -> int:
    """Returns the exit status. Raises as `export` does."""
    engine = open_engine(settings.database_url)
    migrate(engine)
    reader = RemoteModel(settings.model.url, settings.workflow.read_timeout)
    try:
        exported = export_with_bar(Archive(engine, settings.archive.root, reader), request)
    finally:
        reader.close()
    what = "DICOM files, de-identified" if exported.method else "DICOM files"
    open_trail(settings, engine, "export").exported(at_the_shell(), request.study_uid, what)
    show(exported, as_json=as_json)
    return exported.exit_status


def export_with_bar(archive: Archive, request: Request) -> Exported:
    """With a progress bar on standard error."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Exporting", total=None)
        return export(archive, request, lambda total: bar.update(task, total=total, advance=1))


def show(exported: Exported, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(exported.as_dict() | {"folder": str(exported.folder)}))
        return
    console = Console(highlight=False)
    how = "de-identified" if exported.method else "as stored"
    console.print(f"{len(exported.written)} files, {how}, in {escape(str(exported.folder))}", soft_wrap=True)
    for it in exported.left_out:
        words = f"  left out: {it.words} ({it.sop_class_uid}, {it.sop_instance_uid})"
        console.print(words, markup=False, soft_wrap=True)
    if any(it.reason == "not_looked_at" for it in exported.left_out):
        console.print(
            "  The model server reads text in pixels: `dicom-node serve --role model` starts it.", markup=False
        )
    if exported.dangling:
        console.print(f"  Exported files refer to {exported.dangling} of those left out.")
