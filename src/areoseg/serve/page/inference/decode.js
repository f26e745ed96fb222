/**
 * Image files as gray levels in 0..1, by the rules of `areoseg.data.readers.intensity`.
 */

import { decodePng, isPng, pngHeader } from "../formats/png.js";

const WHITE_LEVELS = [255, 4095, 65535];
const MOST_PIXELS = 120e6;
const PNG_PALETTE = 3;

/**
 * @typedef {object} GrayImage
 * @property {number} width
 * @property {number} height
 * @property {Float32Array} pixels Levels in 0..1; missing pixels are 0.
 * @property {Uint8Array|null} valid 0 where a pixel is transparent; null: all are valid.
 * @property {boolean} eightBit Whether the levels are multiples of 1/255.
 */

/**
 * Decode a PNG or JPEG file.
 * @param {Blob} file
 * @returns {Promise<GrayImage>}
 * @throws {Error} The file is damaged, too large or of another format.
 */
export async function decodeImage(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!bytes.length) throw new Error("the file is empty: copy it again");
  if (isPng(bytes)) {
    const { width, height, type, interlaced } = pngHeader(bytes);
    checkSize(width, height);
    if (type !== PNG_PALETTE && !interlaced) {
      const png = await decodePng(bytes).catch(() => {
        throw new Error("the PNG file is damaged: save or copy it again");
      });
      if (!png.keyed) return grayImage(png);
    }
  } else if (bytes[0] !== 0xff || bytes[1] !== 0xd8) {
    throw new Error(
      "not a PNG or JPEG file: this page reads only these in the browser; TIFF, PDS and VICAR files"
        + " need `areoseg serve` or `areoseg predict`",
    );
  }
  return decodeInBrowser(file);
}

/**
 * Convert decoded channels to gray.
 * @param {import("../formats/png.js").Png} png
 * @returns {GrayImage}
 */
function grayImage({ width, height, channels, depth, data }) {
  const count = width * height;
  const colors = channels > 2 ? 3 : 1;
  const levels = new Float32Array(count);
  const valid = channels % 2 ? null : new Uint8Array(count);
  let high = 0;
  for (let index = 0; index < count; index++) {
    const at = index * channels;
    if (valid) valid[index] = data[at + colors] ? 1 : 0;
    if (valid && !valid[index]) continue;
    const level = colors === 1 ? data[at] : luminance(data[at], data[at + 1], data[at + 2]);
    levels[index] = level;
    if (level > high) high = level;
  }
  const white = depth < 8 ? (1 << depth) - 1 : WHITE_LEVELS.find((level) => high <= level);
  for (let index = 0; index < count; index++) levels[index] /= white;
  const missing = valid?.includes(0) ? valid : null;
  if (missing && !missing.includes(1)) {
    throw new Error("every pixel is transparent: there is nothing to segment");
  }
  return { width, height, pixels: levels, valid: missing, eightBit: white <= 255 };
}

async function decodeInBrowser(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error("the image is damaged: save or copy it again");
  });
  const { width, height } = bitmap;
  checkSize(width, height);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return grayImage({ width, height, channels: 4, depth: 8, data });
}

function checkSize(width, height) {
  if (width * height > MOST_PIXELS) {
    throw new Error(`${width} x ${height} pixels are too many for a browser: use areoseg predict`);
  }
}

function luminance(red, green, blue) {
  if (red === green && green === blue) return red;
  return Math.round(0.299 * red + 0.587 * green + 0.114 * blue); // ITU-R BT.601
}
