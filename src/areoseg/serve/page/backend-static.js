/** The backend of the static site: models run in a worker of the browser, by onnxruntime-web. */

import { metadataFromName } from "./formats/metadata.js";
import { download } from "./dom.js";

/**
 * Open the backend.
 * @returns {Promise<import("./types.js").Backend>}
 * @throws {Error} The list of models cannot be loaded.
 */
export async function openBackend() {
  const response = await fetch("models.json");
  if (!response.ok) throw new Error(`models.json is missing (${response.status}): copy the whole folder`);
  const { models, samples } = await response.json();
  const known = new Map(models.map((model) => [model.name, { ...model, url: absolute(model.url) }]));
  const worker = new Worker(new URL("inference/worker.js", import.meta.url), { type: "module" });
  const ask = requests(worker);
  ask(null, known.get(models[0].name)).catch(() => {}); // loads the model; told with the first image
  return {
    promise: "Everything runs in this browser: your images are not sent anywhere.",
    parallel: 1,
    formats: /\.(png|jpe?g)$/i,
    accept: ".png,.jpg,.jpeg",
    saveTitle: "Download the corrected mask as a PNG file",
    models: async () => models,
    samples: async () => samples,
    suggestions: async () => [],
    suggestion: async () => null,
    sample: async (name) => fetchBlob(samples.find((sample) => sample.name === name).url),
    segment: async (file, name) => completed(await ask(file, known.get(name)), file, known.get(name)),
    geojson: async () => null,
    save: async (file, { name }, mask) => {
      download(mask, `${name}.png`);
      return `Saved ${name}.png to your downloads: put it into the folder masks/ of a dataset.`;
    },
  };
}

/** Return a function that sends a file, or null to load a model, and resolves with the answer. */
function requests(worker) {
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const error = new Error(`the model cannot run here: ${event.message ?? "the worker failed"}`);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  return (file, model) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      worker.postMessage({ id: last, file, model });
    });
}

/** Add what the worker does not know: names, classes and what the name of the file tells. */
function completed(result, file, { name: model, names, colors, background_index }) {
  const name = file.name.replace(/\.[^.]+$/, "");
  return { name, model, names, colors, background_index, ...metadataFromName(file.name), ...result };
}

function absolute(url) {
  return new URL(url, document.baseURI).href;
}

async function fetchBlob(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} is missing (${response.status}): copy the whole folder`);
  return response.blob();
}
