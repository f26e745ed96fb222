/**
 * A mask as GeoJSON polygons that follow the edges of pixels, in the pixel coordinates of
 * `areoseg.inference.writers.polygons`: x to the right, y upward, upper left corner (0, 0).
 */

const PIXEL_SYSTEM =
  'ENGCRS["pixels of an image",EDATUM["upper left corner"],CS[Cartesian,2],AXIS["x",east],'
  + 'AXIS["y",north],LENGTHUNIT["pixel",1]]';

/**
 * Return one feature per region of terrain that is connected over edges; background has none.
 * @param {Uint8Array} mask
 * @param {Uint8Array|null} confidence 0 to 255; null: unknown, as after a correction.
 * @param {import("../types.js").Segmentation} result Size and classes.
 * @returns {Blob}
 */
export function geojson(mask, confidence, { width, height, names, colors, background_index: background }) {
  const { regions, classes } = labelRegions(mask, width, height, background);
  const pixels = new Array(classes.length).fill(0);
  const total = new Array(classes.length).fill(0);
  regions.forEach((region, index) => {
    pixels[region]++;
    total[region] += confidence ? confidence[index] : 0;
  });
  const ground = mask.length - pixels[0];
  const rings = traceRings(regions, width, height, classes.length);
  const features = classes.slice(1).map((value, index) => {
    const region = index + 1;
    return {
      type: "Feature",
      properties: {
        class: value,
        name: names[value],
        pixels: pixels[region],
        area: pixels[region],
        share: rounded(pixels[region] / ground, 6),
        confidence: confidence ? rounded(total[region] / pixels[region] / 255, 3) : null,
        color: colors[value],
      },
      geometry: { type: "Polygon", coordinates: rings[region] },
    };
  });
  const crs = { type: "name", properties: { name: PIXEL_SYSTEM } };
  const start = JSON.stringify({ type: "FeatureCollection", coordinates: "pixel", crs });
  const lines = features.map((feature) => JSON.stringify(feature)).join(",\n");
  return new Blob([`${start.slice(0, -1)}, "features": [\n${lines}\n]}\n`], {
    type: "application/geo+json",
  });
}

/** Number the connected regions from 1; background is 0. `classes[region]` is their class. */
function labelRegions(mask, width, height, background) {
  const regions = new Int32Array(mask.length);
  const classes = [background];
  const stack = [];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] === background || regions[start]) continue;
    const value = mask[start];
    const region = classes.push(value) - 1;
    regions[start] = region;
    stack.push(start);
    while (stack.length) {
      const at = stack.pop();
      const x = at % width;
      for (const next of [
        x > 0 ? at - 1 : -1, x < width - 1 ? at + 1 : -1, at - width, at + width,
      ]) {
        if (next >= 0 && next < mask.length && mask[next] === value && !regions[next]) {
          regions[next] = region;
          stack.push(next);
        }
      }
    }
  }
  return { regions, classes };
}

// Directions along the edges of pixels: right, down, left, up. A region lies to the right of its edges.
const STEPS = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/** Return the rings of each region. The outer one is first, since it has the uppermost edge. */
function traceRings(regions, width, height, count) {
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : regions[y * width + x]);
  const done = new Uint8Array((width + 1) * (height + 1)); // corners whose edge to the right was traced
  const rings = Array.from({ length: count }, () => []);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const region = at(x, y);
      if (!region || at(x, y - 1) === region || done[y * (width + 1) + x]) continue;
      rings[region].push(traceRing(at, region, x, y, done, width + 1));
    }
  }
  return rings;
}

/** Follow the border of a region clockwise from the upper left corner of a pixel (x, y). */
function traceRing(at, region, startX, startY, done, stride) {
  const ring = [];
  let [x, y, direction] = [startX, startY, 0];
  let previous = -1;
  do {
    if (direction !== previous) ring.push([x, -y]);
    if (direction === 0) done[y * stride + x] = 1;
    previous = direction;
    x += STEPS[direction][0];
    y += STEPS[direction][1];
    direction = nextDirection(at, region, x, y, direction);
  } while (x !== startX || y !== startY || direction !== 0);
  ring.push([startX, -startY]);
  return ring.reverse(); // outer rings counterclockwise, as RFC 7946 wants them
}

/** Turn right where possible, so that corners which touch do not connect. */
function nextDirection(at, region, x, y, direction) {
  for (const turn of [1, 0, 3]) {
    const next = (direction + turn) % 4;
    if (hasEdge(at, region, x, y, next)) return next;
  }
  throw new Error("a border has no end");
}

/** Whether a border of the region starts at this corner in this direction. */
function hasEdge(at, region, x, y, direction) {
  const [right, left] = [
    [[x, y], [x, y - 1]],
    [[x - 1, y], [x, y]],
    [[x - 1, y - 1], [x - 1, y]],
    [[x, y - 1], [x - 1, y - 1]],
  ][direction];
  return at(...right) === region && at(...left) !== region;
}

function rounded(value, digits) {
  return Number(value.toFixed(digits));
}
