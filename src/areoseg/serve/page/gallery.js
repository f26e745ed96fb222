/** The gallery of all images: cards, progress, sorting and a filter. */

import { byId, element, percent, placeText, plural } from "./dom.js";
import { Layers, overlayPicture } from "./layers.js";

const THUMBNAIL = 320;
const NUMBERS = { numeric: true, sensitivity: "base" };
const OPACITY = 0.45;

export class Gallery {
  #cards = new Map();
  #thumbnails = new Map();
  #work = Promise.resolve();

  /**
   * @param {import("./images.js").Images} images
   * @param {import("./types.js").Model[]} models
   * @param {(entry: import("./images.js").Entry) => void} open Called with the chosen image.
   */
  constructor(images, models, open) {
    Object.assign(this, { images, open, models: new Map(models.map((model) => [model.name, model])) });
    this.model = models[0].name;
    this.form = byId("gallery-controls");
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", () => this.arrange());
    byId("cards").addEventListener("click", (event) => {
      const card = event.target.closest("li");
      const found = images.entries.find(({ id }) => String(id) === card?.dataset.id);
      if (found) open(found);
    });
    images.addEventListener("change", ({ detail }) => this.#changed(detail));
    this.#fillSorts(models[0]);
  }

  /** Show the results of another model. */
  useModel(name) {
    this.model = name;
    for (const entry of this.images.entries) this.#update(entry);
    this.arrange();
  }

  /** Mark the image that is shown above. */
  setCurrent(entry) {
    for (const [id, card] of this.#cards) {
      card.querySelector("button").setAttribute("aria-current", String(id === entry?.id));
    }
  }

  /** The images in the order of the gallery. @returns {import("./images.js").Entry[]} */
  visible() {
    const { sort, text } = this.form.elements;
    const words = text.value.trim().toLowerCase();
    const order = ORDERS[sort.value] ?? byShare(sort.value.replace("share ", ""));
    const resultOf = (entry) => entry.results.get(this.model);
    return this.images.entries
      .filter((entry) => matches(entry, resultOf(entry), words))
      .sort((a, b) => order(a, b, resultOf) || a.id - b.id);
  }

  /** Put the cards in order. */
  arrange() {
    const visible = this.visible();
    const cards = visible.map((entry) => this.#cards.get(entry.id));
    const list = byId("cards");
    if (cards.some((card, index) => list.children[index] !== card) || list.children.length !== cards.length) {
      list.replaceChildren(...cards);
    }
    const total = this.images.entries.length;
    byId("gallery").hidden = total < 2;
    byId("standing").textContent = visible.length === total
      ? plural(total, "image")
      : `${visible.length} of ${plural(total, "image")}`;
  }

  #changed(entry) {
    if (entry) {
      this.#update(entry);
    } else {
      for (const each of this.images.entries) {
        if (!this.#cards.has(each.id)) this.#cards.set(each.id, makeCard(each));
        this.#update(each);
      }
    }
    this.#showProgress();
    const sorted = this.form.elements.sort.value !== "order" || this.form.elements.text.value;
    if (!entry || sorted) this.arrange();
  }

  #showProgress() {
    const { waiting, running, done, failed, stopped } = this.images.counts();
    const total = this.images.entries.length;
    const busy = waiting + running > 0;
    Object.assign(byId("progress"), { max: Math.max(1, total), value: done + failed, hidden: !busy });
    const parts = [`${done} of ${plural(total, "image")} done`];
    if (failed) parts.push(`${failed} failed`);
    if (stopped) parts.push(`${stopped} stopped`);
    byId("progress-text").textContent = parts.join(", ");
    byId("stop").hidden = !busy;
    byId("resume").hidden = busy || failed + stopped === 0;
  }

  #update(entry) {
    const card = this.#cards.get(entry.id);
    const result = entry.results.get(this.model);
    card.className = result?.warnings.length || entry.status === "failed" ? "card warned" : "card";
    card.querySelector(".facts").textContent = result ? factsOf(result) : STATUS[entry.status];
    const warnings = entry.status === "failed" ? [entry.error] : result?.warnings ?? [];
    card.querySelector(".warnings").replaceChildren(...warnings.map((text) => element("b", {}, text)));
    if (!result) return;
    card.querySelector(".bar").replaceChildren(...barOf(result));
    const key = `${entry.id} ${this.model}`;
    if (this.#thumbnails.has(card) && this.#thumbnails.get(card) === key) return;
    this.#thumbnails.set(card, key);
    this.#work = this.#work.then(() => this.#drawThumbnail(card, entry, result)).catch(() => {});
  }

  /** Draw the picture of a card; one at a time, since each decodes a whole image. */
  async #drawThumbnail(card, entry, result) {
    const layers = await Layers.load(result, this.models.get(result.model).outlined);
    layers.color(entry.edits.get(result.model)?.mask ?? layers.mask, new Set());
    const canvas = overlayPicture(layers, OPACITY, true, THUMBNAIL);
    layers.bitmap.close();
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
    const picture = card.querySelector("img");
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(blob);
    picture.hidden = false;
  }

