// What may go wrong with a request: a lost sign-in, a refusal, no connection. Nothing a person wrote is lost by it.
import { say } from "./toasts.js";
import { word } from "./words.js";

const SENTENCES = { 403: "not_allowed", 404: "gone" };

/** @param {string} url */
function leadsToLogin(url) {
  const login = document.body.dataset.login;
  return Boolean(login && url && new URL(url, location.href).pathname === login);
}

/**
 * A refusal that is only a sentence must not replace the panel it was meant for.
 * @param {string} html
 */
function bareRefusal(html) {
  if (!html.includes("data-refusal") || html.includes("id=\"case-pane\"")) return null;
  return new DOMParser().parseFromString(html, "text/html").querySelector("[data-refusal]")?.textContent?.trim() ?? null;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const detail = /** @type {CustomEvent} */ (event).detail;
  if (leadsToLogin(detail.xhr.responseURL)) {
    detail.shouldSwap = false;
    location.reload(); // the login page knows the way back here
    return;
  }
  const refusal = detail.xhr.status === 422 ? bareRefusal(detail.serverResponse) : null;
  if (refusal) {
    detail.shouldSwap = false;
    say(refusal, "error");
  }
});

document.addEventListener("htmx:responseError", (event) => {
  const status = /** @type {CustomEvent} */ (event).detail.xhr.status;
  say(word(SENTENCES[/** @type {403 | 404} */ (status)] ?? "failed"), "error");
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => say(word("unreachable"), "error"));
}
