/** Reading the DICOM JSON model (PS3.18 F.2) as series metadata carries it. */

export interface Attribute {
  vr: string;
  Value?: unknown[];
  InlineBinary?: string;
  BulkDataURI?: string;
}

export type Dataset = Record<string, Attribute | undefined>;

export function text(dataset: Dataset, tag: string): string {
  const value = dataset[tag]?.Value?.[0];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

export function number(dataset: Dataset, tag: string): number | null {
  return numbers(dataset, tag)[0] ?? null;
}

/** Decimal strings count as numbers; whatever is none ends the list empty. */
export function numbers(dataset: Dataset, tag: string): number[] {
  const values = (dataset[tag]?.Value ?? []).map(Number);
  return values.every(Number.isFinite) ? values : [];
}

export function items(dataset: Dataset, tag: string): Dataset[] {
  return (dataset[tag]?.Value ?? []).filter((item): item is Dataset => typeof item === "object" && item !== null);
}
