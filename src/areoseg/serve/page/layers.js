/** The pictures of one result as canvases: gray image, colored mask and confidence. */

import { decodePng, rgb } from "./formats/png.js";

const OUTLINE = 0xffffffff;

/** The decoded result of one image and one model. */
export class Layers {
  /**
   * Decode the pictures of a result.
   * @param {import("./types.js").Segmentation} result
   * @param {number[]} outlined Classes that have an outline.
   */
  static async load(result, outlined) {
    const [bitmap, mask, confidence] = await Promise.all([
      createImageBitmap(result.image, { colorSpaceConversion: "none" }),
      decoded(result.mask),
      decoded(result.confidence),
    ]);
    return new Layers(result, bitmap, mask, confidence, outlined);
  }

  /** Use `load`. */
  constructor(result, bitmap, mask, confidence, outlined) {
    Object.assign(this, { result, bitmap, mask, confidence, outlined });
    this.width = result.width;
    this.height = result.height;
    this.gain = gainOf(bitmap);
    this.colored = canvasOf(this.width, this.height);
    this.pictures = new Map();
  }

  /** The gray image, brightened or not. @param {boolean} brighten */
  gray(brighten) {
    return this.#picture(brighten ? "bright" : "plain", () => {
      const canvas = canvasOf(this.width, this.height);
      const context = canvas.getContext("2d");
      context.fillRect(0, 0, this.width, this.height);
      context.globalCompositeOperation = "lighter";
      for (let left = brighten ? this.gain : 1; left > 0.01; left--) {
        context.globalAlpha = Math.min(1, left);
        context.drawImage(this.bitmap, 0, 0, this.width, this.height);
      }
      return canvas;
    });
  }

  /** The confidence from black for 0 to white for 1. */
  certainty() {
    return this.#picture("certainty", () => {
      const canvas = canvasOf(this.width, this.height);
      const image = new ImageData(this.width, this.height);
      const pixels = new Uint32Array(image.data.buffer);
      for (let index = 0; index < pixels.length; index++) {
        pixels[index] = 0xff000000 | (this.confidence[index] * 0x010101);
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
      return canvas;
    });
  }

  /**
   * Draw the colors of a mask.
   * @param {Uint8Array} mask The mask of the result, or its correction.
   * @param {Set<number>} hidden Classes that are not shown.
   * @param {import("./edit.js").Region[]} [boxes] What changed; default: everything.
   */
  color(mask, hidden, boxes = [{ x: 0, y: 0, width: this.width, height: this.height }]) {
    const context = this.colored.getContext("2d");
    const palette = new Uint32Array(256);
    const outlined = new Uint8Array(256);
    this.result.colors.forEach((color, index) => {
      if (hidden.has(index)) return;
      const [red, green, blue] = rgb(color);
      palette[index] = 0xff000000 | (blue << 16) | (green << 8) | red;
      outlined[index] = this.outlined.includes(index) ? 1 : 0;
    });
    for (const box of boxes) {
      const [left, top] = [Math.max(0, box.x - 1), Math.max(0, box.y - 1)]; // outlines of neighbors
      const right = Math.min(this.width, box.x + box.width + 1);
      const bottom = Math.min(this.height, box.y + box.height + 1);
      const image = new ImageData(right - left, bottom - top);
      const pixels = new Uint32Array(image.data.buffer);
      let index = 0;
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++, index++) {
          const value = mask[y * this.width + x];
          pixels[index] = outlined[value] && this.#isEdge(mask, x, y) ? OUTLINE : palette[value];
        }
      }
      context.putImageData(image, left, top);
    }
  }

  #isEdge(mask, x, y) {
    const at = y * this.width + x;
    const value = mask[at];
    return (
      (x > 0 && mask[at - 1] !== value)
      || (x < this.width - 1 && mask[at + 1] !== value)
      || (y > 0 && mask[at - this.width] !== value)
      || (y < this.height - 1 && mask[at + this.width] !== value)
    );
  }

  #picture(name, draw) {
    if (!this.pictures.has(name)) this.pictures.set(name, draw());
    return this.pictures.get(name);
  }
}

/**
 * Draw image and mask into a new canvas, as the page shows them.
 * @param {Layers} layers
 * @param {number} opacity Of the mask, in 0..1.
 * @param {boolean} brighten
 * @param {number} [longest] Longest side of the picture; default: that of the image.
 * @returns {HTMLCanvasElement}
 */
export function overlayPicture(layers, opacity, brighten, longest = Infinity) {
  const factor = Math.min(1, longest / Math.max(layers.width, layers.height));
  const [width, height] = [layers.width, layers.height].map((side) => Math.max(1, Math.round(factor * side)));
  const canvas = canvasOf(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(layers.gray(brighten), 0, 0, width, height);
  context.globalAlpha = opacity;
  context.drawImage(layers.colored, 0, 0, width, height);
  return canvas;
}

/** The gain with which the brightest pixels of a dark image become nearly white, as in the gallery. */
function gainOf(bitmap) {
  const canvas = canvasOf(48, 48);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, 48, 48);
  const levels = context.getImageData(0, 0, 48, 48).data.filter((_, index) => index % 4 === 0).sort();
  const bright = levels[Math.floor(0.99 * levels.length)];
  return Math.min(6, Math.max(1, 235 / Math.max(1, bright)));
}

function canvasOf(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

async function decoded(blob) {
  return (await decodePng(new Uint8Array(await blob.arrayBuffer()))).data;
}
