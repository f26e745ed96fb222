/** What can be downloaded: mask, overlay, polygons and tables. */

import { download } from "./dom.js";
import { geojson } from "./formats/polygons.js";
import { encodePng } from "./formats/png.js";
import { overlayPicture } from "./layers.js";
import { withCorrection } from "./panel.js";
import { sharesTable } from "./summary.js";

/**
 * @typedef {object} Shown What is downloaded.
 * @property {import("./stage.js").Stage} stage
 * @property {import("./types.js").Backend} backend
 */

/** Functions that return a blob and the end of its file name. */
const EXPORTS = {
  mask: async ({ stage }) => [await maskPng(stage), "_mask.png"],
  overlay: async ({ stage }) => {
    const { opacity, brighten } = stage.look;
    const canvas = overlayPicture(stage.main.layers, opacity, brighten);
    return [await new Promise((resolve) => canvas.toBlob(resolve, "image/png")), "_overlay.png"];
  },
  geojson: async ({ stage, backend }) => {
    const { main, result, entry } = stage;
    const edit = stage.editOf(main);
    const polygons = edit?.canUndo
      ? geojson(edit.mask, null, result)
      : (await backend.geojson(entry.file, result)) ?? geojson(main.layers.mask, main.layers.confidence, result);
    return [polygons, ".geojson"];
  },
  csv: async ({ stage }) => [
    sharesTable([withCorrection(stage.result, stage.editOf(stage.main))]), "_shares.csv",
  ],
};

/** Download one of `EXPORTS` of the shown result. @param {string} kind @param {Shown} shown */
export async function downloadResult(kind, shown) {
  const [blob, end] = await EXPORTS[kind](shown);
  download(blob, `${shown.stage.result.name}${end}`);
}

/** Download the table of all images. @param {import("./images.js").Entry[]} entries @param {string} model */
export function downloadTable(entries, model) {
  const results = entries
    .filter((entry) => entry.results.has(model))
    .map((entry) => withCorrection(entry.results.get(model), entry.edits.get(model)));
  download(sharesTable(results), "shares.csv");
}

/** The shown mask as a PNG file of class indices. @param {import("./stage.js").Stage} stage */
export function maskPng(stage) {
  const { width, height, colors } = stage.result;
  return encodePng(stage.maskOf(stage.main), width, height, colors);
}
