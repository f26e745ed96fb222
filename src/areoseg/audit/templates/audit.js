"use strict";
// The page of an audit: galleries by issue, filters, and decisions.

const CARDS = 24; // cards that a gallery adds at a time; pictures are made only when shown
const audit = JSON.parse(document.getElementById("audit").textContent);
const filters = document.getElementById("filters").elements;
const standing = document.getElementById("standing");
const undo = document.getElementById("undo");
const save = document.getElementById("save");

// ------------------------------------------------------------------ decisions

const findingsOf = new Map(); // by index of the sample
for (const finding of audit.findings) {
  if (!findingsOf.has(finding.index)) findingsOf.set(finding.index, []);
  findingsOf.get(finding.index).push(finding);
}
const proposed = new Set(audit.findings.filter((f) => f.action === "reject").map((f) => f.index));
const rejected = new Set(proposed);
const memory = `areoseg audit ${audit.file.fingerprint}`; // decisions survive closing the page

function isChanged(index) {
  return rejected.has(index) !== proposed.has(index);
}

function decide(indices, reject) {
  for (const index of indices) {
    if (reject) rejected.add(index);
    else rejected.delete(index);
  }
  remember();
  showDecisions();
}

function remember() {
  try {
    const changed = [...findingsOf.keys()].filter(isChanged);
    if (changed.length) localStorage.setItem(memory, JSON.stringify(changed));
    else localStorage.removeItem(memory);
  } catch { /* storage is disabled: the button still saves */ }
}

function recall() {
  try {
    for (const index of JSON.parse(localStorage.getItem(memory)) ?? []) {
      if (proposed.has(index)) rejected.delete(index);
      else if (findingsOf.has(index)) rejected.add(index);
    }
  } catch { /* nothing was stored */ }
}

// The content of decisions.json, in the schema of audit.json.
function decisions() {
  const file = { ...audit.file, kind: "decisions", rejected: [], flagged: [], further: [] };
  for (const [index, findings] of [...findingsOf].sort((a, b) => a[0] - b[0])) {
    const reject = rejected.has(index);
    const entries = findings.map((finding) => ({
      ...finding,
      action: reject ? "reject" : "flag",
      reason: isChanged(index)
        ? `${reject ? "rejected" : "kept"} by hand: ${finding.reason}`
        : finding.reason,
    }));
    if (reject) {
      const first = Math.max(0, findings.findIndex((finding) => finding.action === "reject"));
      file.rejected.push(...entries.splice(first, 1));
      file.further.push(...entries);
    } else {
      file.flagged.push(...entries);
    }
  }
  return file;
}

save.addEventListener("click", () => {
  const text = JSON.stringify(decisions(), null, 1) + "\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "decisions.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000); // some browsers read it late
});

undo.addEventListener("click", () => {
  rejected.clear();
  decide(proposed, true);
});

// ---------------------------------------------------------------------- cards

const cardTemplate = document.getElementById("card").content.firstElementChild;

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function scoreText(score) {
  return Number.isInteger(score) || score >= 100 ? score.toFixed(0) : score.toPrecision(3);
}

function makeCard(finding) {
  const card = cardTemplate.cloneNode(true);
  const sample = audit.pictures[`labeled ${finding.index}`];
  const other = finding.other && audit.pictures[`${finding.other.part} ${finding.other.index}`];
  const pictures = card.querySelector(".pictures");
  const box = card.querySelector("input");
  card.dataset.index = finding.index;
  card.querySelector(".name").textContent = finding.name;
  card.querySelector(".number").textContent = `no. ${finding.index}`;
  card.querySelector(".score").textContent = scoreText(finding.score);
  card.querySelector(".why").textContent = finding.reason;
  box.setAttribute("aria-label", `reject ${finding.name}`);
  box.addEventListener("change", () => decide([finding.index], box.checked));
  if (sample) pictures.append(...makePictures(sample, finding.name, finding.region));
  if (sample && other) {
    pictures.append(element("p", "other", `compared with ${finding.other.name}:`));
    pictures.append(...makePictures(other, finding.other.name, null));
  }
  card.classList.toggle("worded", !sample);
  for (const also of findingsOf.get(finding.index)) {
    if (also !== finding) {
      const text = `also ${also.issue}, ${scoreText(also.score)}: ${also.reason}`;
      card.querySelector(".also").append(element("li", "", text));
    }
  }
  return card;
}

