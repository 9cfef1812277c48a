"""Every rule of the lint: its stable code, what it holds, the way out, and the objects that it speaks of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from dicom_node.report.sr_lint import (
    algorithm,
    attributes,
    banner,
    code_values,
    devices,
    evidence,
    identity,
    item_order,
    life_cycle,
    measured,
    predecessors,
    regions,
    tracking,
    tree,
)
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import Subject

Scope = Literal["object", "tree", "report"]
"""Any DICOM object of ours; those with a content tree; structured reports alone."""


@dataclass(frozen=True)
class Rule:
    code: str
    scope: Scope
    holds: str
    way_out: str
    check: Callable[[Subject], Iterator[Fault]]

    def applies(self, subject: Subject) -> bool:
        return {"object": True, "tree": subject.is_tree, "report": subject.is_report}[self.scope]


AGAIN = "Compose the document again from the images that were read."
TABLE = "Take the code from the code table; what has no code there leaves as text."

RULES: tuple[Rule, ...] = (
    Rule("study_differs", "object", "The study is the images'.", AGAIN, identity.study_is_the_sources),
    Rule("identity_differs", "object", "Patient and study are the images'.", AGAIN, identity.identity_is_the_sources),
    Rule(
        "patients_mixed",
        "object",
        "All images are of one patient.",
        "Find out whose images these are and have them corrected at the archive.",
        identity.sources_are_one_patient,
    ),
    Rule(
        "evidence_missing",
        "tree",
        "Every instance referenced is in the evidence.",
        "Add it to CurrentRequestedProcedureEvidenceSequence.",
        evidence.references_are_evidence,
    ),
    Rule(
        "evidence_unknown",
        "tree",
        "The evidence is what was read.",
        "Name the images that were read and no others, or give all of them as sources.",
        evidence.evidence_is_what_was_read,
    ),
    Rule(
        "tracking_uid_missing",
        "report",
        "Every group is tracked.",
        "Give the group a Tracking Identifier and a Tracking Unique Identifier.",
        tracking.groups_are_tracked,
    ),
    Rule(
        "tracking_uid_repeated",
        "report",
        "No two groups share a tracking UID.",
        "Give every region its own: viewers merge groups that share one.",
        tracking.tracking_uids_are_unique,
    ),
    Rule(
        "observation_uid_wrong",
        "report",
        "Every finding has its own Observation UID.",
        "Set Observation UID (0040,A171) on the item of the finding.",
        tracking.observations_are_identified,
    ),
    Rule(
        "algorithm_incomplete",
        "report",
        "Every group names algorithm and version, or a person.",
        "Add the rows of TID 4019.",
        algorithm.algorithm_is_named,
    ),
    Rule(
        "item_order",
        "tree",
        "Items stand in the order of their template.",
        "Write the items in the order of the template's rows.",
        item_order.items_follow_their_template,
    ),
    Rule(
        "item_illegal",
        "tree",
        "Every item may stand under its parent.",
        "Use a relationship of the tables in PS3.3 A.35.",
        tree.relationships_are_allowed,
    ),
    Rule(
        "value_missing", "tree", "Every item has its value.", "Leave out items that say nothing.", tree.values_are_there
    ),
    Rule(
        "template_missing",
        "tree",
        "Root and groups name their templates.",
        "Set Content Template Sequence with DCMR and the template's number.",
        tree.templates_are_named,
    ),
    Rule("code_incomplete", "object", "Every code is whole.", TABLE, code_values.codes_are_complete),
    Rule(
        "code_denied",
        "object",
        "No code is denied.",
        "denylist.toml says why, and what to use.",
        code_values.codes_are_not_denied,
    ),
    Rule("check_digit_wrong", "object", "Check digits are right.", TABLE, code_values.check_digits_are_right),
    Rule("code_outside_table", "object", "Every code is in the table.", TABLE, code_values.codes_are_in_the_table),
    Rule("code_meaning_wrong", "object", "Every code has its meaning.", TABLE, code_values.meanings_are_the_tables),
    Rule(
        "code_out_of_place",
        "tree",
        "Coded values fit.",
        "Use a value of the concept's context group.",
        code_values.values_fit_their_names,
    ),
    Rule(
        "finding_unnamed",
        "report",
        "A finding without a code is named in words.",
        "Put the finding's name into a Comment below it.",
        code_values.uncoded_findings_are_named,
    ),
    Rule(
        "region_missing",
        "report",
        "Every group has a region.",
        "State a finding without a region at report level.",
        regions.groups_have_a_region,
    ),
    Rule(
        "region_open",
        "report",
        "Regions are closed polygons.",
        "End the polyline with its first vertex.",
        regions.polylines_are_closed,
    ),
    Rule(
        "region_outside",
        "report",
        "Regions lie inside their image.",
        "Cut the region to 0-0 … columns-rows.",
        regions.regions_are_inside_their_image,
    ),
    Rule(
        "region_unplaced",
        "report",
        "Regions name image and frame.",
        "Add the IMAGE, and for a multi-frame image Referenced Frame Number.",
        regions.regions_name_image_and_frame,
    ),
    Rule(
        "unit_not_ucum",
        "tree",
        "Numbers have units of UCUM.",
        "Give number and UCUM unit.",
        measured.numbers_have_units,
    ),
    Rule(
        "certainty_out_of_range",
        "report",
        "Certainties are percentages.",
        "State the calibrated probability times 100.",
        measured.certainties_are_percentages,
    ),
    Rule(
        "flags_contradict",
        "report",
        "The flags are those of one state.",
        "Only a signed document is VERIFIED and FINAL, and it is COMPLETE.",
        life_cycle.flags_agree,
    ),
    Rule(
        "verifier_missing",
        "report",
        "A verified document names its verifier.",
        "Only a person verifies: name, organization and time.",
        life_cycle.the_verifier_is_named,
    ),
    Rule(
        "state_incomplete",
        "report",
        "A state has what it demands.",
        "See the table of states: predecessors and participants.",
        life_cycle.the_state_is_complete,
    ),
    Rule(
        "source_participant_missing",
        "report",
        "The model takes part as source.",
        "Keep the SOURCE participant in every version.",
        devices.the_model_is_source,
    ),
    Rule(
        "contributing_equipment_missing",
        "object",
        "The model is contributing equipment.",
        "Add it with purpose Processing Equipment, Device UID, model and versions.",
        devices.the_model_is_contributing_equipment,
    ),
    Rule(
        "observer_uid_missing",
        "report",
        "The model is the observer.",
        "Add Device Observer UID (TID 1004).",
        devices.the_model_is_observer,
    ),
    Rule(
        "device_uid_differs",
        "object",
        "The model is one device.",
        "Use the model's Device UID in all three places.",
        devices.device_uids_agree,
    ),
    Rule(
        "banner_missing",
        "report",
        "What is not verified says so first.",
        "Begin description and content with the banner.",
        banner.unverified_is_said_first,
    ),
    Rule(
        "banner_after_signature",
        "report",
        "What is verified does not deny it.",
        "Leave the banner out once a person has signed.",
        banner.signed_does_not_say_unverified,
    ),
    Rule(
        "signature_unsaid",
        "report",
        "What is verified names its verifier first.",
        "Begin the content with the person's name.",
        banner.signature_is_said_first,
    ),
    Rule("character_set", "object", "Text is UTF-8.", "Declare ISO_IR 192 and write UTF-8.", attributes.text_is_utf_8),
    Rule("uid_invalid", "object", "UIDs are UIDs.", "Make the UID again (PS3.5 9.1).", attributes.uids_are_valid),
    Rule(
        "predecessor_self",
        "report",
        "No document precedes itself.",
        "A new version is a new instance.",
        predecessors.no_document_precedes_itself,
    ),
    Rule(
        "predecessor_study",
        "report",
        "Predecessors are of the same study.",
        "Name documents of this study only.",
        predecessors.predecessors_are_of_the_study,
    ),
    Rule(
        "predecessor_purpose",
        "report",
        "Predecessors have a purpose.",
        "Set Purpose of Reference Code Sequence from CID 7009.",
        predecessors.predecessors_have_a_purpose,
    ),
)
