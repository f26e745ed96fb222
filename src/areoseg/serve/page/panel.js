/** The panel beside the image: classes with their shares, facts, and downloads. */

import { byId, element, percent } from "./dom.js";
import { summarize } from "./summary.js";

/**
 * Fill the list of classes; each has a checkbox that shows or hides it.
 * @param {import("./types.js").Model} model
 * @param {Set<number>} hidden
 */
export function fillLegend(model, hidden) {
  const rows = model.names.map((name, index) => {
    const box = element("input", { type: "checkbox", value: index, checked: !hidden.has(index) });
    const swatch = element("span", { className: "swatch", "aria-hidden": "true" });
    swatch.style.background = model.colors[index];
    const text = model.outlined.includes(index) ? `${name}, outlined` : name;
    const bar = element("span", { className: "bar", "aria-hidden": "true" }, element("i"));
    bar.firstChild.style.background = model.colors[index];
    return element(
      "li", {}, element("label", {}, box, swatch, text), bar, element("span", { className: "share" }),
    );
  });
  byId("legend").replaceChildren(...rows);
  byId("no-background").hidden = model.predicts_background;
}

/**
 * Return a result with the numbers of its corrected mask.
 * @param {import("./types.js").Segmentation} result
 * @param {import("./edit.js").Edit|null|undefined} edit
 */
export function withCorrection(result, edit) {
  if (!edit?.canUndo) return { ...result, corrected: false };
  return { ...result, ...summarize(edit.mask, null, result, result.nodata), corrected: true };
}

/**
 * Show the numbers of a result.
 * @param {ReturnType<typeof withCorrection>|null} result
 */
export function fillPanel(result) {
  byId("facts").replaceChildren(...(result ? factsOf(result) : []));
  byId("legend").querySelectorAll("li").forEach((row, index) => {
    const isBackground = index === result?.background_index;
    const share = !result ? null : isBackground ? result.background : result.shares[result.names[index]];
    const text = isBackground ? `${percent(share)} of image` : percent(share);
    row.querySelector(".share").textContent = result ? text : "";
    row.querySelector(".bar i").style.width = `${100 * (share ?? 0)}%`;
  });
  for (const button of byId("downloads").querySelectorAll("button")) button.disabled = !result;
  const warnings = result?.warnings ?? [];
  byId("warnings").hidden = !warnings.length;
  byId("warnings").textContent = warnings.length
    ? `Do not trust this result: the image is ${warnings.join(", ")}.`
    : "";
}

function factsOf(result) {
  const facts = [
    ["size", `${result.width} x ${result.height} pixels`],
    ["mean confidence", result.mean_confidence === null ? "–" : result.mean_confidence.toFixed(3)],
    ["seen by the model at", result.scale === 1 ? "full scale" : `${+result.scale.toFixed(3)} of its size`],
    ["time", `${result.seconds.toFixed(2)} s`],
    ["corrected", result.corrected ? "yes" : null],
    ["no data", result.nodata ? percent(result.nodata) : null],
    ...["mission", "camera", "sol", "site", "drive"].map((key) => [key, result[key]]),
    ["taken", result.time],
  ];
  return facts
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value))));
}
