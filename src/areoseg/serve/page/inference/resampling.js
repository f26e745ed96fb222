/**
 * The scale at which a model sees an image, and resampling to that scale, as in
 * `areoseg.inference.resampling` and `areoseg.data.missions.cameras`.
 */

const NAVCAM_SIDE = 1024;
const MOSAIC_ASPECT = 2;
const MAX_SCALE = 8;
const HOMEWORK_TILE = { height: 64, width: 128, scale: 0.25 };

/** Round to the nearest integer, halves to even, as Python does. @param {number} value */
export function roundHalfEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

/**
 * Choose the factor by which an image is resized before a model sees it.
 * @param {number|null} trained Scale of the training images relative to a full Navcam frame.
 * @param {number} height
 * @param {number} width
 * @returns {number}
 */
export function scaleFactor(trained, height, width) {
  if (trained === null) return 1;
  if (height === HOMEWORK_TILE.height && width === HOMEWORK_TILE.width) {
    return Math.min(trained / HOMEWORK_TILE.scale, MAX_SCALE);
  }
  const longer = Math.max(height, width);
  const shorter = Math.min(height, width);
  const frame = longer <= NAVCAM_SIDE || longer < MOSAIC_ASPECT * shorter;
  const own = frame ? longer / NAVCAM_SIDE : Math.min(1, shorter / NAVCAM_SIDE);
  return Math.min(1, trained / own); // of unknown camera: a crop is never enlarged
}

/** Return height and width times a factor, at least one pixel each. */
export function scaledSize(height, width, factor) {
  return [height, width].map((side) => Math.max(1, roundHalfEven(side * factor)));
}

/**
 * Resample gray levels: area averaging to reduce, bilinear to enlarge.
 * @param {Float32Array} pixels (height, width)
 * @param {number} height
 * @param {number} width
 * @param {number} newHeight
 * @param {number} newWidth
 * @returns {Float32Array} (newHeight, newWidth)
 */
export function resampled(pixels, height, width, newHeight, newWidth) {
  if (height === newHeight && width === newWidth) return pixels;
  const filter = Math.max(height / newHeight, width / newWidth) > 1 ? BOX : TRIANGLE;
  const across = kernels(width, newWidth, filter);
  const narrow = new Float32Array(height * newWidth);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < newWidth; column++) {
      const { first, weights } = across[column];
      let sum = 0;
      const at = row * width + first;
      for (let index = 0; index < weights.length; index++) sum += weights[index] * pixels[at + index];
      narrow[row * newWidth + column] = sum;
    }
  }
  const down = kernels(height, newHeight, filter);
  const result = new Float32Array(newHeight * newWidth);
  for (let row = 0; row < newHeight; row++) {
    const { first, weights } = down[row];
    for (let column = 0; column < newWidth; column++) {
      let sum = 0;
      for (let index = 0; index < weights.length; index++) {
        sum += weights[index] * narrow[(first + index) * newWidth + column];
      }
      result[row * newWidth + column] = sum;
    }
  }
  return result;
}

const BOX = { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
const TRIANGLE = { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };

/** The source pixels of each target pixel and their weights, as Pillow computes them. */
function kernels(length, target, filter) {
  const scale = length / target;
  const stretch = Math.max(1, scale);
  const support = filter.support * stretch;
  return Array.from({ length: target }, (_, index) => {
    const center = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const stop = Math.min(length, Math.trunc(center + support + 0.5));
    const raw = Array.from({ length: stop - first }, (_each, offset) =>
      filter.weight((first + offset - center + 0.5) / stretch));
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: Float64Array.from(raw, (weight) => weight / total) };
  });
}
