/**
 * The worker of the static site: it loads models, and segments one image after another, so that the
 * page stays responsive. Nothing leaves the browser.
 */

import { encodePng } from "../formats/png.js";
import { summarize } from "../summary.js";
import * as ort from "../vendor/onnxruntime-web/ort.wasm.bundle.min.mjs";
import { decodeImage } from "./decode.js";
import { predict } from "./predictor.js";

const RUNTIME = new URL("../vendor/onnxruntime-web/ort-wasm-simd-threaded.wasm.gz", import.meta.url);

/** @type {Map<string, Promise<ort.InferenceSession>>} */
const sessions = new Map();
let runtime = null;

self.onmessage = async ({ data: { id, file, model } }) => {
  try {
    const session = await opened(model);
    const result = file && (await segment(file, model, session));
    self.postMessage({ id, result });
  } catch (error) {
    self.postMessage({ id, error: error.message ?? String(error) });
  }
};

async function segment(file, model, session) {
  const start = performance.now();
  const image = await decodeImage(file);
  const { width, height } = image;
  const prediction = await predict(image, model, async (pixels, rows, columns) => {
    const images = new ort.Tensor("float32", pixels, [1, 1, rows, columns]);
    const { probabilities } = await session.run({ images });
    return probabilities.data;
  });
  const nodata = image.valid ? image.valid.filter((value) => !value).length / image.valid.length : 0;
  const summary = summarize(prediction.mask, prediction.confidence, model, nodata);
  const seconds = (performance.now() - start) / 1000;
  return {
    width,
    height,
    ...summary,
    nodata,
    scale: prediction.factor,
    warnings: prediction.warnings,
    seconds,
    image: image.eightBit ? file : await displayed(image),
    mask: await encodePng(prediction.mask, width, height, model.colors),
    confidence: await encodePng(prediction.confidence, width, height),
  };
}

/** An 8-bit picture of an image that browsers would show too dark. */
function displayed({ pixels, width, height }) {
  return encodePng(Uint8Array.from(pixels, (level) => Math.round(level * 255)), width, height);
}

/** Return the session of a model; one that failed to load is tried again with the next image. */
function opened(model) {
  if (!sessions.has(model.name)) {
    const session = open(model);
    sessions.set(model.name, session);
    session.catch(() => sessions.delete(model.name));
  }
  return sessions.get(model.name);
}

async function open(model) {
  runtime ??= fetched(RUNTIME);
  const [wasmBinary, weights] = await Promise.all([runtime, fetched(model.url)]).catch((error) => {
    runtime = null;
    throw error;
  });
  ort.env.wasm.wasmBinary ??= wasmBinary;
  ort.env.wasm.numThreads = self.crossOriginIsolated ? undefined : 1;
  return ort.InferenceSession.create(new Uint8Array(weights));
}

/** Fetch a file; one that is compressed by gzip, and that the host has not unpacked, is unpacked. */
async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`cannot load ${url} (${response.status}): reload the page`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.buffer;
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).arrayBuffer();
}
