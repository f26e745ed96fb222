/** Small helpers for elements and texts. */

/**
 * Create an element.
 * @param {string} tag
 * @param {Object<string, unknown>} [properties] Attributes if they contain a dash or are `role` or
 *   `for`, else properties.
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** The element with this id. @param {string} id */
export const byId = (id) => document.getElementById(id);

/** A share as text. @param {number|null} share */
export const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)} %`);

/** A number and its noun. @param {number} count @param {string} noun */
export const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** Sol, site and drive as text. @param {import("./types.js").Segmentation} result */
export function placeText(result) {
  return ["sol", "site", "drive"]
    .filter((key) => result[key] !== null)
    .map((key) => `${key} ${result[key]}`)
    .join(", ");
}

/** Tell screen readers something. @param {string} text */
export function announce(text) {
  byId("announcement").textContent = text;
}

/** Show an error above the image until it is closed. @param {string} text Empty: hide it. */
export function showNotice(text) {
  byId("notice").hidden = !text;
  byId("notice-text").textContent = text;
}

/**
 * Save a file on the user's computer.
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
