/**
 * Warnings about images whose predictions cannot be trusted, as in
 * `areoseg.inference.image_warnings` and `areoseg.data.appearance`.
 */

const BLACK_LEVEL = 20 / 255;
const WHITE_LEVEL = 250 / 255;
const MAX_WHITE = 0.25;
const MAX_BLUR = 0.36;
const MIN_SIDE = 16;
const WINDOW = 9;
const OCTAVES = 4;

/**
 * @typedef {object} Appearance
 * @property {number[]} mean Mean of the features of the training images.
 * @property {number[][]} precision Inverse of their covariance.
 * @property {number} limit The distance beyond which an image is unlike them.
 */

/**
 * Return the warnings about an image; usually there are none.
 * @param {Float32Array} pixels (height, width) in 0..1, at the scale at which the model sees it.
 * @param {number} height
 * @param {number} width
 * @param {Appearance|null} appearance
 * @param {Uint8Array|null} valid 0 where a pixel of the original image is missing.
 * @returns {string[]}
 */
export function imageWarnings(pixels, height, width, appearance, valid) {
  const rounded = pixels.map((level) => Math.round(level * 255) / 255);
  const measured = valid && valid.length === pixels.length
    ? rounded.filter((_, index) => valid[index])
    : rounded;
  const warnings = [];
  if (share(measured, (level) => level < BLACK_LEVEL) >= 0.99) warnings.push("black");
  if (share(measured, (level) => level >= WHITE_LEVEL) > MAX_WHITE) warnings.push("saturated");
  if (measured.every((level) => level === measured[0])) warnings.push("constant");
  if (warnings.length || Math.min(height, width) < MIN_SIDE) return warnings;
  if (blur(rounded, height, width) > MAX_BLUR) warnings.push("blurred");
  if (appearance && !valid) {
    const distance = mahalanobis(appearanceFeatures(rounded, height, width), appearance);
    if (distance > appearance.limit) warnings.push("unlike training");
  }
  return warnings;
}

function share(levels, condition) {
  let count = 0;
  for (const level of levels) if (condition(level)) count++;
  return count / levels.length;
}

/** The blur of an image from 0 to 1 (Crete et al., "The blur effect", SPIE 6492, 2007). */
export function blur(levels, height, width) {
  const down = lostVariation(levels, height, width, width, 1);
  const across = lostVariation(levels, width, height, 1, width);
  return Math.max(0, down, across);
}

/** The share of the differences along an axis that a moving average removes, subtracted from one. */
function lostVariation(levels, length, lines, step, next) {
  let total = 0;
  let lost = 0;
  const half = (WINDOW - 1) / 2;
  for (let line = 0; line < lines; line++) {
    const level = (index) => levels[line * next + reflected(index, length) * step];
    let sum = 0;
    for (let index = -half; index <= half; index++) sum += level(index);
    for (let index = 1; index < length; index++) {
      const before = sum;
      sum += level(index + half) - level(index - 1 - half);
      const difference = Math.abs(level(index) - level(index - 1));
      total += difference;
      lost += Math.max(0, difference - Math.abs(sum - before) / WINDOW);
    }
  }
  return total > 0 ? 1 - lost / total : 0;
}

function reflected(index, length) {
  const period = 2 * length;
  const at = ((index % period) + period) % period;
  return at < length ? at : period - 1 - at;
}

/**
 * Brightness, contrast and gradients at four octaves; see `appearance_features` in Python.
 * @param {Float32Array} levels
 * @param {number} height
 * @param {number} width
 * @returns {number[]}
 */
export function appearanceFeatures(levels, height, width) {
  const mean = average(levels);
  const std = Math.sqrt(average(levels, (level) => (level - mean) ** 2));
  const moment = (power) => average(levels, (level) => ((level - mean) / (std + 1e-3)) ** power);
  const sorted = Float32Array.from(levels).sort();
  const third = Math.floor(height / 3);
  const upper = levels.subarray(0, (third + (height % 3 ? 1 : 0)) * width);
  const lower = levels.subarray((height - third) * width);
  const features = [
    mean,
    quantile(sorted, 0.01),
    quantile(sorted, 0.99),
    average(upper) - average(lower),
    Math.log(std + 1e-3),
    Math.min(3, Math.max(-3, moment(3))),
    Math.log1p(moment(4)),
  ];
  let octave = { levels: Float64Array.from(levels), height, width };
  for (let index = 0; index < OCTAVES; index++) {
    const across = meanDifference(octave, 0, 1) + 1e-4;
    const down = meanDifference(octave, 1, 0) + 1e-4;
    features.push(Math.log(across), Math.log(down / across));
    octave = halved(octave);
  }
  return features;
}

function mahalanobis(features, { mean, precision }) {
  const offset = features.map((value, index) => value - mean[index]);
  const products = precision.map((row, index) =>
    offset[index] * row.reduce((sum, value, column) => sum + value * offset[column], 0));
  return Math.sqrt(products.reduce((sum, value) => sum + value, 0));
}

function average(levels, of = (level) => level) {
  let sum = 0;
  for (const level of levels) sum += of(level);
  return sum / levels.length;
}

function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

function meanDifference({ levels, height, width }, down, across) {
  let sum = 0;
  for (let y = down; y < height; y++) {
    for (let x = across; x < width; x++) {
      sum += Math.abs(levels[y * width + x] - levels[(y - down) * width + x - across]);
    }
  }
  return sum / ((height - down) * (width - across));
}

function halved({ levels, height, width }) {
  const [rows, columns] = [height >> 1, width >> 1];
  const made = new Float64Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const at = 2 * y * width + 2 * x;
      made[y * columns + x] = (levels[at] + levels[at + 1] + levels[at + width] + levels[at + width + 1]) / 4;
    }
  }
  return { levels: made, height: rows, width: columns };
}
