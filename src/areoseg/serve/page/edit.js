/** Corrections of a mask: regions that are painted, and undo and redo. */

const MAX_BYTES = 256e6; // of undo steps of one image

/**
 * @typedef {object} Region Some pixels of a mask.
 * @property {number} x Left column of the bounding box.
 * @property {number} y Upper row.
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array} inside (height, width), 1 for the pixels of the region.
 */

/** A mask that is corrected, with its history. */
export class Edit {
  #steps = [];
  #undone = [];
  #open = null;

  /**
   * @param {Uint8Array} mask Not changed; the correction is a copy.
   * @param {number} width
   * @param {number} height
   */
  constructor(mask, width, height) {
    this.mask = Uint8Array.from(mask);
    this.width = width;
    this.height = height;
  }

  get canUndo() {
    return this.#steps.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** Group the regions that are painted until `end` into one step. */
  begin() {
    this.#open = [];
  }

  /** End the step of `begin`. */
  end() {
    const patches = this.#open ?? [];
    this.#open = null;
    if (patches.length) this.#push(patches);
  }

  /** Give the pixels of a region a class. @param {Region} region @param {number} value */
  paint(region, value) {
    const before = copyOf(this.mask, this.width, region);
    let changed = false;
    forPixels(region, this.width, (at, index) => {
      if (region.inside[index] && this.mask[at] !== value) {
        this.mask[at] = value;
        changed = true;
      }
    });
    if (!changed) return;
    const { inside, ...box } = region;
    const patch = { ...box, before, after: copyOf(this.mask, this.width, region) };
    if (this.#open) this.#open.push(patch);
    else this.#push([patch]);
  }

  /** Take the last step back. @returns {Region[]} The boxes that changed. */
  undo() {
    const patches = this.#steps.pop() ?? [];
    if (patches.length) this.#undone.push(patches);
    for (const patch of patches.toReversed()) this.#restore(patch, patch.before);
    return patches;
  }

  /** Do the last undone step again. @returns {Region[]} The boxes that changed. */
  redo() {
    const patches = this.#undone.pop() ?? [];
    if (patches.length) this.#steps.push(patches);
    for (const patch of patches) this.#restore(patch, patch.after);
    return patches;
  }

  #push(patches) {
    this.#undone = [];
    this.#steps.push(patches);
    const size = (step) => step.reduce((sum, { before }) => sum + 2 * before.length, 0);
    let bytes = this.#steps.reduce((sum, step) => sum + size(step), 0);
    while (bytes > MAX_BYTES && this.#steps.length > 1) bytes -= size(this.#steps.shift());
  }

  #restore(box, values) {
    forPixels(box, this.width, (at, index) => { this.mask[at] = values[index]; });
  }
}

/**
 * The pixels of a brush stroke between two points: those whose center is at most the radius away.
 * @param {number[]} from x and y in pixels.
 * @param {number[]} to
 * @param {number} radius
 * @param {number} width Of the mask.
 * @param {number} height
 * @returns {Region|null} Null outside the mask.
 */
export function brushRegion(from, to, radius, width, height) {
  const box = boxOf([from, to], radius, width, height);
  if (!box) return null;
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const squared = dx * dx + dy * dy;
  return filled(box, (x, y) => {
    const along = squared ? ((x - from[0]) * dx + (y - from[1]) * dy) / squared : 0;
    const nearest = Math.min(1, Math.max(0, along));
    return Math.hypot(x - from[0] - nearest * dx, y - from[1] - nearest * dy) <= radius;
  });
}

/** The pixels whose center is within a polygon, by the even-odd rule. */
export function polygonRegion(points, width, height) {
  const box = points.length > 2 ? boxOf(points, 0, width, height) : null;
  if (!box) return null;
  return filled(box, (x, y) => {
    let odd = false;
    points.forEach(([ax, ay], index) => {
      const [bx, by] = points[(index + 1) % points.length];
      if (ay > y !== by > y && x < ax + ((y - ay) * (bx - ax)) / (by - ay)) odd = !odd;
    });
    return odd;
  });
}

/** The pixels of one class that are connected over edges to a pixel. */
export function connectedRegion(mask, width, height, x, y) {
  const value = mask[y * width + x];
  const seen = new Uint8Array(mask.length);
  const stack = [y * width + x];
  seen[stack[0]] = 1;
  let [left, right, top, bottom] = [x, x, y, y];
  while (stack.length) {
    const at = stack.pop();
    const column = at % width;
    const row = (at - column) / width;
    left = Math.min(left, column);
    right = Math.max(right, column);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
    for (const next of [
      column > 0 ? at - 1 : -1, column < width - 1 ? at + 1 : -1, at - width, at + width,
    ]) {
      if (next >= 0 && next < mask.length && !seen[next] && mask[next] === value) {
        seen[next] = 1;
        stack.push(next);
      }
    }
  }
  const box = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  return { ...box, inside: copyOf(seen, width, box) };
}

function boxOf(points, margin, width, height) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const x = Math.max(0, Math.floor(Math.min(...xs) - margin));
  const y = Math.max(0, Math.floor(Math.min(...ys) - margin));
  const right = Math.min(width, Math.ceil(Math.max(...xs) + margin) + 1);
  const bottom = Math.min(height, Math.ceil(Math.max(...ys) + margin) + 1);
  return right > x && bottom > y ? { x, y, width: right - x, height: bottom - y } : null;
}

/** Fill a box by a condition on the centers of its pixels. */
function filled(box, condition) {
  const inside = new Uint8Array(box.width * box.height);
  for (let index = 0; index < inside.length; index++) {
    const column = index % box.width;
    const row = (index - column) / box.width;
    inside[index] = condition(box.x + column + 0.5, box.y + row + 0.5) ? 1 : 0;
  }
  return { ...box, inside };
}

function forPixels(box, stride, visit) {
  for (let row = 0; row < box.height; row++) {
    const start = (box.y + row) * stride + box.x;
    for (let column = 0; column < box.width; column++) visit(start + column, row * box.width + column);
  }
}

function copyOf(values, stride, box) {
  const made = new Uint8Array(box.width * box.height);
  forPixels(box, stride, (at, index) => { made[index] = values[at]; });
  return made;
}
