"use strict";
// The gallery of predictions: cards, sorting, filters, a detail view and the keyboard.

const { colors, images } = JSON.parse(document.getElementById("gallery").textContent);
const form = document.getElementById("controls");
const controls = form.elements;
const list = document.getElementById("cards");
const standing = document.getElementById("standing");
const detail = document.getElementById("detail");
const template = document.getElementById("card").content.firstElementChild;
const ground = TERRAIN.map((name) => colors[CLASSES.indexOf(name)]);
let visible = [];
let opened = -1; // position in `visible` of the image in the detail view

const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)} %`);

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

// ------------------------------------------------------------------- pictures

function picture(source, className, text) {
  const made = element("img", className);
  made.src = source;
  made.alt = text;
  made.decoding = "async";
  return made;
}

function layers(entry, view) {
  if (view === "certainty") return [picture(entry.certainty, "plain", `confidence of ${entry.name}`)];
  const gray = picture(entry.image, "gray", `${view} of ${entry.name}`);
  return view === "image" ? [gray] : [gray, picture(entry.mask, "mask", "")];
}

function placeText(entry) {
  return ["sol", "site", "drive"]
    .filter((key) => entry[key] !== null)
    .map((key) => `${key} ${entry[key]}`)
    .join(", ");
}

function bar(entry) {
  return entry.shares.map((share, index) => {
    const part = element("i", "");
    part.style.width = `${100 * (share ?? 0)}%`;
    part.style.background = ground[index];
    return part;
  });
}

// ---------------------------------------------------------------------- cards

const cards = images.map((entry, order) => {
  const card = template.cloneNode(true);
  const part = (selector) => card.querySelector(selector);
  const largest = entry.shares
    .map((share, index) => [share ?? 0, TERRAIN[index]])
    .filter(([share]) => share >= 0.0005)
    .sort((a, b) => b[0] - a[0])
    .map(([share, name]) => `${name} ${percent(share)}`);
  part(".name").textContent = entry.name;
  part(".facts").textContent = [
    placeText(entry),
    largest.join(", ") || "no ground",
    `background ${percent(entry.background)}`,
    `confidence ${entry.confidence === null ? "–" : entry.confidence.toFixed(2)}`,
    `scale ${entry.scale}`,
  ].filter(Boolean).join(" · ");
  part(".bar").append(...bar(entry));
  part(".warnings").append(...entry.warnings.map((kind) => element("b", "", kind)));
  card.classList.toggle("warned", entry.warnings.length > 0);
  part("button").addEventListener("click", () => open(visible.indexOf(order)));
  return card;
});

// The brightest pixels of dark images become nearly white, as one gain per image.
function gainOf(image) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 48;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, 48, 48);
  const levels = context.getImageData(0, 0, 48, 48).data.filter((_, index) => index % 4 === 0);
  const bright = [...levels].sort((a, b) => a - b)[Math.floor(0.99 * levels.length)];
  return Math.min(6, Math.max(1, 235 / Math.max(1, bright)));
}

function brighten(parts, entry) {
  const gray = parts.find((part) => part.className === "gray");
  if (!gray) return;
  const apply = () => {
    entry.gain ??= gainOf(gray);
    gray.style.setProperty("--gain", entry.gain);
  };
  if (entry.gain) apply();
  else gray.addEventListener("load", apply, { once: true });
}

function fill(order) {
  const view = controls.view.value;
  const place = cards[order].querySelector(".picture");
  if (place.dataset.view === view) return;
  place.dataset.view = view;
  const parts = layers(images[order], view);
  brighten(parts, images[order]);
  place.replaceChildren(...parts);
}

const watcher = new IntersectionObserver(
  (seen) => {
    for (const { isIntersecting, target } of seen) {
      if (isIntersecting) fill(cards.indexOf(target));
    }
  },
  { rootMargin: "600px" },
);

// ----------------------------------------------------------- sorting, filters

const NUMBERS = { numeric: true, sensitivity: "base" };
const last = (value) => value ?? Infinity;
const ORDERS = {
  order: (a, b) => a - b,
  name: (a, b) => images[a].name.localeCompare(images[b].name, undefined, NUMBERS),
  warning: (a, b) => images[b].warnings.length - images[a].warnings.length,
  background: (a, b) => images[b].background - images[a].background,
  confidence: (a, b) => last(images[a].confidence) - last(images[b].confidence),
  sol: (a, b) => (images[a].sol === images[b].sol ? 0 : last(images[a].sol) - last(images[b].sol)),
};

function compare(a, b) {
  const [kind, index] = controls.sort.value.split(" ");
  const by = kind === "share"
    ? (images[b].shares[index] ?? -1) - (images[a].shares[index] ?? -1)
    : ORDERS[kind](a, b);
  return by || a - b;
}

function passes(entry) {
  const { warning, text } = controls;
  const wanted = warning.value;
  const warned = entry.warnings.length > 0;
  if (wanted === "none" && warned) return false;
  if (wanted === "any" && !warned) return false;
  if (wanted.startsWith("is ") && !entry.warnings.includes(wanted.slice(3))) return false;
  const known = ` ${entry.name} ${placeText(entry)} ${entry.camera ?? ""} ${entry.warnings.join(" ")} `;
  const words = text.value.trim().toLowerCase();
  // "sol 2" must not find sol 20
  return known.toLowerCase().replaceAll(",", " ").includes(/ \d+$/.test(` ${words}`) ? `${words} ` : words);
}

function show() {
  visible = images.map((_, order) => order).filter((order) => passes(images[order])).sort(compare);
  list.replaceChildren(...visible.map((order) => cards[order]));
  if (!visible.length) list.append(element("li", "none", "No image passes the filters."));
  standing.textContent = visible.length === images.length
    ? `${images.length} images`
    : `${visible.length} of ${images.length} images`;
  watcher.disconnect();
  for (const order of visible) watcher.observe(cards[order]);
}

function setOpacity(value) {
  controls.opacity.value = value;
  form.querySelector(".opacity output").textContent = `${controls.opacity.value} %`;
  document.body.style.setProperty("--opacity", controls.opacity.value / 100);
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", (event) => {
  const { name } = event.target;
  if (name === "opacity") setOpacity(event.target.value);
  else if (name === "brighten") document.body.classList.toggle("brighten", event.target.checked);
  else show();
});

// --------------------------------------------------------------------- detail

function row(cells, tag = "td") {
  const made = element("tr", "");
  made.append(...cells.map((cell, index) => element(index ? tag : "th", index ? "number" : "", cell)));
  return made;
}

function table(rows, header) {
  const made = element("table", "");
  if (header) {
    const head = element("thead", "");
    head.append(row(header, "th"));
    made.append(head);
  }
  const body = element("tbody", "");
  body.append(...rows.map((cells) => row(cells)));
  made.append(body);
  return made;
}

function open(position) {
  if (position < 0 || position >= visible.length) return;
  opened = position;
  const entry = images[visible[position]];
  document.getElementById("title").textContent = entry.name;
  const trio = ["image", "overlay", "certainty"].map((view) => {
    const figure = element("figure", view);
    const place = element("div", "picture");
    const parts = layers(entry, view);
    brighten(parts, entry);
    place.append(...parts);
    figure.append(place, element("figcaption", "", view === "certainty" ? "confidence" : view));
    return figure;
  });
  detail.querySelector(".trio").replaceChildren(...trio);
  const shares = entry.shares.map((share, index) => [
    TERRAIN[index], percent(share), `${percent(entry.low[index])} to ${percent(entry.high[index])}`,
  ]);
  const facts = [
    ["warnings", entry.warnings.join(", ") || "none"],
    ["ground, background, no data", [entry.ground, entry.background, entry.nodata].map(percent).join(", ")],
    ["mean confidence", entry.confidence === null ? "–" : entry.confidence.toFixed(3)],
    ["size, scale", `${entry.size[1]} x ${entry.size[0]}, ${entry.scale}`],
    ...["mission", "camera", "sol", "site", "drive", "time"]
      .filter((key) => entry[key] !== null)
      .map((key) => [key, String(entry[key])]),
  ];
  const numbers = [table(shares, ["class", "share of ground", "bounds"]), table(facts)];
  detail.querySelector(".numbers").replaceChildren(...numbers);
  if (!detail.open) detail.showModal();
}

detail.addEventListener("click", (event) => {
  const { value } = event.target;
  if (event.target === detail || value === "close") detail.close();
  if (value === "previous") open(opened - 1);
  if (value === "next") open(opened + 1);
});
detail.addEventListener("close", () => cards[visible[opened]]?.querySelector("button").focus());

// ------------------------------------------------------------------- keyboard

function toggleView(view) {
  controls.view.value = controls.view.value === view ? (view === "overlay" ? "image" : "overlay") : view;
  show();
}

function move(step) {
  const current = cards.indexOf(document.activeElement?.closest?.(".card"));
  const at = visible.indexOf(current);
  const next = at < 0 ? 0 : Math.min(visible.length - 1, Math.max(0, at + step));
  cards[visible[next]]?.querySelector("button").focus();
}

function columns() {
  return getComputedStyle(list).gridTemplateColumns.split(" ").length;
}

const KEYS = {
  ArrowRight: () => (detail.open ? open(opened + 1) : move(1)),
  ArrowLeft: () => (detail.open ? open(opened - 1) : move(-1)),
  ArrowDown: () => detail.open || move(columns()),
  ArrowUp: () => detail.open || move(-columns()),
  o: () => toggleView("overlay"),
  c: () => toggleView("certainty"),
  "[": () => setOpacity(Number(controls.opacity.value) - 10),
  "]": () => setOpacity(Number(controls.opacity.value) + 10),
  "/": () => controls.text.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const typing = event.target.matches("input, select");
  if (typing || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});

document.body.classList.add("brighten");
setOpacity(controls.opacity.value);
show();
