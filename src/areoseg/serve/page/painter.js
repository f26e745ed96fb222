/** The tools that correct a mask: brush, polygon and fill, with undo and redo. */

import { announce, byId } from "./dom.js";
import { brushRegion, connectedRegion, Edit, polygonRegion } from "./edit.js";

export class Painter extends EventTarget {
  /** @type {"move"|"brush"|"polygon"|"fill"} */
  tool = "move";
  /** The class that is painted. */
  value = 1;
  /** Diameter of the brush in pixels of the image. */
  size = 25;
  /** @type {number[][]} Corners of the polygon that is being drawn. */
  points = [];
  #last = null;

  /** Whether a press on the image paints. */
  get isActive() {
    return this.tool !== "move" && Boolean(this.stage.result);
  }

  /** @param {import("./stage.js").Stage} stage */
  connect(stage) {
    this.stage = stage;
    stage.addEventListener("open", ({ detail: pane }) => {
      if (pane === stage.main) this.cancel();
      this.#changed();
    });
  }

  /** Choose a tool. */
  use(tool) {
    this.tool = tool;
    this.cancel();
    this.#changed();
  }

  /** Choose the class that is painted. */
  useClass(value) {
    this.value = value;
    this.#changed();
  }

  /** Choose the diameter of the brush. */
  useSize(size) {
    this.size = Math.min(400, Math.max(1, Math.round(size)));
    this.#changed();
  }

  /** Begin a stroke, set a corner, or fill. @param {number[]} position In pixels. */
  start(position) {
    if (this.tool === "polygon") {
      this.points.push(position);
      this.#mark();
    } else if (this.tool === "fill") {
      this.#fill(position.map(Math.floor));
    } else if (this.tool === "brush") {
      this.#edit().begin();
      this.#last = position;
      this.move(position);
    }
  }

  /** Continue a stroke of the brush. */
  move(position) {
    if (!this.#last) return;
    const { width, height } = this.stage.result;
    this.#paint(brushRegion(this.#last, position, this.size / 2, width, height));
    this.#last = position;
  }

  /** End a stroke of the brush. */
  end() {
    if (!this.#last) return;
    this.#last = null;
    this.#edit().end();
    this.#painted();
  }

  /** Close the polygon and paint it. */
  finish() {
    if (this.points.length > 2) {
      const { width, height } = this.stage.result;
      this.#paint(polygonRegion(this.points, width, height));
      this.#painted();
    }
    this.cancel();
  }

  /** Remove the polygon that is being drawn. */
  cancel() {
    this.points = [];
    this.#mark();
  }

  undo() {
    if (this.points.length) {
      this.points.pop();
      this.#mark();
      return;
    }
    this.#replay("undo", "undone");
  }

  redo() {
    this.#replay("redo", "redone");
  }

  #replay(method, done) {
    const boxes = this.stage.editOf(this.stage.main)?.[method]() ?? [];
    if (!boxes.length) return;
    this.stage.recolor(boxes);
    announce(done);
    this.#changed();
  }

  #fill([x, y]) {
    const { width, height } = this.stage.result;
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    this.#paint(connectedRegion(this.#edit().mask, width, height, x, y));
    this.#painted();
  }

  #paint(region) {
    if (!region) return;
    this.#edit().paint(region, this.value);
    this.stage.recolor([region]);
  }

  /** The correction of the current result; the first stroke creates it. */
  #edit() {
    const { entry, main, result } = this.stage;
    if (!entry.edits.has(main.model)) {
      entry.edits.set(main.model, new Edit(main.layers.mask, result.width, result.height));
    }
    return entry.edits.get(main.model);
  }

  #painted() {
    announce(`painted ${this.stage.result.names[this.value]}`);
    this.#changed();
  }

  #mark() {
    const { marks } = this.stage.main.viewer;
    marks.points = this.points;
    marks.radius = this.tool === "brush" ? this.size / 2 : 0;
    this.stage.draw();
  }

  #changed() {
    this.#mark();
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * Connect the toolbar of the painter.
 * @param {Painter} painter
 * @param {() => void} save Called by the button "Save".
 */
export function connectToolbar(painter, save) {
  const form = byId("paint");
  const { elements } = form;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    if (target.name === "tool") painter.use(target.value);
    if (target.name === "class") painter.useClass(Number(target.value));
    if (target.name === "size") painter.useSize(target.valueAsNumber);
  });
  form.addEventListener("click", ({ target }) => {
    const action = target.closest("button")?.value;
    if (action === "undo") painter.undo();
    if (action === "redo") painter.redo();
    if (action === "close") painter.finish();
    if (action === "save") save();
  });
  painter.addEventListener("change", () => {
    const edit = painter.stage.editOf(painter.stage.main);
    elements.tool.value = painter.tool;
    elements.class.value = painter.value;
    elements.size.value = painter.size;
    byId("size-value").textContent = `${painter.size} px`;
    form.dataset.tool = painter.tool;
    setDisabled(byId("undo"), !(edit?.canUndo || painter.points.length));
    setDisabled(byId("redo"), !edit?.canRedo);
    setDisabled(byId("save"), !edit?.canUndo);
    byId("close-polygon").hidden = painter.tool !== "polygon";
  });
}

/** Disable a button without taking the keyboard focus away from it. */
function setDisabled(button, disabled) {
  button.setAttribute("aria-disabled", String(disabled));
}
