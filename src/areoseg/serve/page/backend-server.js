/** The backend of `areoseg serve`: the service that this page came from. */

import { plural } from "./dom.js";
import { askToken, savedToken } from "./token.js";

const MAX_WAIT = 30; // seconds between attempts while the queue of the service is full

/**
 * Open the backend.
 * @returns {Promise<import("./types.js").Backend>}
 */
export async function openBackend() {
  return {
    promise: "Images are sent to the server that this page came from, and to nobody else.",
    parallel: 4,
    formats: /\.(png|jpe?g|tiff?|img|vic|vicar|lbl|xml|ht)$/i,
    accept: "",
    saveTitle: "Save the image and its corrected mask in the dataset folder of the server",
    models: () => json("v1/models"),
    samples: () => json("v1/samples"),
    suggestions: async () => (await json("v1/suggestions")).filter(({ corrected }) => !corrected),
    suggestion: async (url) => (await request(url)).blob(),
    sample: async (name) => (await request(`v1/samples/${encodeURIComponent(name)}`)).blob(),
    segment: async (file, model) =>
      decoded(await (await post("segment", { image: file }, { output: "bundle", model })).json()),
    geojson: async (file, { model }) =>
      (await post("segment", { image: file }, { output: "geojson", model })).blob(),
    save: async (file, { name, model }, mask) => {
      const fields = { image: file, mask: new File([mask], `${name}.png`) };
      const { mask: path, saved } = await (await post("corrections", fields, { model })).json();
      return `Saved ${path} on the server, which has ${plural(saved, "corrected image")} now.`;
    },
  };
}

async function json(path) {
  return (await request(path)).json();
}

function post(path, fields, query = {}) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return request(`v1/${path}?${new URLSearchParams(query)}`, { method: "POST", body });
}

/**
 * Send a request; wait while the service is busy, and ask for its token if it wants one.
 * @throws {Error} The service refused it; the message is the service's.
 */
async function request(path, options = {}) {
  for (;;) {
    const token = savedToken();
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const response = await fetch(path, { ...options, headers }).catch(() => {
      throw new Error("the server does not answer: check that areoseg serve still runs");
    });
    if (response.ok) return response;
    if (response.status === 429) {
      const wait = Math.min(MAX_WAIT, Number(response.headers.get("Retry-After")) || 1);
      await new Promise((resolve) => setTimeout(resolve, 1000 * wait));
    } else if (response.status !== 401 || !(await askToken(token))) {
      throw new Error(await problem(response));
    }
  }
}

async function problem(response) {
  const { detail } = await response.json().catch(() => ({}));
  return typeof detail === "string" ? detail : `the server answered ${response.status}`;
}

/** Replace pictures in base64 by blobs. */
function decoded(bundle) {
  const pictures = ["image", "mask", "confidence"].map((key) => {
    const bytes = Uint8Array.from(atob(bundle[key]), (letter) => letter.charCodeAt(0));
    return [key, new Blob([bytes], { type: "image/png" })];
  });
  return { ...bundle, ...Object.fromEntries(pictures) };
}
