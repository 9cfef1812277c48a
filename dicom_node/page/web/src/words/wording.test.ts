import assert from "node:assert/strict";
import test from "node:test";
import { ageInYears, bornAndSex, hour, percent, personName, sided, waiting } from "./wording.ts";

test("nobody is a year older before the birthday", () => {
  assert.equal(ageInYears("19610304", "20250303"), 63);
  assert.equal(ageInYears("19610304", "20250304"), 64);
  assert.equal(ageInYears("", "20250304"), null);
});

test("a PN is written family first, without its separators", () => {
  assert.equal(personName("Roe^Jane^Q"), "Roe, Jane Q");
  assert.equal(personName("Roe"), "Roe");
  assert.equal(personName(""), "–");
});

test("a percentage claims no certainty that the model does not have", () => {
  assert.equal(percent(1), "more than 99 %");
  assert.equal(percent(0.78), "78 %");
  assert.equal(percent(0.001), "less than 1 %");
});

test("waiting time is one number with its unit", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  assert.equal(waiting("2026-01-01T23:56:00Z", now), "4 min");
  assert.equal(waiting("2026-01-01T21:00:00Z", now), "3 h");
  assert.equal(waiting("2025-12-20T00:00:00Z", now), "13 d");
});

test("words of a finding and a patient read as people write them", () => {
  assert.equal(sided("Pleural effusion", "right"), "Right pleural effusion");
  assert.equal(bornAndSex("19610304", "F", "20250304"), "1961-03-04, 64 years, female");
  assert.equal(hour("091512.25"), "09:15");
});