  /** Draw the picture of a card again, after a correction. */
  redraw(entry) {
    this.#thumbnails.delete(this.#cards.get(entry.id));
    this.#update(entry);
  }

  #fillSorts(model) {
    const terrain = model.names.filter((_, index) => index !== model.background_index);
    const options = terrain.map((name) => element("option", { value: `share ${name}` }, `most ${name}`));
    this.form.elements.sort.append(...options);
  }
}

const STATUS = {
  waiting: "waiting", running: "segmenting…", done: "", failed: "failed", stopped: "stopped",
};

const last = (value) => value ?? Infinity;
const ORDERS = {
  order: () => 0,
  name: (a, b) => a.name.localeCompare(b.name, undefined, NUMBERS),
  warning: (a, b, resultOf) =>
    (resultOf(b)?.warnings.length ?? 0) - (resultOf(a)?.warnings.length ?? 0),
  confidence: (a, b, resultOf) =>
    compared(last(resultOf(a)?.mean_confidence), last(resultOf(b)?.mean_confidence)),
  sol: (a, b, resultOf) => compared(last(resultOf(a)?.sol), last(resultOf(b)?.sol)),
};

function byShare(name) {
  return (a, b, resultOf) => (resultOf(b)?.shares[name] ?? -1) - (resultOf(a)?.shares[name] ?? -1);
}

function compared(a, b) {
  return a === b ? 0 : a < b ? -1 : 1;
}

function matches(entry, result, words) {
  const known = ` ${entry.name} ${result ? placeText(result) : ""} ${result?.camera ?? ""} `
    + `${result?.warnings.join(" ") ?? ""} ${entry.status} `;
  // "sol 2" must not find sol 20
  const whole = /(sol|site|drive) \d+$/.test(words) ? `${words} ` : words;
  return known.toLowerCase().replaceAll(",", " ").includes(whole);
}

function makeCard(entry) {
  const picture = element("span", { className: "picture" }, element("img", { alt: "", hidden: true }));
  const texts = ["bar", "name", "facts", "warnings"].map((className) => element("span", { className }));
  texts[0].setAttribute("aria-hidden", "true");
  texts[1].textContent = entry.name;
  const card = element("li", { className: "card" }, element("button", { type: "button" }, picture, ...texts));
  card.dataset.id = entry.id;
  return card;
}

function factsOf(result) {
  const shares = Object.entries(result.shares)
    .filter(([, share]) => share >= 0.0005)
    .sort(([, a], [, b]) => b - a)
    .map(([name, share]) => `${name} ${percent(share)}`);
  const confidence = result.mean_confidence === null ? "–" : result.mean_confidence.toFixed(2);
  return [placeText(result), shares.join(", ") || "no ground", `confidence ${confidence}`]
    .filter(Boolean).join(" · ");
}

function barOf(result) {
  return Object.entries(result.shares).map(([name, share]) => {
    const part = element("i");
    part.style.width = `${100 * (share ?? 0)}%`;
    part.style.background = result.colors[result.names.indexOf(name)];
    return part;
  });
}
