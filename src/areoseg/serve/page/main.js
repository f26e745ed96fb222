/** The page: it connects the images, the stage, the panel, the painter and the gallery. */

import { announce, byId, element, plural, showNotice } from "./dom.js";
import { downloadResult, downloadTable, maskPng } from "./exports.js";
import { chosenFiles, droppedFiles } from "./files.js";
import { Gallery } from "./gallery.js";
import { Images } from "./images.js";
import { connectCrosshair, connectShortcuts, zoomAtCrosshair } from "./keyboard.js";
import { connectToolbar, Painter } from "./painter.js";
import { fillLegend, fillPanel, withCorrection } from "./panel.js";
import { Stage } from "./stage.js";

const controls = byId("controls").elements;
const backend = await openBackend();
const models = await backend.models();
const images = new Images(backend);
const painter = new Painter();
const stage = new Stage(images, models, painter);
const gallery = new Gallery(images, models, show);

async function openBackend() {
  try {
    const { openBackend: open } = await import(`./backend-${document.documentElement.dataset.backend}.js`);
    return await open();
  } catch (error) {
    showNotice(`The page cannot start: ${error.message}`);
    throw error;
  }
}

// --------------------------------------------------------------------- images

function addFiles(files, what = "file") {
  if (!files.length) {
    showNotice(`No image was found: the ${what} has no file that this page can read.`);
    return;
  }
  showNotice("");
  const added = images.add(files);
  byId("workbench").hidden = false;
  document.body.classList.add("has-images");
  announce(`${plural(added.length, "image")} added`);
  show(added[0]);
}

async function show(entry) {
  gallery.setCurrent(entry);
  byId("title").textContent = entry?.name ?? "";
  fillPanel(null);
  await stage.open(entry, [controls.model.value, controls.compare.value].filter(Boolean));
}

/** Show the next or previous image in the order of the gallery. */
function step(offset) {
  const visible = gallery.visible();
  const next = visible[visible.indexOf(stage.entry) + offset];
  if (next) show(next);
}

function updatePanel() {
  const { result } = stage;
  fillPanel(result && withCorrection(result, stage.editOf(stage.main)));
}

stage.addEventListener("open", ({ detail: pane }) => {
  if (pane !== stage.main) return;
  updatePanel();
  byId("saved").textContent = "";
  if (stage.result) announce(`${stage.result.name} segmented`);
});

const timer = { redraw: 0 };
painter.addEventListener("change", () => {
  updatePanel();
  clearTimeout(timer.redraw);
  const { entry } = stage;
  if (entry?.edits.size) timer.redraw = setTimeout(() => gallery.redraw(entry), 400);
});

// ----------------------------------------------------------------------- open

byId("promise").textContent = backend.promise;
byId("files").accept = backend.accept;
for (const id of ["files", "folder"]) {
  byId(id).addEventListener("change", ({ target }) =>
    addFiles(chosenFiles(target, backend.formats), id === "folder" ? "folder" : "selection"));
}
for (const button of document.querySelectorAll("button[data-opens]")) {
  button.addEventListener("click", () => byId(button.dataset.opens).click());
}
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dragging");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", async (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.remove("dragging");
  addFiles(await droppedFiles(event.dataTransfer, backend.formats), "folder");
});

for (const { name, title } of await backend.samples()) {
  const file = backend.sample(name).then((blob) => new File([blob], `${name}.png`, { type: "image/png" }));
  const picture = element("img", { alt: "" });
  file.then((loaded) => { picture.src = URL.createObjectURL(loaded); }, () => {});
  const button = element("button", { type: "button", value: name }, picture, element("span", {}, title));
  button.addEventListener("click", () => attempt(async () => addFiles([await file])));
  byId("samples").append(element("li", {}, button));
}

const suggestions = await backend.suggestions();
byId("suggested").hidden = !suggestions.length;
byId("suggested").textContent = `Open ${plural(suggestions.length, "suggested image")}`;
byId("suggested").addEventListener("click", async () => {
  byId("suggested").hidden = true;
  for (const { name, url } of suggestions) {
    await attempt(async () => { // the next ones are opened even if one was moved
      const file = new File([await backend.suggestion(url)], name);
      if (stage.entry) images.add([file]);
      else addFiles([file]);
    });
  }
});

// ------------------------------------------------------------------- controls

