import assert from "node:assert/strict";
import test from "node:test";
import type { StudySummary } from "../api/types.ts";
import { counts, FIRST_ORDER, filterOf, shown, turned, upsert } from "./view.ts";

const study = (uid: string, more: Partial<StudySummary> = {}): StudySummary => ({
  study_uid: uid, state: "drafted", reason: "", priority: "routine", patient_name: "Roe^Jane", patient_id: uid,
  patient_birth_date: "", patient_sex: "", accession_number: "", study_date: "", study_time: "", modalities: ["DX"],
  description: "", referring_physician: "", instances: 1, images: 1, first_received: "2026-01-01T10:00:00Z",
  last_received: "2026-01-01T10:00:00Z", warnings: [], report: { id: "r", state: "draft", version: 1, undecided: 2 },
  deliveries: { pending: 0, delivered: 0, parked: 0 }, ...more,
});
const ALL = { filter: "all", modality: "", text: "", order: FIRST_ORDER } as const;
const uids = (all: StudySummary[]) => all.map((it) => it.study_uid);

test("urgent studies stand first, then who waits longest", () => {
  const all = [
    study("late", { first_received: "2026-01-01T12:00:00Z" }),
    study("early"),
    study("stat", { first_received: "2026-01-01T13:00:00Z", priority: "stat" }),
  ];
  assert.deepEqual(uids(shown(all, ALL)), ["stat", "early", "late"]);
});

test("every study stands under exactly one filter", () => {
  const all = [
    study("1"),
    study("2", { report: null, state: "reading" }),
    study("3", { report: null, state: "refused" }),
    study("4", { report: null, state: "failed" }),
    study("5", { report: { id: "r", state: "signed", version: 3, undecided: 0 } }),
    study("6", { deliveries: { pending: 0, delivered: 0, parked: 1 } }),
  ];
  assert.deepEqual(all.map(filterOf), ["open", "coming", "refused", "trouble", "done", "trouble"]);
  assert.deepEqual(counts(all), { all: 6, open: 1, coming: 1, refused: 1, trouble: 2, done: 1 });
});

test("a search finds the name as it is written on the screen", () => {
  const all = [study("1"), study("2", { patient_name: "Doe^John" })];
  assert.deepEqual(uids(shown(all, { ...ALL, text: "roe, ja" })), ["1"]);
});

test("a study told anew takes its own place, a new one comes first", () => {
  const all = [study("1"), study("2")];
  assert.equal(upsert(all, study("2", { state: "delivered" }))[1]?.state, "delivered");
  assert.deepEqual(uids(upsert(all, study("3"))), ["3", "1", "2"]);
});

test("a second click on a column turns its order", () => {
  const once = turned(FIRST_ORDER, "patient");
  assert.deepEqual(once, { column: "patient", down: false });
  assert.deepEqual(turned(once, "patient"), { column: "patient", down: true });
});