// Image, mask, and the mask laid over the image.
function makePictures(sample, name, region) {
  const layers = sample.mask
    ? { image: [sample.image], mask: [sample.mask], overlay: [sample.image, sample.mask] }
    : { image: [sample.image] };
  return Object.entries(layers).map(([what, sources]) => {
    const figure = element("figure", what);
    const frame = element("div", "frame");
    figure.append(frame, element("figcaption", "", what));
    sources.forEach((source, layer) => {
      const picture = element("img", source === sample.mask ? "crisp" : "smooth");
      picture.src = source;
      picture.style.setProperty("--gain", sample.gain);
      picture.alt = layer ? "" : `${what} of ${name}`;
      frame.append(picture);
    });
    if (region) {
      const [height, width] = sample.size;
      const [top, left, bottom, right] = region;
      const box = element("div", "region");
      box.style.inset =
        `${(100 * top) / height}% ${100 - (100 * right) / width}% ` +
        `${100 - (100 * bottom) / height}% ${(100 * left) / width}%`;
      frame.append(box);
    }
    return figure;
  });
}

// ------------------------------------------------------------------ galleries

function passes(finding) {
  const { index, name } = finding;
  const reject = rejected.has(index);
  const decisionPasses = {
    "": true, reject, keep: !reject, changed: isChanged(index),
  }[filters.decision.value];
  return (
    decisionPasses &&
    (!filters.class.value || audit.classes[index].includes(Number(filters.class.value))) &&
    name.toLowerCase().includes(filters.name.value.trim().toLowerCase())
  );
}

function makeGallery(details) {
  const findings = audit.findings
    .filter((finding) => finding.issue === details.dataset.issue)
    .sort((a, b) => b.score - a.score || a.index - b.index);
  const [highest, lowest] = [findings[0].score, findings.at(-1).score];
  const part = (selector) => details.querySelector(selector);
  const [slider, least, cards, more] = [".least input", ".least output", ".cards", ".more"].map(part);
  part(".least").hidden = highest === lowest;
  let visible = findings;
  let shown = CARDS;

  function show() {
    const bound = lowest + (slider.value / 100) * (highest - lowest);
    const { issue } = filters;
    details.hidden = Boolean(issue.value) && issue.value !== details.dataset.issue;
    visible = findings.filter((finding) => finding.score >= bound - 1e-9 && passes(finding));
    least.textContent = scoreText(bound);
    const all = findings.length;
    part(".many").textContent = visible.length === all ? `${all}` : `${visible.length} of ${all}`;
    for (const button of details.querySelectorAll(".bulk button")) {
      button.textContent = `${button.value === "reject" ? "Reject" : "Keep"} these ${visible.length}`;
      button.disabled = !visible.length;
    }
    if (!details.open || details.hidden) return;
    cards.replaceChildren(...visible.slice(0, shown).map(makeCard));
    if (!visible.length) cards.append(element("li", "none", "No finding passes the filters."));
    more.hidden = visible.length <= shown;
    more.textContent = `Show more: ${visible.length - shown} left`;
    showDecisions();
  }

  function addMore() {
    const added = visible.slice(shown, shown + CARDS).map(makeCard);
    shown += CARDS;
    cards.append(...added);
    more.hidden = visible.length <= shown;
    more.textContent = `Show more: ${visible.length - shown} left`;
    showDecisions();
    added[0].querySelector("input").focus({ preventScroll: true });
  }

  function filter() {
    shown = CARDS;
    show();
  }

  details.addEventListener("toggle", show);
  slider.addEventListener("input", filter);
  more.addEventListener("click", addMore);
  for (const button of details.querySelectorAll(".bulk button")) {
    button.addEventListener("click", () => {
      decide(visible.map((finding) => finding.index), button.value === "reject");
    });
  }
  return { details, filter };
}

// Ticks and counts everywhere: a sample may have a card in several galleries.
function showDecisions() {
  for (const card of document.querySelectorAll(".card")) {
    const index = Number(card.dataset.index);
    card.querySelector("input").checked = rejected.has(index);
    card.classList.toggle("rejected", rejected.has(index));
    card.classList.toggle("changed", isChanged(index));
  }
  const changed = [...findingsOf.keys()].filter(isChanged).length;
  standing.textContent = `${rejected.size} rejected` + (changed ? `, ${changed} changed by you` : "");
  undo.hidden = !changed;
}

const galleries = [...document.querySelectorAll(".gallery")].map(makeGallery);

function filterAll() {
  for (const gallery of galleries) gallery.filter();
}

document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("filters").addEventListener("input", () => {
  for (const { details } of galleries) {
    if (details.dataset.issue === filters.issue.value) details.open = true;
  }
  filterAll();
});
recall();
filterAll();
