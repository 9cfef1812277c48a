"""A study of films and reports in every state, out of a real archive: as stored, and without its patient (D1 to D6)."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless
from sqlalchemy import Engine
from typer.testing import CliRunner

from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.readings import Report, insert_report, store_reading
from dicom_node.archive.results import write_durably
from dicom_node.archive.studies import find_study, instances_of
from dicom_node.cli import app
from dicom_node.deidentify import Key, Options
from dicom_node.deidentify.nested import all_elements
from dicom_node.errors import NodeError, NotFound
from dicom_node.export.cleaned import holds
from dicom_node.export.key_file import BadKeyFile, key_for
from dicom_node.export.outcome import Exported
from dicom_node.export.run import MANIFEST, Archive, FolderTaken, Request, export
from dicom_node.offline import ingest
from dicom_node.report import to_part10
from dicom_node.settings import Settings, load
from medvlm.client import BurnedInText, RemoteModel
from medvlm.contract import ImageSource, StudyInput
from tests.builders import bytes_of, dx_film, uid
from tests.data import shared_data
from tests.integration.report_documents import library_headers, reading_of
from tests.peers import free_port
from tests.unit.deidentify.studies import DATES, IDENTIFIERS, KEY, PEOPLE, film
from tests.unit.report.drafts import draft
from tests.unit.report.versions import every_object, every_state
from tests.validators import complaints, dciodvfy_builds, run

STUDY = str(uid("study"))
OURS = ("Reader", "Müller", "Klinik", "reader-1", "a-user-code", "last year", "not of the chest")


class Reading:
    """A model server that reads nothing but on the films named."""

    def __init__(self, *written: str) -> None:
        self.written, self.asked = written, [""]

    def burned_in(self, source: ImageSource) -> BurnedInText:
        assert Path(source.uri.removeprefix("file://")).is_file()
        self.asked.append(source.sop_instance_uid)
        return BurnedInText(signs=("name",) if source.sop_instance_uid in self.written else ())


@dataclass(frozen=True)
class Place:
    settings: Settings
    engine: Engine
    films: tuple[Dataset, ...]

    def archive(self, *written: str) -> Archive:
        return Archive(self.engine, self.settings.archive.root, Reading(*written))

    def stored(self) -> list[Path]:
        return sorted(self.settings.archive.root.rglob("*.dcm"))


def received_films() -> tuple[Dataset, ...]:
    """Two films with everything in their headers, the second compressed."""
    said = {it.tag: it for it in film() if it.keyword not in {"Rows", "Columns", "SOPClassUID"} and it.VR != "UI"}
    made = []
    for number in (1, 2):
        one = dx_film(number=number, seed=number)
        for element in said.values():
            one.add(element)
        one.file_meta.SourceApplicationEntityTitle = "ZWIEBELMANN"
        made.append(one)
    made[1].compress(RLELossless, generate_instance_uid=False)
    return tuple(made)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("node")
    settings = load(archive={"url": str(folder / "archive"), "flush": False})
    engine = open_engine(settings.database_url, flush=False)
    migrate(engine)
    films = received_films()
    files = [folder / f"{number}.dcm" for number, _ in enumerate(films)]
    for path, one in zip(files, films, strict=True):
        path.write_bytes(bytes_of(one))
    assert ingest(settings, files) == ()
    _keep_reports(settings, engine, films[0])
    return Place(settings, engine, films)


def _keep_reports(settings: Settings, engine: Engine, source: Dataset) -> None:
    """Every object of every state, as composing leaves them."""
    header = Dataset()
    header.update({it.tag: it for it in source if it.keyword != "PixelData"})
    made = reading_of(header)
    kept = store_reading(engine, find_study(engine, STUDY).work, StudyInput(study_uid=STUDY, images=()), made, 0.0)
    for state, version in every_state(draft(reading=made, sources=(header,))).items():
        for kind, dataset in every_object(version).items():
            path = Path("results") / f"{dataset.SOPInstanceUID}.dcm"
            write_durably(settings.archive.root / path, to_part10(dataset), flush=False)
            row = Report(
                sop_instance_uid=dataset.SOPInstanceUID,
                study_uid=STUDY,
                reading_id=kept.id,
                kind=kind.split()[0],  # type: ignore[arg-type]
                state=state,
                version=version.number,
                sop_class_uid=dataset.SOPClassUID,
                series_instance_uid=dataset.SeriesInstanceUID,
                predecessor=None,
                path=str(path),
                created=0.0,
            )
            with engine.begin() as connection:
                insert_report(connection, row)


def known_key(folder: Path) -> Path:
    """Always the same: among random digits a date would occur once in a while."""
    path = folder.with_name(f"{folder.name}.key")
    path.write_text(KEY.secret.hex())
    return path


@pytest.fixture(scope="module")
def without_patient(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    out = tmp_path_factory.mktemp("removed")
    return export(place.archive(), Request(STUDY, out, Options(), known_key(out)))


@pytest.fixture(scope="module")
def shifted(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    out = tmp_path_factory.mktemp("shifted")
    return export(place.archive(), Request(STUDY, out, Options("shifted"), known_key(out)))


def contents(exported: Exported) -> Iterator[Dataset]:
    for one in exported.written:
        yield pydicom.dcmread(exported.folder / one.path)


def original_uids(place: Place) -> set[str]:
    headers = (pydicom.dcmread(path, stop_before_pixels=True) for path in place.stored())
    found = {str(it.value) for header in headers for it in all_elements(header) if it.VR == "UI"}
    return {it for it in found if not it.startswith("1.2.840.10008.")}


@pytest.mark.parametrize("dates", ["without_patient", "shifted"])
def test_no_byte_of_an_export_names_the_patient_or_anyone_else(
    place: Place, dates: str, request: pytest.FixtureRequest
) -> None:
    exported = request.getfixturevalue(dates)
    searched, uids = (*PEOPLE, *IDENTIFIERS, *DATES, *OURS, "ZWIEBELMANN", "SER-99887"), original_uids(place)
    assert len(uids) > 30
    files = [it for it in exported.folder.rglob("*") if it.is_file()]
    assert len(files) == len(exported.written) + 1 > 15
    for path in files:
        whole = path.read_bytes() + str(path.relative_to(exported.folder.parent)).encode()
        assert [it for it in searched if it.encode() in whole] == []
        assert [it for it in uids if holds(whole, it)] == []


def test_an_identifier_is_found_between_anything_but_digits() -> None:
    assert holds(b"\0\x10PID-4711-X\0", "PID-4711-X")
    assert holds(b"UI1.2.3.4567\0", "1.2.3.4567")
    assert not holds(b"UI1.2.3.45678\0", "1.2.3.4567")
    assert not holds(b"2.25.1471100", "471100")


def test_every_reference_resolves_in_the_export(without_patient: Exported) -> None:
    own = {str(it.SOPInstanceUID) for it in contents(without_patient)}
    named = {
        str(it.value)
        for dataset in contents(without_patient)
        for it in all_elements(dataset)
        if it.keyword == "ReferencedSOPInstanceUID"
    }
    assert named
    assert named <= own
    assert without_patient.dangling == 0
    assert {str(it.StudyInstanceUID) for it in contents(without_patient)} == {without_patient.study_uid}


def test_pictures_of_the_report_stay_with_their_reason_and_the_rest_goes_on(without_patient: Exported) -> None:
    assert {it.reason for it in without_patient.left_out} == {"document", "burned_in"}
    assert len([it for it in without_patient.left_out if it.reason == "document"]) == 5
    assert without_patient.exit_status == 3
    modalities = [it.Modality for it in contents(without_patient)]
    assert (modalities.count("DX"), modalities.count("SR")) == (2, 10)
    assert "KO" in modalities
    assert "PR" in modalities


def test_pixels_and_their_encoding_are_the_source_s(place: Place, without_patient: Exported) -> None:
    films = [it for it in contents(without_patient) if it.Modality == "DX"]
    before = sorted(one.PixelData for one in place.films)
    assert sorted(one.PixelData for one in films) == before
    assert {str(it.file_meta.TransferSyntaxUID) for it in films} == {
        str(it.file_meta.TransferSyntaxUID) for it in place.films
    }
    assert all((it.pixel_array >= 0).all() for it in films)


@pytest.mark.parametrize("dates", ["without_patient", "shifted"])
@pytest.mark.parametrize("build", dciodvfy_builds() or [pytest.param("", marks=pytest.mark.skip("no dciodvfy"))])
def test_dciodvfy_finds_no_error_that_was_not_there_before(
    place: Place, build: str, dates: str, request: pytest.FixtureRequest
) -> None:
    exported = request.getfixturevalue(dates)
    before = {line for path in place.stored() for line in errors(build, path)}
    for one in exported.written:
        found = set(errors(build, exported.folder / one.path))
        header = pydicom.dcmread(exported.folder / one.path, stop_before_pixels=True)
        assert found <= (before if header.Modality == "DX" else set()), one.path


def errors(build: str, path: Path) -> list[str]:
    return [line for line in complaints("dciodvfy", run([build, "-new", str(path)])) if line.startswith("Error")]


def test_shifted_dates_are_the_same_days_apart_in_every_file(place: Place, shifted: Exported) -> None:
    days = {str(it.StudyDate) for it in contents(shifted)}
    assert len(days) == 1
    assert days.pop() < "20261123"
    films = {str(it.AcquisitionDate) for it in contents(shifted) if it.Modality == "DX"}
    assert films == {str(it.StudyDate) for it in contents(shifted)}


def test_the_manifest_lists_what_left_and_what_stayed(without_patient: Exported) -> None:
    told = json.loads((without_patient.folder / MANIFEST).read_text("utf-8"))
    assert told["deidentified"] is True
    assert [it["code"] for it in told["method"]] == ["113100", "113103", "113104", "113105"]
    assert sorted(it["path"] for it in told["files"]) == sorted(
        str(it.relative_to(without_patient.folder)) for it in without_patient.folder.rglob("*.dcm")
    )
    assert {it["reason"] for it in told["left_out"]} == {"document", "burned_in"}


def test_as_stored_every_file_is_the_archive_s_byte_for_byte(place: Place, tmp_path: Path) -> None:
    exported = export(place.archive(), Request(STUDY, tmp_path))
    assert exported.exit_status == 0
    left = sorted((exported.folder / it.path).read_bytes() for it in exported.written)
    assert left == sorted(path.read_bytes() for path in place.stored())
    assert exported.folder == tmp_path / STUDY


def test_exports_under_one_key_agree_and_others_do_not(place: Place, tmp_path: Path) -> None:
    key = tmp_path / "study.key"
    one, two = (
        export(place.archive(), Request(STUDY, tmp_path / out, Options("shifted"), key)) for out in ("one", "two")
    )
    other = export(place.archive(), Request(STUDY, tmp_path / "other", Options("shifted")))
    assert one.written == two.written
    assert {it.path for it in one.written}.isdisjoint(it.path for it in other.written)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    secret = key.read_text().strip()
    assert not [it for it in (tmp_path / "one").rglob("*") if it.is_file() and secret.encode() in it.read_bytes()]


def test_a_file_that_holds_no_key_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "letter.txt"
    for content in ("a letter", "abcd"):
        wrong.write_text(content)
        with pytest.raises(BadKeyFile):
            key_for(wrong)
    assert isinstance(key_for(None), Key)
    assert key_for(None) != key_for(None)


def test_a_film_with_text_in_its_pixels_stays_and_the_rest_goes_on(place: Place, tmp_path: Path) -> None:
    written_on = str(place.films[0].SOPInstanceUID)
    exported = export(place.archive(written_on), Request(STUDY, tmp_path, Options()))
    (stayed,) = [it for it in exported.left_out if it.reason == "text_in_pixels"]
    assert written_on not in stayed.sop_instance_uid
    assert [it.Modality for it in contents(exported)].count("DX") == 1
    assert exported.dangling == 1
    assert exported.exit_status == 3


def test_without_a_model_server_no_film_leaves(place: Place, tmp_path: Path) -> None:
    nobody = RemoteModel(f"http://127.0.0.1:{free_port()}", 1.0)
    archive = Archive(place.engine, place.settings.archive.root, nobody)
    exported = export(archive, Request(STUDY, tmp_path, Options()))
    assert [it.reason for it in exported.left_out].count("not_looked_at") == 2
    assert "DX" not in [it.Modality for it in contents(exported)]


def test_a_second_export_into_the_same_folder_is_refused(place: Place, tmp_path: Path) -> None:
    export(place.archive(), Request(STUDY, tmp_path))
    with pytest.raises(FolderTaken):
        export(place.archive(), Request(STUDY, tmp_path))


def test_a_file_that_is_gone_is_left_out(place: Place, tmp_path: Path) -> None:
    path = place.settings.archive.root / instances_of(place.engine, STUDY)[0].path
    content = path.read_bytes()
    path.unlink()
    try:
        exported = [export(place.archive(), Request(STUDY, tmp_path, options)) for options in (None, Options())]
    finally:
        path.write_bytes(content)
    assert [[it.reason for it in one.left_out].count("unreadable") for one in exported] == [1, 1]


def node_command(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = place.settings.archive.root.parent / "node.toml"
    settings.write_text(f'[archive]\nurl = "{place.settings.archive.url}"\n[model]\nurl = "http://127.0.0.1:1"\n')
    command = [sys.executable, "-m", "dicom_node.cli", "export", *arguments, "--config", str(settings)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_command_ends_with_the_status_of_what_happened(place: Place, tmp_path: Path) -> None:
    whole = node_command(place, STUDY, "--out", str(tmp_path / "whole"), "--json")
    assert whole.returncode == 0, whole.stderr
    assert json.loads(whole.stdout)["deidentified"] is False
    partly = node_command(place, STUDY, "--out", str(tmp_path / "partly"), "--deidentify", "--shift-dates")
    assert partly.returncode == 3
    assert "de-identified" in partly.stdout
    assert "left out: its pixels could not be looked at for text" in partly.stdout
    assert STUDY not in partly.stdout


@pytest.mark.parametrize(
    "options",
    [["--shift-dates"], ["--keep-dates"], ["--key", "a.key"], ["--deidentify", "--shift-dates", "--keep-dates"]],
)
def test_options_that_do_not_go_together_are_bad_input(options: list[str], tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["export", STUDY, "--out", str(tmp_path), *options]).exit_code == 2


def test_a_study_that_was_never_received_is_bad_input(place: Place, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        export(place.archive(), Request("1.2.3", tmp_path))
    assert refused.value.edge.exit == 2
    assert list(tmp_path.iterdir()) == []


def test_headers_of_the_world_leave_without_their_names_or_stay(tmp_path: Path) -> None:
    """Every header at hand, of every modality and character set."""
    folder = shared_data()
    real = [] if folder is None else sorted((folder / "dicom").glob("*.dcm"))
    settings = load(archive={"url": str(tmp_path / "archive"), "flush": False})
    engine = open_engine(settings.database_url, flush=False)
    migrate(engine)
    files = [*real, *_as_files(library_headers(), tmp_path / "library")]
    ingest(settings, files)
    archive = Archive(engine, settings.archive.root, Reading())
    studies = {str(header.StudyInstanceUID) for path in files if "StudyInstanceUID" in (header := _header(path))}
    seen = 0
    for study_uid in sorted(studies):
        try:
            exported = export(archive, Request(study_uid, tmp_path / "out", Options("shifted")))
        except NodeError:
            continue  # never received: no usable identity
        names = {str(_header(path).get("PatientName", "")) for path in files} - {""}
        for dataset in contents(exported):
            seen += 1
            assert dataset.SpecificCharacterSet == "ISO_IR 192"
            assert str(dataset.PatientName).startswith("ANON-") if "PatientName" in dataset else True
            assert names.isdisjoint(str(it.value) for it in all_elements(dataset))
    assert seen >= 10


def _header(path: Path) -> Dataset:
    return pydicom.dcmread(path, stop_before_pixels=True, force=True)


def _as_files(headers: dict[str, Dataset], folder: Path) -> list[Path]:
    folder.mkdir()
    paths = []
    for number, header in enumerate(headers.values()):
        header.SOPInstanceUID = f"2.25.31{number}"
        header.StudyInstanceUID = f"2.25.32{number}"
        paths.append(folder / f"{number}.dcm")
        header.save_as(paths[-1], implicit_vr=False, little_endian=True, enforce_file_format=False)
    return paths
