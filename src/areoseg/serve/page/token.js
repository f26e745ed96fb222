/** The token of a service that was started with `--token`, kept until the tab is closed. */

import { byId } from "./dom.js";

const KEY = "areoseg-token";

let asking = null;

/** The token from the address (`#token=...`) or from before, or null. */
export function savedToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY);
}

/**
 * Ask the user for the token.
 * @param {string|null} refused The token that the service refused.
 * @returns {Promise<boolean>} Whether to try again.
 */
export function askToken(refused) {
  if (refused !== sessionStorage.getItem(KEY)) return Promise.resolve(true); // given in the meantime
  asking ??= new Promise((resolve) => {
    const dialog = byId("token-dialog");
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      asking = null;
      const entered = dialog.querySelector("input").value.trim();
      if (dialog.returnValue === "ok" && entered) sessionStorage.setItem(KEY, entered);
      resolve(dialog.returnValue === "ok" && Boolean(entered));
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}
