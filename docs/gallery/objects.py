"""Pictures of every result object as a viewer shows it, from the demo's sample: `python docs/gallery/objects.py`.

Needs playwright with Chromium, DCMTK (dsr2html, dcmp2pgm) and pdftoppm (Debian: poppler-utils).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Page, sync_playwright
from pydicom import Dataset, dcmread

from dicom_node.archive.acts import uncomposed
from dicom_node.archive.database import open_engine
from dicom_node.archive.readings import reports_of
from dicom_node.archive.studies import find_study, instances_of, list_studies
from dicom_node.demo.sample import sample
from dicom_node.offline import ingest, model_server
from dicom_node.report.fhir import fhir_bundle
from dicom_node.report.hl7 import Routing, oru_r01
from dicom_node.report.life_cycle import Accept, Act, Add, Addend, Edit, Person, Remove, Sign
from dicom_node.reporting.acting import perform
from dicom_node.reporting.history import OpenReport, open_report
from dicom_node.settings import Deliver, Peer, Settings, load
from dicom_node.workflow.assemble import assemble
from dicom_node.workflow.compose import compose
from dicom_node.workflow.compose_act import compose_act
from dicom_node.workflow.node import Node
from dicom_node.workflow.read import read
from medvlm.contract import Box

FOLDER = Path(__file__).parent / "objects"
EVERY_KIND = ("findings", "narrative", "gsps", "kos", "pdf", "capture")
SHOWN = {(kind, state) for kind in EVERY_KIND for state in ("draft", "signed")} | {("narrative", "addended")}
COLOURS = 64
READER = Person(id="reader-1", name="Reader^Example", organisation="Department of Radiology")
VIEW = {"width": 900, "height": 700}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, _node(Path(folder)) as node, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=VIEW)
        report = _signed(node)
        image = next(iter(instances_of(node.engine, report.study_uid)))
        for row in reports_of(node.engine, report.study_uid):
            if (row.kind, row.state) in SHOWN:
                target = FOLDER / f"{row.kind}-{row.state}.png"
                _picture(page, node.root / row.path, node.root / image.path, target)
        _fhir(page, report)
        (FOLDER / "oru-signed.hl7").write_text(_hl7(report), "utf-8")
        browser.close()
    for picture in FOLDER.glob("*.png"):
        small = Image.open(picture).convert("P", palette=Image.Palette.ADAPTIVE, colors=COLOURS)
        small.save(picture, optimize=True)


@contextmanager
def _node(folder: Path) -> Iterator[Node]:
    """The sample's film, read by the embedded model, in an archive of its own."""
    before = load()
    film = sample(before.archive.root.parent / "demo", print).radiograph
    peer = Peer(name="pacs", ae_title="PACS", host="127.0.0.1", port=104, objects=EVERY_KIND)  # nothing is sent
    settings = Settings(archive={"url": str(folder / "archive"), "flush": False}, deliver=Deliver(peers=(peer,)))
    named = dcmread(film)
    named.PatientName = named.PatientID  # DCMTK draws no presentation state of a patient without a name
    named.save_as(folder / "film.dcm")
    assert ingest(settings, [folder / "film.dcm"]) == ()
    uid = str(named.StudyInstanceUID)
    with model_server(settings) as model:
        node = Node(settings, open_engine(settings.database_url, flush=False), model)
        work = find_study(node.engine, uid).work
        assembled = assemble(node, work)
        assert assembled is not None
        assert read(node, work, assembled)
        compose(node, work)
        yield node


def _signed(node: Node) -> OpenReport:
    """Accepted but for one finding, one added with its place, signed, and an addendum."""
    (study,) = list_studies(node.engine)
    report = open_report(node.desk, study.work.key)
    film = report.draft.sources[0]
    first, *rest = report.kept.reading.findings
    width, height = int(film.Columns), int(film.Rows)
    place = Box(
        sop_instance_uid=film.SOPInstanceUID,
        x0=width * 0.25,
        y0=height * 0.30,
        x1=width * 0.33,
        y1=height * 0.37,
    )
    decisions = (
        *(Accept(tracking_uid=it.tracking_uid) for it in rest),
        Remove(tracking_uid=first.tracking_uid),
        Add(tracking_uid="2.25.1", name="nodule", laterality="right", evidence=(place,)),
    )
    now = datetime.now(UTC)
    acts: tuple[Act, ...] = (
        Edit(person=READER, at=now, decisions=decisions),
        Sign(person=READER, at=now),
        Addend(person=READER, at=now, text="Compared with the CT of the same day: the nodule is confirmed."),
    )
    for act in acts:
        report = perform(node.desk, report.id, report.version, act)
    for row in uncomposed(node.engine):
        compose_act(node, row.reading_id, row.number)
    return report


def _picture(page: Page, path: Path, image: Path, target: Path) -> None:
    made = dcmread(path)
    if "EncapsulatedDocument" in made:
        _pdf(made, target)
    elif "PixelData" in made:
        Image.fromarray(made.pixel_array).save(target)
    elif made.Modality == "PR":
        _drawn(path, image, target)
    else:
        _as_html(page, path, target)


def _as_html(page: Page, path: Path, target: Path) -> None:
    html = path.with_suffix(".html")
    subprocess.run(["dsr2html", "+U8", path, html], check=True)
    page.goto(html.as_uri())
    page.screenshot(path=target, full_page=True)


def _drawn(path: Path, image: Path, target: Path) -> None:
    """The film as DCMTK shows it under the presentation state, and the state's graphics, which DCMTK leaves out."""
    pgm = path.with_suffix(".pgm")
    subprocess.run(["dcmp2pgm", "-p", path, image, pgm], check=True)
    picture = Image.open(pgm).convert("RGB")
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=picture.width // 40)
    for annotation in dcmread(path).GraphicAnnotationSequence:
        for graphic in annotation.get("GraphicObjectSequence", ()):
            pen.line([float(value) for value in graphic.GraphicData], fill="yellow", width=3)
        for words in annotation.get("TextObjectSequence", ()):
            corner = words.get("BoundingBoxTopLeftHandCorner") or words.AnchorPoint
            pen.text([float(value) for value in corner], words.UnformattedTextValue, fill="yellow", font=font)
    picture.thumbnail((900, 900))
    picture.save(target)


def _pdf(made: Dataset, target: Path) -> None:
    with TemporaryDirectory() as folder:
        pdf = Path(folder) / "report.pdf"
        pdf.write_bytes(made.EncapsulatedDocument)
        command = ["pdftoppm", "-png", "-r", "90", "-f", "1", "-singlefile", pdf, target.with_suffix("")]
        subprocess.run(command, check=True)


def _fhir(page: Page, report: OpenReport) -> None:
    bundle = fhir_bundle(report.report)
    texts = [entry.resource.text.div for entry in bundle.entry if getattr(entry.resource, "text", None)]
    page.set_content("<body style='font: 15px sans-serif; margin: 2em'>" + "<hr>".join(texts))
    page.screenshot(path=FOLDER / "fhir-signed.png", full_page=True)


def _hl7(report: OpenReport) -> str:
    message = oru_r01(report.report, Routing("HOSPITAL", "RIS", "HOSPITAL"))
    return message.decode("utf-8").replace("\r", "\n")


if __name__ == "__main__":
    main()
