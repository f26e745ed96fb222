/** Mouse, pen and touch on a viewer: pan, pinch, wheel, hover, and strokes of the paint tools. */

const WHEEL_SPEED = 0.0016;

/**
 * Connect the pointers of a viewer.
 * @param {import("./viewer.js").Viewer} viewer
 * @param {object} actions
 * @param {() => boolean} actions.paints Whether a press paints instead of moving the image.
 * @param {(position: number[]) => void} actions.start A stroke begins.
 * @param {(position: number[]) => void} actions.move A stroke goes on.
 * @param {() => void} actions.end A stroke ends.
 * @param {(position: number[]|null) => void} actions.hover The pointer is over a point, or leaves.
 */
export function connectPointer(viewer, { paints, start, move, end, hover }) {
  const { canvas, camera } = viewer;
  const pressed = new Map(); // positions of the pointers that are down
  let painting = false;

  canvas.addEventListener("pointerdown", (event) => {
    if (!viewer.layers || event.button > 1) return;
    canvas.setPointerCapture(event.pointerId);
    pressed.set(event.pointerId, event);
    if (painting && pressed.size > 1) stop();
    if (pressed.size === 1 && event.button === 0 && paints()) {
      painting = true;
      start(viewer.positionOf(event));
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!viewer.layers) return;
    const before = pressed.get(event.pointerId);
    if (before && painting) {
      for (const each of event.getCoalescedEvents?.() ?? [event]) move(viewer.positionOf(each));
    } else if (before) {
      const other = [...pressed.values()].find((each) => each.pointerId !== event.pointerId);
      if (other) pinch(before, event, other);
      else camera.pan(event.clientX - before.clientX, event.clientY - before.clientY);
    }
    if (before) pressed.set(event.pointerId, event);
    hover(viewer.positionOf(event));
  });

  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, (event) => {
      pressed.delete(event.pointerId);
      if (painting) stop();
    });
  }

  canvas.addEventListener("pointerleave", () => hover(null));

  canvas.addEventListener("wheel", (event) => {
    if (!viewer.layers) return;
    event.preventDefault();
    const pixels = event.deltaMode ? 33 * event.deltaY : event.deltaY; // else lines
    camera.zoom(Math.exp(-pixels * WHEEL_SPEED), ...onCanvas(event));
  }, { passive: false });

  function stop() {
    painting = false;
    end();
  }

  function pinch(before, after, fixed) {
    const distance = (event) => Math.hypot(event.clientX - fixed.clientX, event.clientY - fixed.clientY);
    camera.pan((after.clientX - before.clientX) / 2, (after.clientY - before.clientY) / 2);
    camera.zoom(distance(after) / Math.max(1, distance(before)), ...onCanvas(fixed));
  }

  function onCanvas(event) {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
}
