/**
 * Overlapping tiles of an image and the blending of their probabilities, as in
 * `areoseg.inference.tiling`, and the way back to the size of the image.
 */

import { roundHalfEven } from "./resampling.js";

/**
 * @typedef {object} Span One tile along one axis.
 * @property {number} start The first pixel.
 * @property {number} stop One past the last pixel.
 * @property {Float32Array} weights The blending weight of each pixel.
 *
 * @typedef {object} Block Consecutive rows of probabilities.
 * @property {number} count Number of rows.
 * @property {Float32Array} data (classes, count, width)
 */

/**
 * Divide an axis into overlapping tiles whose weights sum to one.
 * @param {number} length Pixels along the axis.
 * @param {number} tile
 * @param {number} overlap Minimum number of pixels that neighbors share.
 * @param {number} divisor Starts are multiples of it.
 * @returns {Span[]}
 */
export function spans(length, tile, overlap, divisor) {
  const step = Math.max(1, Math.floor((tile - overlap) / divisor));
  const last = Math.max(0, Math.ceil((length - tile) / divisor));
  const gaps = Math.ceil(last / step);
  const starts = Array.from({ length: gaps + 1 }, (_, index) =>
    divisor * roundHalfEven((last * index) / Math.max(gaps, 1)));
  const ends = starts.map((start) => Math.min(start + tile, length));
  const raw = starts.map((start, index) => {
    const before = index ? ends[index - 1] - start : 0;
    const after = index < gaps ? ends[index] - starts[index + 1] : 0;
    const size = ends[index] - start;
    return Float64Array.from({ length: size }, (_, at) => rise(at, before) * rise(size - 1 - at, after));
  });
  const total = new Float64Array(length);
  raw.forEach((weights, index) => weights.forEach((weight, at) => { total[starts[index] + at] += weight; }));
  return raw.map((weights, index) => ({
    start: starts[index],
    stop: ends[index],
    weights: Float32Array.from(weights, (weight, at) => weight / total[starts[index] + at]),
  }));
}

function rise(at, overlap) {
  return at < overlap ? Math.sin((Math.PI / 2) * ((at + 0.5) / overlap)) ** 2 : 1;
}

/**
 * Predict and blend the tiles of an image; yield finished rows from top to bottom.
 * @param {Span[]} rows
 * @param {Span[]} columns
 * @param {number} classes
 * @param {(row: Span, column: Span) => Promise<Float32Array>} predict Probabilities (classes, h, w).
 * @returns {AsyncGenerator<Block>}
 */
export async function* blendedRows(rows, columns, classes, predict) {
  const width = columns.at(-1).stop;
  const tallest = Math.max(...rows.map((row) => row.stop - row.start));
  const held = new Float32Array(classes * tallest * width);
  for (const [index, row] of rows.entries()) {
    const height = row.stop - row.start;
    for (const column of columns) {
      const tile = await predict(row, column);
      const across = column.stop - column.start;
      for (let plane = 0; plane < classes; plane++) {
        for (let y = 0; y < height; y++) {
          const target = (plane * tallest + y) * width + column.start;
          const source = (plane * height + y) * across;
          const weight = row.weights[y];
          for (let x = 0; x < across; x++) {
            held[target + x] += tile[source + x] * Math.fround(weight * column.weights[x]);
          }
        }
      }
    }
    const count = (index + 1 < rows.length ? rows[index + 1].start : row.stop) - row.start;
    const data = new Float32Array(classes * count * width);
    for (let plane = 0; plane < classes; plane++) {
      const start = plane * tallest * width;
      data.set(held.subarray(start, start + count * width), plane * count * width);
      held.copyWithin(start, start + count * width, start + tallest * width);
      held.fill(0, start + (tallest - count) * width, start + tallest * width);
    }
    yield { count, data };
  }
}

/**
 * Resize blocks of rows bilinearly between pixel centers, row by row.
 * @param {AsyncIterable<Block>} blocks A map (classes, height, width).
 * @param {number[]} size Height and width of the map.
 * @param {number[]} target Height and width of the resized map.
 * @param {number} classes
 * @returns {AsyncGenerator<Float32Array>} Each target row, (classes, width); overwritten by the next.
 */
export async function* resizedRows(blocks, size, target, classes) {
  const [height, width] = size;
  const columns = positions(width, target[1]);
  const rows = positions(height, target[0]);
  const mixed = new Float32Array(classes * width);
  const result = new Float32Array(classes * target[1]);
  let held = { first: 0, count: 0, data: new Float32Array(0) };
  let row = 0;
  for await (const block of blocks) {
    held = joined(held, block, classes, width);
    const stop = held.first + held.count;
    for (; row < target[0] && Math.min(rows.above[row] + 1, height - 1) < stop; row++) {
      const upper = rows.above[row] - held.first;
      const lower = Math.min(rows.above[row] + 1, height - 1) - held.first;
      for (let plane = 0; plane < classes; plane++) {
        const base = plane * held.count;
        for (let x = 0; x < width; x++) {
          const a = held.data[(base + upper) * width + x];
          mixed[plane * width + x] = a + (held.data[(base + lower) * width + x] - a) * rows.weight[row];
        }
        for (let x = 0; x < target[1]; x++) {
          const left = columns.above[x];
          const a = mixed[plane * width + left];
          const b = mixed[plane * width + Math.min(left + 1, width - 1)];
          result[plane * target[1] + x] = a + (b - a) * columns.weight[x];
        }
      }
      yield result;
    }
    held = withoutSpent(held, row < target[0] ? rows.above[row] : stop, classes, width);
  }
}

/** For each target pixel the source pixel at or before its center and the weight of the next. */
function positions(length, target) {
  const above = new Int32Array(target);
  const weight = new Float32Array(target);
  for (let index = 0; index < target; index++) {
    const center = Math.min(Math.max(((index + 0.5) * length) / target - 0.5, 0), length - 1);
    above[index] = Math.floor(center);
    weight[index] = center - above[index];
  }
  return { above, weight };
}

function joined(held, block, classes, width) {
  const count = held.count + block.count;
  const data = new Float32Array(classes * count * width);
  for (let plane = 0; plane < classes; plane++) {
    data.set(rowsOf(held, plane, width), plane * count * width);
    data.set(rowsOf(block, plane, width), (plane * count + held.count) * width);
  }
  return { first: held.first, count, data };
}

function withoutSpent(held, row, classes, width) {
  const spent = Math.min(row - held.first, held.count);
  const count = held.count - spent;
  const data = new Float32Array(classes * count * width);
  for (let plane = 0; plane < classes; plane++) {
    data.set(rowsOf(held, plane, width).subarray(spent * width), plane * count * width);
  }
  return { first: held.first + spent, count, data };
}

function rowsOf(block, plane, width) {
  return block.data.subarray(plane * block.count * width, (plane + 1) * block.count * width);
}
