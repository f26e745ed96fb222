/** The place where one image is shown, beside itself if two models are compared. */

import { announce, byId, element } from "./dom.js";
import { Layers } from "./layers.js";
import { connectPointer } from "./pointer.js";
import { Camera, Viewer } from "./viewer.js";

/** One picture with the result of one model. */
class Pane {
  /** @type {Layers|null} */
  layers = null;
  model = "";

  constructor(camera, look) {
    this.canvas = element("canvas", {
      tabIndex: 0,
      role: "application",
      "aria-label": "image",
      "aria-describedby": "stage-help",
    });
    this.caption = element("figcaption");
    this.status = element("p", { className: "status", role: "status" });
    this.figure = element("figure", { className: "pane" }, this.canvas, this.status, this.caption);
    this.viewer = new Viewer(this.canvas, camera, look);
  }
}

export class Stage extends EventTarget {
  /** @type {import("./viewer.js").Look} */
  look = { view: "overlay", opacity: 0.45, brighten: true };
  /** @type {Set<number>} Classes that are not colored. */
  hidden = new Set();
  /** @type {import("./images.js").Entry|null} */
  entry = null;
  camera = new Camera();
  #models;
  #images;

  /**
   * @param {import("./images.js").Images} images
   * @param {import("./types.js").Model[]} models
   * @param {import("./painter.js").Painter} painter
   */
  constructor(images, models, painter) {
    super();
    this.#images = images;
    this.#models = new Map(models.map((model) => [model.name, model]));
    this.panes = [new Pane(this.camera, this.look), new Pane(this.camera, this.look)];
    this.panes.forEach((pane, index) => {
      byId("panes").append(pane.figure);
      connectPointer(pane.viewer, {
        paints: () => index === 0 && painter.isActive,
        start: (position) => painter.start(position),
        move: (position) => painter.move(position),
        end: () => painter.end(),
        hover: (position) => this.setCursor(position),
      });
    });
    this.panes[0].canvas.addEventListener("dblclick", () => painter.finish());
    painter.connect(this);
  }

  /** The pane that can be corrected. */
  get main() {
    return this.panes[0];
  }

  /** The result in the main pane, or null. @returns {import("./types.js").Segmentation|null} */
  get result() {
    return this.main.layers?.result ?? null;
  }

  /** The correction of the result in a pane, or null. @returns {import("./edit.js").Edit|null} */
  editOf(pane) {
    return this.entry?.edits.get(pane.model) ?? null;
  }

  /** The mask that a pane shows: corrected, or as predicted. */
  maskOf(pane) {
    return this.editOf(pane)?.mask ?? pane.layers.mask;
  }

  /**
   * Show an image with the results of one or two models.
   * @param {import("./images.js").Entry|null} entry
   * @param {string[]} models
   */
  async open(entry, models) {
    const isNew = entry !== this.entry;
    this.entry = entry;
    this.panes[1].figure.hidden = models.length < 2;
    byId("panes").classList.toggle("two", models.length > 1);
    await Promise.all(this.panes.map((pane, index) => this.#load(pane, models[index] ?? "", isNew)));
  }

  /** Draw the classes again. @param {import("./edit.js").Region[]} [boxes] What changed. */
  recolor(boxes) {
    for (const pane of this.panes) {
      pane.layers?.color(this.maskOf(pane), this.hidden, boxes);
      pane.viewer.draw();
    }
  }

  /** Draw everything again. */
  draw() {
    for (const pane of this.panes) pane.viewer.draw();
  }

  /**
   * Set the point whose class is told.
   * @param {number[]|null} position In pixels.
   * @param {boolean} [aloud] Whether screen readers shall tell it.
   */
  setCursor(position, aloud = false) {
    const layers = this.main.layers;
    const pixel = position?.map(Math.floor);
    const inside = layers && pixel && pixel.every((value, axis) =>
      value >= 0 && value < [layers.width, layers.height][axis]);
    this.cursor = inside ? pixel : null;
    for (const pane of this.panes) {
      pane.viewer.marks.cursor = this.cursor;
      pane.viewer.draw();
    }
    const text = this.cursor ? this.#readout() : "";
    byId("readout").textContent = text;
    if (aloud) announce(text || "outside the image");
  }

  #readout() {
    const [x, y] = this.cursor;
    const told = this.panes.filter((pane) => pane.layers).map((pane) => {
      const at = y * pane.layers.width + x;
      const value = this.maskOf(pane)[at];
      const name = pane.layers.result.names[value];
      const corrected = value !== pane.layers.mask[at];
      const confidence = Math.round((100 * pane.layers.confidence[at]) / 255);
      return `${name}, ${corrected ? "corrected" : `confidence ${confidence} %`}`;
    });
    return `${told.join(" | ")} at x ${x}, y ${y}`;
  }

  async #load(pane, model, isNew) {
    const { entry } = this;
    if (!isNew && pane.model === model && pane.layers) return;
    pane.model = model;
    pane.layers = null;
    pane.viewer.show(null);
    pane.caption.textContent = model;
    pane.status.textContent = entry && model ? "Segmenting…" : "";
    const isCurrent = () => this.entry === entry && pane.model === model;
    if (!entry || !model) {
      this.#opened(pane);
      return;
    }
    try {
      const result = await this.#images.segment(entry, model);
      const layers = await Layers.load(result, this.#models.get(model).outlined);
      if (!isCurrent()) return;
      pane.layers = layers;
      layers.color(this.maskOf(pane), this.hidden);
      pane.canvas.setAttribute("aria-label", `${result.name} segmented by ${model}`);
      pane.status.textContent = "";
      pane.viewer.show(layers);
      if (isNew && pane === this.main) pane.viewer.fit();
      this.#opened(pane);
    } catch (error) {
      if (!isCurrent()) return;
      pane.status.textContent = `${entry.name}: ${error.message}`;
      this.#opened(pane);
    }
  }

  #opened(pane) {
    this.dispatchEvent(new CustomEvent("open", { detail: pane }));
  }
}
