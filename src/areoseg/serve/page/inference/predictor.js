/**
 * The predictor of the static site: an image of any size to classes and their confidence, by the same
 * steps as `areoseg.inference.predictor`.
 */

import { resampled, scaledSize, scaleFactor } from "./resampling.js";
import { blendedRows, resizedRows, spans } from "./tiling.js";
import { imageWarnings } from "./warnings.js";

/**
 * @typedef {object} ModelDescription As `areoseg serve --static` writes it to `models.json`.
 * @property {string} name
 * @property {string} url
 * @property {string[]} names The classes.
 * @property {string[]} colors #rrggbb
 * @property {number} background_index
 * @property {number[]} outlined Classes whose regions have an outline.
 * @property {number|null} background_threshold
 * @property {number} size_divisor
 * @property {number|null} scale Scale of the training images relative to a full Navcam frame.
 * @property {number} tile
 * @property {number} overlap
 * @property {import("./warnings.js").Appearance|null} appearance
 *
 * @typedef {object} Prediction
 * @property {Uint8Array} mask Class index of each pixel.
 * @property {Uint8Array} confidence Probability of that class, 0..255.
 * @property {number} factor The scale factor at which the model saw the image.
 * @property {string[]} warnings
 */

/**
 * Segment an image.
 * @param {import("./decode.js").GrayImage} image
 * @param {ModelDescription} model
 * @param {(pixels: Float32Array, height: number, width: number) => Promise<Float32Array>} run
 *   The network: probabilities (classes, height, width) of an image in 0..1.
 * @returns {Promise<Prediction>}
 */
export async function predict(image, model, run) {
  const { width, height, pixels, valid } = image;
  const classes = model.names.length;
  const factor = scaleFactor(model.scale, height, width);
  const [rows, columns] = scaledSize(height, width, factor);
  const scaled = resampled(pixels, height, width, rows, columns);
  const axes = [rows, columns].map((length) =>
    spans(length, model.tile, model.overlap, model.size_divisor));
  const tile = (row, column) =>
    run(cut(scaled, columns, row, column), row.stop - row.start, column.stop - column.start);
  const mask = new Uint8Array(width * height);
  const confidence = new Uint8Array(width * height);
  const blocks = blendedRows(axes[0], axes[1], classes, tile);
  let top = 0;
  for await (const row of resizedRows(blocks, [rows, columns], [height, width], classes)) {
    chooseClasses(row, width, model, mask.subarray(top), confidence.subarray(top));
    top += width;
  }
  if (valid) {
    for (let index = 0; index < mask.length; index++) {
      if (!valid[index]) [mask[index], confidence[index]] = [model.background_index, 255];
    }
  }
  const seen = factor < 1 ? [scaled, rows, columns] : [pixels, height, width];
  return { mask, confidence, factor, warnings: imageWarnings(...seen, model.appearance, valid) };
}

function cut(pixels, width, row, column) {
  const size = column.stop - column.start;
  const tile = new Float32Array((row.stop - row.start) * size);
  for (let y = row.start; y < row.stop; y++) {
    const start = y * width + column.start;
    tile.set(pixels.subarray(start, start + size), (y - row.start) * size);
  }
  return tile;
}

/** Choose the class of each pixel of a row (classes, width), as `areoseg.models.gate` does. */
function chooseClasses(row, width, model, mask, confidence) {
  const { background_index: background, background_threshold: threshold } = model;
  const classes = row.length / width;
  for (let x = 0; x < width; x++) {
    let best = -1;
    let highest = -1;
    for (let index = 0; index < classes; index++) {
      if (threshold !== null && index === background) continue;
      const probability = row[index * width + x];
      if (probability > highest) [best, highest] = [index, probability];
    }
    if (threshold !== null && row[background * width + x] > threshold) {
      best = background;
      highest = row[background * width + x];
    }
    mask[x] = best;
    confidence[x] = Math.round(Math.min(1, highest) * 255);
  }
}
