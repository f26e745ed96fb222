/** The numbers about a mask, and the table of all images. */

/**
 * Count the classes of a mask.
 * @param {Uint8Array} mask
 * @param {Uint8Array|null} confidence 0 to 255 for each pixel; null: not wanted.
 * @param {{names: string[], background_index: number}} classes
 * @param {number} nodata Share of all pixels without data; they are background in the mask.
 */
export function summarize(mask, confidence, { names, background_index: background }, nodata) {
  const counts = new Array(256).fill(0);
  let total = 0;
  for (let index = 0; index < mask.length; index++) {
    counts[mask[index]]++;
    if (confidence && mask[index] !== background) total += confidence[index];
  }
  const ground = names.reduce((sum, _, index) => (index === background ? sum : sum + counts[index]), 0);
  const shares = {};
  names.forEach((name, index) => {
    if (index !== background) shares[name] = ground ? counts[index] / ground : null;
  });
  return {
    shares,
    ground: ground / mask.length,
    background: Math.max(0, counts[background] / mask.length - nodata),
    mean_confidence: confidence && ground ? total / ground / 255 : null,
  };
}

/**
 * Return a CSV table with one row per image; the columns are named as in `shares.csv` of
 * `areoseg predict`.
 * @param {import("./types.js").Segmentation[]} results
 * @returns {Blob}
 */
export function sharesTable(results) {
  const classes = Object.keys(results[0]?.shares ?? {});
  const fields = ["height", "width", "mission", "camera", "sol", "site", "drive", "time"];
  const header = [
    "image", "model", "corrected", "warnings", "scale", "ground", "background", "nodata",
    ...classes.map((name) => name.replaceAll(" ", "_")), "confidence", ...fields,
  ];
  const rows = results.map((result) => [
    result.name, result.model, result.corrected ? "yes" : "no", result.warnings.join("; "),
    result.scale, ...[result.ground, result.background, result.nodata].map(fixed),
    ...classes.map((name) => fixed(result.shares[name])), fixed(result.mean_confidence),
    ...fields.map((field) => result[field] ?? ""),
  ]);
  const lines = [header, ...rows].map((row) => row.map(quoted).join(","));
  return new Blob([`${lines.join("\n")}\n`], { type: "text/csv" });
}

function fixed(value) {
  return value === null || value === undefined ? "" : value.toFixed(6);
}

function quoted(value) {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
