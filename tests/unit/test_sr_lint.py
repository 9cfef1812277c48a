"""The lint finds every defect by the rule for it, and nothing in what is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.uid import BasicTextSRStorage, Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage
from typer.testing import CliRunner

from dicom_node.cli import app
from dicom_node.report import findings_sr, narrative_sr, to_part10
from dicom_node.report.life_cycle import Addend
from dicom_node.report.sr_lint import RULES, ReportFailedLint, lint, require_clean
from dicom_node.report.version import Version
from tests.unit.report.drafts import CREATED, crowded_reading, draft, finding, header, reading
from tests.unit.report.mutants import FURTHER, REFERENCE, Mutant
from tests.unit.report.trees import walk
from tests.unit.report.versions import READER, every_object, every_state

SOURCES = (header(PatientName="Müller^Jörg"),)
DOCUMENTS = (
    (findings_sr, Comprehensive3DSRStorage),
    (findings_sr, ComprehensiveSRStorage),
    (narrative_sr, EnhancedSRStorage),
    (narrative_sr, BasicTextSRStorage),
)
DRAFTS = {
    "everyday": draft(),
    "crowded": draft(reading=crowded_reading()),
    "empty": draft(reading=reading(findings=())),
    "nothing drawn": draft(reading=reading(findings=(finding("abnormality", "absent", 0.04),))),
    "bare header": draft(sources=(header(PatientName=None, PatientID=None, AccessionNumber=None, Rows=None),)),
    "bad header": draft(sources=(header(PatientBirthDate="19500230", PatientSex="U", PatientName="A" * 70),)),
    "kanji": draft(sources=(header(PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう"),)),
    "multi-frame": draft(sources=(header(NumberOfFrames=3),)),
}
STATES = every_state()
WRITTEN = to_part10(findings_sr(draft()))


def rules(document: Dataset, sources=SOURCES) -> set[str]:
    return {problem.rule for problem in lint(document, sources)}


def named(mutant: Mutant) -> str:
    return mutant.name


@pytest.mark.parametrize("mutant", REFERENCE, ids=named)
def test_each_of_the_seventeen_mutants_is_caught_by_its_rule(mutant: Mutant) -> None:
    assert lint(mutant.good(), SOURCES) == ()
    assert rules(mutant.made()) == mutant.rules


def test_the_reference_set_has_seventeen_mutants_and_five_fall_to_public_tools() -> None:
    assert len(REFERENCE) == 17
    assert sum(bool(mutant.public) for mutant in REFERENCE) == 5


@pytest.mark.parametrize("mutant", FURTHER, ids=named)
def test_each_further_mutant_is_caught_by_its_rule(mutant: Mutant) -> None:
    assert lint(mutant.good(), SOURCES) == ()
    assert rules(mutant.made()) == mutant.rules


def test_every_rule_has_a_mutant() -> None:
    caught = {rule for mutant in (*REFERENCE, *FURTHER) for rule in mutant.rules}
    elsewhere = {"patients_mixed", "evidence_unknown"}  # defects of the sources, below
    assert caught | elsewhere == {rule.code for rule in RULES}


@pytest.mark.parametrize(("build", "sop_class_uid"), DOCUMENTS)
@pytest.mark.parametrize("made", DRAFTS.values(), ids=DRAFTS)
def test_a_draft_of_any_kind_is_clean_as_built_and_as_read_from_its_file(build, sop_class_uid: str, made) -> None:
    document = build(made, sop_class_uid)
    assert lint(document, made.sources) == ()
    assert lint(dcmread(BytesIO(to_part10(document))), made.sources) == ()


@pytest.mark.parametrize("version", STATES.values(), ids=STATES)
def test_every_object_of_every_state_is_clean(version: Version) -> None:
    sources = version.draft.sources
    found = {kind: lint(made, sources) for kind, made in every_object(version).items()}
    for build, sop_class_uid in DOCUMENTS:
        found[sop_class_uid] = lint(build(version, sop_class_uid), sources)
    assert {kind: problems for kind, problems in found.items() if problems} == {}


def test_a_person_may_write_what_the_banner_says() -> None:
    words = Addend(person=READER, at=CREATED + timedelta(hours=9), text="Tube position: not verified. AI-generated.")
    version = STATES["signed"].then(words)
    assert lint(findings_sr(version), version.draft.sources) == ()


def test_without_sources_what_needs_no_image_is_still_checked() -> None:
    assert rules(findings_sr(draft()), ()) == set()
    outside = next(mutant for mutant in REFERENCE if mutant.rules == {"region_outside"})
    assert rules(outside.made(), ()) == {"region_outside"}
    foreign = next(mutant for mutant in REFERENCE if mutant.rules == {"identity_differs"})
    assert rules(foreign.made(), ()) == set()


def test_images_that_the_document_does_not_name_are_no_evidence_against_it() -> None:
    stranger = header(SOPInstanceUID="2.25.9", StudyInstanceUID="2.25.8", PatientID="P-9")
    assert lint(findings_sr(draft()), (stranger, header())) == ()


def test_evidence_that_was_not_read_is_found() -> None:
    both = (header(), header(SOPInstanceUID="2.25.9"))
    assert rules(findings_sr(draft(sources=both)), both[:1]) == {"evidence_unknown"}


def test_images_of_two_patients_in_one_study_stop_the_report() -> None:
    both = (header(), header(SOPInstanceUID="2.25.9", PatientID="P-9"))
    assert rules(findings_sr(draft(sources=both)), both) == {"patients_mixed"}


def test_an_image_without_a_patient_id_is_no_other_patient() -> None:
    both = (header(), header(SOPInstanceUID="2.25.9", PatientID=""))
    assert lint(findings_sr(draft(sources=both)), both) == ()


def test_problems_and_the_refusal_name_place_and_way_out_and_no_patient() -> None:
    secret = header(PatientName="Geheim^Niemand", PatientID="SECRET-1", AccessionNumber="SECRET-2")
    document = findings_sr(draft(sources=(secret,)))
    document.PatientName, document.PatientID, document.AccessionNumber = "Offen^Jemand", "SECRET-3", "SECRET-4"
    problems = lint(document, (secret,))
    assert all(problem.where and problem.what and problem.way_out for problem in problems)
    with pytest.raises(ReportFailedLint) as refused:
        require_clean(document, (secret,))
    said = str(refused.value) + "".join(map(str, problems))
    assert refused.value.code == "report_failed_lint"
    assert refused.value.rules == ["identity_differs"]
    assert not any(word in said for word in ("SECRET", "Geheim", "Offen"))


def test_a_place_counts_as_dsrdump_does() -> None:
    open_box = next(mutant for mutant in REFERENCE if mutant.rules == {"region_open"})
    (problem,) = lint(open_box.made(), SOURCES)
    number, _, words = problem.where.partition(" ")
    item = open_box.made()
    for position in number.split(".")[1:]:
        item = item.ContentSequence[int(position) - 1]
    assert item.ValueType == "SCOORD"
    assert words == "Image Region"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_makes_the_lint_raise(data: st.DataObject) -> None:
    document = dcmread(BytesIO(WRITTEN))
    victim = data.draw(st.sampled_from([document, *walk(document)]))
    keyword = data.draw(st.sampled_from(sorted(element.keyword for element in victim)))
    act: Callable[[], object] = data.draw(
        st.sampled_from([lambda: victim.pop(keyword), lambda: setattr(victim, keyword, None)])
    )
    act()
    for problem in lint(document, (header(),)):
        assert problem.rule in {rule.code for rule in RULES}


def test_an_object_that_is_no_report_is_judged_by_the_rules_for_any_object() -> None:
    assert rules(header(), (header(),)) == {"contributing_equipment_missing"}


class TestTheCommand:
    @pytest.fixture
    def files(self, tmp_path: Path) -> Path:
        (tmp_path / "good.dcm").write_bytes(to_part10(findings_sr(draft())))
        bad = findings_sr(draft())
        bad.PatientID = "P-2"
        (tmp_path / "bad.dcm").write_bytes(to_part10(bad))
        (tmp_path / "images").mkdir()
        (tmp_path / "images" / "film.dcm").write_bytes(to_part10(header()))
        (tmp_path / "images" / "notes.txt").write_text("no image")
        return tmp_path

    def run(self, *arguments: object):
        return CliRunner().invoke(app, ["lint", *map(str, arguments)])

    def test_it_exits_0_for_a_clean_file(self, files: Path) -> None:
        result = self.run(files / "good.dcm", "--sources", files / "images")
        assert result.exit_code == 0
        assert "clean" in result.output

    def test_it_exits_3_and_names_rule_place_and_way_out(self, files: Path) -> None:
        result = self.run(files / "good.dcm", files / "bad.dcm", "--sources", files / "images")
        assert result.exit_code == 3
        assert "identity_differs  PatientID" in result.output
        assert "Compose the document again" in result.output

    def test_json_is_one_object_a_file_in_the_order_given(self, files: Path) -> None:
        result = self.run(files / "bad.dcm", files / "good.dcm", "--sources", files / "images", "--json")
        bad, good = map(json.loads, result.output.splitlines())
        assert [problem["rule"] for problem in bad["problems"]] == ["identity_differs"]
        assert good["problems"] == []
        assert good["sop_instance_uid"].startswith("2.25.")

    def test_it_says_when_nothing_was_compared(self, files: Path) -> None:
        result = self.run(files / "bad.dcm")
        assert result.exit_code == 0
        assert "Not compared with any image" in result.output
