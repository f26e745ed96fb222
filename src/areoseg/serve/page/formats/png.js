/**
 * PNG files as arrays. Browsers decode PNG to 8-bit colors, which loses the class indices of a mask
 * and the lower bits of a 16-bit image; this module keeps both.
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE_TYPE = 3;

/**
 * @typedef {object} Png
 * @property {number} width
 * @property {number} height
 * @property {number} channels 1 gray or palette index, 2 gray and alpha, 3 RGB, 4 RGBA.
 * @property {number} depth Bits per channel in the file: 1, 2, 4, 8 or 16.
 * @property {boolean} indexed Whether the values are indices of a palette.
 * @property {boolean} keyed Whether one gray level or color is declared transparent.
 * @property {Uint8Array|Uint16Array} data Values as stored, row by row.
 */

/** Whether these bytes start like a PNG file. @param {Uint8Array} bytes */
export function isPng(bytes) {
  return SIGNATURE.every((value, index) => bytes[index] === value);
}

/**
 * Read the header of a PNG file.
 * @param {Uint8Array} bytes
 * @returns {{width: number, height: number, depth: number, type: number, interlaced: boolean}}
 */
export function pngHeader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    depth: bytes[24],
    type: bytes[25],
    interlaced: bytes[28] === 1,
  };
}

/**
 * Decode a PNG file that is not interlaced.
 * @param {Uint8Array} bytes
 * @returns {Promise<Png>}
 * @throws {Error} The file is damaged or interlaced.
 */
export async function decodePng(bytes) {
  const { width, height, depth, type, interlaced } = pngHeader(bytes);
  const channels = CHANNELS[type];
  if (!isPng(bytes) || !channels) throw new Error("not a PNG file");
  if (interlaced) throw new Error("interlaced PNG files are not supported: save it without");
  const bits = channels * depth;
  const stride = Math.ceil((width * bits) / 8);
  const { body, keyed } = readChunks(bytes);
  const raw = await transformed(body, new DecompressionStream("deflate"));
  if (raw.length < height * (stride + 1)) throw new Error("the file is truncated");
  const rows = unfiltered(raw, height, stride, Math.max(1, bits >> 3));
  const data = depth === 8 ? rows : unpacked(rows, width * channels, height, stride, depth);
  return { width, height, channels, depth, indexed: type === PALETTE_TYPE, keyed, data };
}

/**
 * Encode 8-bit gray levels, or class indices with a palette.
 * @param {Uint8Array} data
 * @param {number} width
 * @param {number} height
 * @param {string[]} [palette] Colors of the values 0, 1, ... as #rrggbb.
 * @returns {Promise<Blob>}
 */
export async function encodePng(data, width, height, palette) {
  const filtered = new Uint8Array(height * (width + 1)); // the first byte of a row is its filter: none
  for (let row = 0; row < height; row++) {
    filtered.set(data.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, palette ? PALETTE_TYPE : 0], 8);
  const parts = [Uint8Array.from(SIGNATURE), chunk("IHDR", header)];
  if (palette) parts.push(chunk("PLTE", Uint8Array.from(palette.flatMap(rgb))));
  const compressed = await transformed([filtered], new CompressionStream("deflate"));
  parts.push(chunk("IDAT", compressed), chunk("IEND", new Uint8Array(0)));
  return new Blob(parts, { type: "image/png" });
}

/** The levels of a color #rrggbb. @param {string} color @returns {number[]} */
export function rgb(color) {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}

function readChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const body = [];
  let keyed = false;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === "IDAT") body.push(bytes.subarray(at + 8, at + 8 + length));
    if (kind === "tRNS") keyed = true;
    if (kind === "IEND") break;
    at += 12 + length;
  }
  return { body, keyed };
}

async function transformed(parts, stream) {
  const piped = new Blob(parts).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

/** Undo the filter of each row: a difference to the left, above, their mean, or the nearest of three. */
function unfiltered(raw, height, stride, step) {
  const rows = new Uint8Array(height * stride);
  for (let row = 0; row < height; row++) {
    const start = row * (stride + 1) + 1;
    const target = rows.subarray(row * stride, (row + 1) * stride);
    const above = row ? rows.subarray((row - 1) * stride, row * stride) : new Uint8Array(stride);
    target.set(raw.subarray(start, start + stride));
    FILTERS[raw[start - 1]]?.(target, above, step);
  }
  return rows;
}

const FILTERS = {
  1: (row, _above, step) => {
    for (let index = step; index < row.length; index++) row[index] += row[index - step];
  },
  2: (row, above) => {
    for (let index = 0; index < row.length; index++) row[index] += above[index];
  },
  3: (row, above, step) => {
    for (let index = 0; index < row.length; index++) {
      row[index] += ((index < step ? 0 : row[index - step]) + above[index]) >> 1;
    }
  },
  4: (row, above, step) => {
    for (let index = 0; index < row.length; index++) {
      const left = index < step ? 0 : row[index - step];
      const corner = index < step ? 0 : above[index - step];
      const estimate = left + above[index] - corner;
      const a = Math.abs(estimate - left);
      const b = Math.abs(estimate - above[index]);
      const c = Math.abs(estimate - corner);
      row[index] += a <= b && a <= c ? left : b <= c ? above[index] : corner;
    }
  },
};

function unpacked(rows, count, height, stride, depth) {
  const data = depth === 16 ? new Uint16Array(count * height) : new Uint8Array(count * height);
  const last = (1 << depth) - 1;
  for (let row = 0; row < height; row++) {
    for (let index = 0; index < count; index++) {
      const at = row * stride;
      if (depth === 16) {
        data[row * count + index] = (rows[at + 2 * index] << 8) | rows[at + 2 * index + 1];
      } else {
        const bit = index * depth;
        data[row * count + index] = (rows[at + (bit >> 3)] >> (8 - depth - (bit & 7))) & last;
      }
    }
  }
  return data;
}

function chunk(kind, content) {
  const made = new Uint8Array(12 + content.length);
  const view = new DataView(made.buffer);
  view.setUint32(0, content.length);
  for (let index = 0; index < 4; index++) made[4 + index] = kind.charCodeAt(index);
  made.set(content, 8);
  view.setUint32(8 + content.length, checksum(made.subarray(4, 8 + content.length)));
  return made;
}

const CHECKSUMS = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function checksum(bytes) {
  let sum = 0xffffffff;
  for (const value of bytes) sum = CHECKSUMS[(sum ^ value) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
