/** A canvas that shows one result, and the camera that several canvases share. */

const MAX_SCALE = 64;
const BACKDROP = "#1b1a19";

/** Position and scale of the image on the canvases, in CSS pixels. */
export class Camera extends EventTarget {
  scale = 1;
  /** The scale that shows the whole image. */
  fitted = 1;
  x = 0;
  y = 0;

  /** Show the whole image. */
  fit(width, height, image) {
    this.fitted = Math.min(width / image.width, height / image.height);
    this.#set(
      this.fitted,
      (width - this.fitted * image.width) / 2,
      (height - this.fitted * image.height) / 2,
    );
  }

  /** Zoom so that the point (x, y) of the canvas stays where it is. */
  zoom(factor, x, y) {
    const scale = Math.min(MAX_SCALE, Math.max(this.fitted / 2, this.scale * factor));
    const ratio = scale / this.scale;
    this.#set(scale, x - (x - this.x) * ratio, y - (y - this.y) * ratio);
  }

  /** Move by some CSS pixels. */
  pan(dx, dy) {
    this.#set(this.scale, this.x + dx, this.y + dy);
  }

  /** The image position of a point of the canvas, in pixels. @returns {number[]} */
  toImage(x, y) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  #set(scale, x, y) {
    Object.assign(this, { scale, x, y });
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @typedef {object} Look How results are drawn.
 * @property {"overlay"|"image"|"confidence"} view
 * @property {number} opacity In 0..1.
 * @property {boolean} brighten
 */

export class Viewer {
  /** @type {import("./layers.js").Layers|null} */
  layers = null;
  /** Drawn above the image: crosshair, brush and polygon. */
  marks = { cursor: null, radius: 0, points: [] };
  #frame = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Camera} camera
   * @param {Look} look
   */
  constructor(canvas, camera, look) {
    Object.assign(this, { canvas, camera, look });
    camera.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.#resized()).observe(canvas);
  }

  /** Show a result, or nothing. @param {import("./layers.js").Layers|null} layers */
  show(layers) {
    this.layers = layers;
    this.draw();
  }

  /** Show the whole image. */
  fit() {
    if (this.layers) this.camera.fit(this.canvas.clientWidth, this.canvas.clientHeight, this.layers);
  }

  /** The image position of a pointer, in pixels. @param {MouseEvent} event */
  positionOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.camera.toImage(event.clientX - box.left, event.clientY - box.top);
  }

  /** Draw before the next frame. */
  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #resized() {
    const ratio = devicePixelRatio;
    const { clientWidth, clientHeight } = this.canvas;
    const [width, height] = [clientWidth, clientHeight].map((side) => Math.round(side * ratio));
    if (!width || (width === this.canvas.width && height === this.canvas.height)) return;
    Object.assign(this.canvas, { width, height });
    if (this.camera.scale === this.camera.fitted) this.fit();
    this.#draw();
  }

  #draw() {
    const context = this.canvas.getContext("2d");
    const ratio = this.canvas.width / Math.max(1, this.canvas.clientWidth);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = BACKDROP;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.layers) return;
    const { scale, x, y } = this.camera;
    const { view, opacity, brighten } = this.look;
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * x, ratio * y);
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(view === "confidence" ? this.layers.certainty() : this.layers.gray(brighten), 0, 0);
    if (view === "overlay") {
      context.globalAlpha = opacity;
      context.drawImage(this.layers.colored, 0, 0);
      context.globalAlpha = 1;
    }
    this.#drawMarks(context, 1 / scale);
  }

  /** Draw each mark in black and white, to be seen on any ground. @param {number} unit One CSS pixel. */
  #drawMarks(context, unit) {
    const { cursor, radius, points } = this.marks;
    const path = new Path2D();
    if (cursor) {
      const [x, y] = [cursor[0] + 0.5, cursor[1] + 0.5];
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        path.moveTo(x + 4 * unit * dx, y + 4 * unit * dy);
        path.lineTo(x + 14 * unit * dx, y + 14 * unit * dy);
      }
      if (radius) {
        path.moveTo(x + radius, y);
        path.arc(x, y, radius, 0, 2 * Math.PI);
      }
    }
    points.forEach(([x, y], index) => (index ? path.lineTo(x, y) : path.moveTo(x, y)));
    if (points.length > 2) path.closePath();
    for (const [x, y] of points) path.rect(x - 3 * unit, y - 3 * unit, 6 * unit, 6 * unit);
    for (const [color, width] of [["#000", 3.5], ["#fff", 1.5]]) {
      context.strokeStyle = color;
      context.lineWidth = width * unit;
      context.stroke(path);
    }
  }
}
