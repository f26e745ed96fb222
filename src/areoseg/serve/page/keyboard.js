/** The keyboard: shortcuts of the page, and the crosshair on the image. */

import { byId } from "./dom.js";

const STEP = 8; // CSS pixels by which an arrow key moves the crosshair

/**
 * Connect the shortcuts. Single keys can be switched off on the page, and do nothing while somebody
 * types.
 * @param {Object<string, (event: KeyboardEvent) => void>} actions By key, such as `o`, `Ctrl+z`.
 */
export function connectShortcuts(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
    const typing = event.target.matches('input:not([type="checkbox"], [type="radio"]), select, textarea');
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const name = `${control ? "Ctrl+" : ""}${control && event.shiftKey ? "Shift+" : ""}${key}`;
    if (!(name in actions) || (typing && !control)) return;
    if (!control && !byId("shortcuts").checked) return;
    event.preventDefault();
    actions[name](event);
  });
}

/**
 * Connect the crosshair: arrows move it, Space paints or sets a corner, Enter closes a polygon.
 * @param {import("./stage.js").Stage} stage
 * @param {import("./painter.js").Painter} painter
 */
export function connectCrosshair(stage, painter) {
  for (const pane of stage.panes) {
    pane.canvas.addEventListener("keydown", (event) => {
      if (!pane.layers || event.ctrlKey || event.altKey || event.metaKey) return;
      const action = crosshairKeys(stage, painter, event.shiftKey)[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
  }
}

function crosshairKeys(stage, painter, fine) {
  const { camera, main } = stage;
  const step = fine ? 1 : Math.max(1, Math.round(STEP / camera.scale));
  const paint = () => {
    if (!stage.cursor || !painter.isActive) return;
    painter.start(stage.cursor.map((value) => value + 0.5));
    painter.end();
  };
  return {
    ArrowLeft: () => moveCrosshair(stage, -step, 0),
    ArrowRight: () => moveCrosshair(stage, step, 0),
    ArrowUp: () => moveCrosshair(stage, 0, -step),
    ArrowDown: () => moveCrosshair(stage, 0, step),
    "+": () => zoomAtCrosshair(stage, 1.5),
    "=": () => zoomAtCrosshair(stage, 1.5),
    "-": () => zoomAtCrosshair(stage, 1 / 1.5),
    0: () => main.viewer.fit(),
    " ": paint,
    Enter: () => (painter.points.length ? painter.finish() : paint()),
    Escape: () => painter.cancel(),
  };
}

function moveCrosshair(stage, dx, dy) {
  const { camera, main } = stage;
  const { clientWidth: width, clientHeight: height } = main.canvas;
  const from = stage.cursor ?? camera.toImage(width / 2, height / 2).map(Math.floor);
  const limits = [main.layers.width, main.layers.height];
  const to = [from[0] + dx, from[1] + dy].map((value, axis) =>
    Math.min(limits[axis] - 1, Math.max(0, value)));
  const [x, y] = [to[0] * camera.scale + camera.x, to[1] * camera.scale + camera.y];
  const outside = (value, size) => Math.min(0, size - 20 - value) + Math.max(0, 20 - value);
  camera.pan(outside(x, width), outside(y, height));
  stage.setCursor(to, true);
}

/** Zoom at the crosshair, or at the center without one. */
export function zoomAtCrosshair(stage, factor) {
  const { camera, cursor, main } = stage;
  const { clientWidth, clientHeight } = main.canvas;
  const [x, y] = cursor
    ? [(cursor[0] + 0.5) * camera.scale + camera.x, (cursor[1] + 0.5) * camera.scale + camera.y]
    : [clientWidth / 2, clientHeight / 2];
  camera.zoom(factor, x, y);
}