for (const { name } of models) {
  controls.model.append(element("option", {}, name));
  controls.compare.append(element("option", {}, name));
}
byId("compare").hidden = models.length < 2;
fillLegend(models[0], stage.hidden);
fillClasses(models[0]);
images.useModel(models[0].name);

const CONTROLS = {
  view: ({ value }) => { stage.look.view = value; stage.draw(); },
  opacity: ({ value }) => setOpacity(Number(value)),
  brighten: ({ checked }) => { stage.look.brighten = checked; stage.draw(); },
  model: ({ value }) => {
    const model = models.find(({ name }) => name === value);
    stage.hidden.clear();
    fillLegend(model, stage.hidden);
    fillClasses(model);
    images.useModel(value);
    gallery.useModel(value);
    show(stage.entry);
  },
  compare: () => show(stage.entry),
};

byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("controls").addEventListener("input", ({ target }) => CONTROLS[target.name]?.(target));
byId("legend").addEventListener("input", ({ target }) => {
  if (target.checked) stage.hidden.delete(Number(target.value));
  else stage.hidden.add(Number(target.value));
  stage.recolor();
});
byId("downloads").addEventListener("click", ({ target }) => {
  if (target.value) attempt(() => downloadResult(target.value, { stage, backend }));
});
byId("table").addEventListener("click", () => downloadTable(gallery.visible(), controls.model.value));
byId("stop").addEventListener("click", () => images.stop());
byId("resume").addEventListener("click", () => images.resume());
byId("bar").addEventListener("click", ({ target }) => BAR[target.closest("button")?.value]?.());
byId("notice").querySelector("button").addEventListener("click", () => showNotice(""));

const BAR = {
  previous: () => step(-1),
  next: () => step(1),
  in: () => zoomAtCrosshair(stage, 1.5),
  out: () => zoomAtCrosshair(stage, 1 / 1.5),
  fit: () => stage.main.viewer.fit(),
  pixels: () => zoomAtCrosshair(stage, 1 / stage.camera.scale),
};

function setOpacity(value) {
  const opacity = Math.min(100, Math.max(0, value));
  controls.opacity.value = opacity;
  byId("opacity-value").textContent = `${opacity} %`;
  stage.look.opacity = opacity / 100;
  stage.draw();
}

function setView(view) {
  controls.view.value = stage.look.view === view ? (view === "overlay" ? "image" : "overlay") : view;
  CONTROLS.view(controls.view);
}

function fillClasses(model) {
  const options = model.names.map((name, index) => element("option", { value: index }, `${index} ${name}`));
  byId("paint").elements.class.replaceChildren(...options);
  painter.useClass(Math.min(painter.value, model.names.length - 1));
}

// -------------------------------------------------------------------- correct

async function save() {
  const { entry, main, result } = stage;
  if (!stage.editOf(main)?.canUndo) return;
  await attempt(async () => {
    const told = await backend.save(entry.file, result, await maskPng(stage));
    byId("saved").textContent = told;
  });
}

connectToolbar(painter, save);
byId("save").title = backend.saveTitle;

/** Run something that may fail, and show its error. */
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    showNotice(error.message);
  }
}

// ------------------------------------------------------------------- keyboard

const tool = (name) => () => painter.use(painter.tool === name ? "move" : name);
const choose = (value) => () => {
  if (value < (stage.result?.names.length ?? 0)) painter.useClass(value);
};
connectCrosshair(stage, painter);
connectShortcuts({
  o: () => setView("overlay"),
  c: () => setView("confidence"),
  "[": () => setOpacity(Number(controls.opacity.value) - 10),
  "]": () => setOpacity(Number(controls.opacity.value) + 10),
  j: () => step(1),
  k: () => step(-1),
  m: tool("move"),
  b: tool("brush"),
  p: tool("polygon"),
  f: tool("fill"),
  ",": () => painter.useSize(painter.size / 1.25),
  ".": () => painter.useSize(painter.size * 1.25 + 1),
  "Ctrl+z": () => painter.undo(),
  "Ctrl+y": () => painter.redo(),
  "Ctrl+Shift+z": () => painter.redo(),
  "Ctrl+s": save,
  ...Object.fromEntries(Array.from({ length: 10 }, (_, value) => [String(value), choose(value)])),
});

setOpacity(Number(controls.opacity.value));
document.body.dataset.ready = "";
