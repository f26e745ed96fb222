/** The list of images and the queue that segments them. */

/**
 * @typedef {object} Entry An image of the list.
 * @property {number} id
 * @property {string} name File name without folders.
 * @property {File} file
 * @property {"waiting"|"running"|"done"|"failed"|"stopped"} status With the model of the page.
 * @property {string} error
 * @property {Map<string, import("./types.js").Segmentation>} results By model.
 * @property {Map<string, import("./edit.js").Edit>} edits Corrections, by model.
 */

export class Images extends EventTarget {
  /** @type {Entry[]} */
  entries = [];
  #model = "";
  #running = 0;
  #last = 0;
  /** Requests under way, by image and model, so that none is computed twice. */
  #requests = new Map();

  /** @param {import("./types.js").Backend} backend */
  constructor(backend) {
    super();
    this.backend = backend;
  }

  /** Add files to the end of the queue. @param {Iterable<File>} files @returns {Entry[]} */
  add(files) {
    const added = Array.from(files, (file) => ({
      id: ++this.#last,
      name: file.name,
      file,
      status: "waiting",
      error: "",
      results: new Map(),
      edits: new Map(),
    }));
    this.entries.push(...added);
    this.#changed();
    this.#advance();
    return added;
  }

  /** Choose the model that the queue uses; finished images keep their results of others. */
  useModel(name) {
    this.#model = name;
    for (const entry of this.entries) {
      if (entry.status !== "running") entry.status = entry.results.has(name) ? "done" : "waiting";
    }
    this.#changed();
    this.#advance();
  }

  /** Stop: images that wait are no longer segmented. */
  stop() {
    for (const entry of this.entries) if (entry.status === "waiting") entry.status = "stopped";
    this.#changed();
  }

  /** Continue with the images that were stopped or failed. */
  resume() {
    for (const entry of this.entries) {
      if (entry.status === "stopped" || entry.status === "failed") entry.status = "waiting";
    }
    this.#changed();
    this.#advance();
  }

  /** Segment an image before the others; resolves with the result. */
  async segment(entry, model) {
    const known = entry.results.get(model);
    if (known) return known;
    const key = `${entry.id} ${model}`;
    if (!this.#requests.has(key)) {
      const request = this.backend.segment(entry.file, model).finally(() => this.#requests.delete(key));
      this.#requests.set(key, request);
    }
    const result = await this.#requests.get(key);
    entry.results.set(model, result);
    return result;
  }

  /** Numbers of images by status. */
  counts() {
    const counts = { waiting: 0, running: 0, done: 0, failed: 0, stopped: 0 };
    for (const { status } of this.entries) counts[status]++;
    return counts;
  }

  #advance() {
    while (this.#running < this.backend.parallel) {
      const entry = this.entries.find(({ status }) => status === "waiting");
      if (!entry || !this.#model) return;
      this.#run(entry, this.#model);
    }
  }

  async #run(entry, model) {
    this.#running++;
    entry.status = "running";
    entry.error = "";
    this.#changed(entry);
    try {
      await this.segment(entry, model);
      entry.status = model === this.#model ? "done" : "waiting";
    } catch (error) {
      entry.status = "failed";
      entry.error = error.message;
    }
    this.#running--;
    this.#changed(entry);
    this.#advance();
  }

  #changed(entry = null) {
    this.dispatchEvent(new CustomEvent("change", { detail: entry }));
  }
}
