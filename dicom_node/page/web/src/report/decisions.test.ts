import assert from "node:assert/strict";
import test from "node:test";
import type { Report, ReportFinding } from "../api/types.ts";
import {
  decide,
  editOf,
  freshUid,
  inOrder,
  leftOver,
  nextUndecided,
  sameWork,
  sentencesOf,
  standing,
  undecide,
  type Work,
} from "./decisions.ts";

const NOTHING: Work = { decisions: [], narrative: null };

function finding(uid: string, presence: ReportFinding["presence"] = "present"): ReportFinding {
  const model = { presence, laterality: "right" as const, evidence: [] };
  return {
    tracking_uid: uid, name: "effusion", display: "Pleural effusion", ...model, probability: 0.8, certainty: "probable",
    image_reliance: null, by: "model", person: null, decision: null, model,
  };
}

function report(...findings: ReportFinding[]): Report {
  return { findings } as unknown as Report;
}

const display = (name: string) => name;

test("a later decision on a finding takes the place of the earlier one", () => {
  const once = decide(NOTHING, { verdict: "accepted", tracking_uid: "1.1" });
  const twice = decide(once, { verdict: "rejected", tracking_uid: "1.1" });
  assert.deepEqual(twice.decisions, [{ verdict: "rejected", tracking_uid: "1.1" }]);
});

test("taking a decision back leaves the others", () => {
  const both = decide(decide(NOTHING, { verdict: "accepted", tracking_uid: "1" }), { verdict: "accepted", tracking_uid: "2" });
  assert.deepEqual(undecide(both, "1").decisions.map((it) => it.tracking_uid), ["2"]);
});

test("an edit that changes nothing is an acceptance", () => {
  const it = finding("1");
  assert.equal(editOf(it, { presence: "present", laterality: "right", evidence: [] }).verdict, "accepted");
  assert.equal(editOf(it, { presence: "present", laterality: "left", evidence: [] }).verdict, "changed");
});

test("a rejected finding stays in the list and an added one joins it", () => {
  let work = decide(NOTHING, { verdict: "rejected", tracking_uid: "1" });
  work = decide(work, { verdict: "added", tracking_uid: "2.25.9", name: "mass", presence: "present", laterality: "left", evidence: [] });
  const all = standing(report(finding("1")), work, display);
  assert.deepEqual(all.map((it) => [it.tracking_uid, it.decision]), [["1", "rejected"], ["2.25.9", "added"]]);
  assert.equal(all[1]?.probability, null);
});

test("undoing a change gives the model's own statement back", () => {
  const work = decide(NOTHING, { verdict: "changed", tracking_uid: "1", presence: "absent", laterality: "unspecified", evidence: [] });
  assert.equal(standing(report(finding("1")), work, display)[0]?.presence, "absent");
  assert.equal(standing(report(finding("1")), NOTHING, display)[0]?.presence, "present");
});

test("a change of presence moves no finding in the list", () => {
  const all = [finding("1", "present"), finding("2", "absent")];
  const work = decide(NOTHING, { verdict: "changed", tracking_uid: "1", presence: "absent", laterality: "right", evidence: [] });
  assert.deepEqual(inOrder(standing(report(...all), work, display)).map((it) => it.tracking_uid), ["1", "2"]);
});

test("the reader's own findings stand behind the model's", () => {
  const own = { verdict: "added", tracking_uid: "9", name: "mass", presence: "present", laterality: "left", evidence: [] } as const;
  const all = inOrder(standing(report(finding("1", "absent")), decide(NOTHING, { ...own, evidence: [] }), display));
  assert.deepEqual(all.map((it) => it.tracking_uid), ["1", "9"]);
});

test("the next undecided finding is behind the selected one, then from the top", () => {
  const all = [finding("1"), { ...finding("2"), decision: "accepted" as const }, finding("3")];
  assert.equal(nextUndecided(all, "1")?.tracking_uid, "3");
  assert.equal(nextUndecided(all, "3")?.tracking_uid, "1");
  assert.equal(nextUndecided([finding("1")], "1"), undefined);
});

test("a fresh UID is 2.25 and at most 39 digits", () => {
  assert.equal(freshUid((bytes) => bytes.fill(255)), `2.25.${2n ** 128n - 1n}`);
  assert.equal(freshUid((bytes) => bytes), "2.25.0");
});

test("a line that stood before still speaks of its findings, a new one of none", () => {
  const before = [{ text: "Right effusion.", findings: ["effusion"] }];
  assert.deepEqual(sentencesOf("Right effusion.\n\n My own. ", before), [
    { text: "Right effusion.", findings: ["effusion"] },
    { text: "My own.", findings: [] },
  ]);
});

test("own words about a rejected finding are found, others are not", () => {
  const line = { text: "Right effusion.", findings: ["effusion"] };
  const own = { findings: [line, { text: "Mine.", findings: [] }], impression: [line] };
  assert.deepEqual(leftOver(own, [{ ...finding("1"), decision: "rejected" }]), ["Right effusion."]);
  assert.deepEqual(leftOver(own, [{ ...finding("1"), decision: "rejected" }, finding("2")]), []);
  assert.deepEqual(leftOver(own, [finding("1")]), []);
});

test("the order of decisions is no difference, a box is one", () => {
  const a = { verdict: "accepted", tracking_uid: "1" } as const;
  const b = { verdict: "rejected", tracking_uid: "2" } as const;
  assert.ok(sameWork({ decisions: [a, b], narrative: null }, { decisions: [b, a], narrative: null }));
  const box = { sop_instance_uid: "1", frame: 1, x0: 0, y0: 0, x1: 2, y1: 2 };
  const changed = { verdict: "changed", tracking_uid: "1", presence: "present", laterality: "left", evidence: [box] } as const;
  const moved = { ...changed, evidence: [{ ...box, x1: 3 }] };
  assert.ok(!sameWork({ decisions: [{ ...changed, evidence: [box] }], narrative: null }, { decisions: [moved], narrative: null }));
});
