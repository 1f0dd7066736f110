// How a message was read: the newest line answers to a key, opened rows outlive a refresh, and after one is put right
// the next is at hand.
import { htmx } from "./htmx.js";

const LINES = "a.readline__all", CARDS = "[data-to-correct] > [data-row]";

/** The key leads to the newest message of theirs: the others are reached by pointing at them. */
function giveKey() {
  const lines = [...document.querySelectorAll(LINES)];
  for (const line of lines) line.removeAttribute("data-key");
  lines.pop()?.setAttribute("data-key", "i");
}

/** @type {string[]} rows that stood open when the conversation was drawn again */
let open = [];
let at = ""; // where somebody was in them

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = /** @type {CustomEvent} */ (event).detail;
  const rows = target?.matches?.("[data-readings]") ? [target] : target?.id === "conversation" ? [...target.querySelectorAll("[data-readings]")] : [];
  if (!rows.length) return;
  at = rows.some((/** @type {Element} */ each) => each.contains(document.activeElement)) ? document.activeElement?.id ?? "" : "";
  if (target.id === "conversation") open = rows.map((/** @type {Element} */ each) => each.id);
});

/** One is where one was: at the answer that counts now, in the same row. @param {Element} rows */
function takeUp(rows) {
  const here = document.activeElement, before = document.getElementById(at);
  at = "";
  if (here !== document.body && !rows.contains(here)) return;
  const row = (rows.contains(here) ? here : before)?.closest("[data-row]");
  const place = (row && rows.contains(row) ? row : rows).querySelector("[data-row-link]");
  /** @type {HTMLElement | null} */ (place)?.focus({ preventScroll: true });
}

document.addEventListener("htmx:afterSettle", (event) => {
  giveKey();
  const { elt } = /** @type {CustomEvent} */ (event).detail;
  if (elt?.matches?.("[data-readings]")) takeUp(elt);
  if (elt?.id !== "conversation") return;
  for (const id of open.splice(0)) {
    const line = document.getElementById(id)?.querySelector(LINES);
    if (line) htmx.trigger(line, "click");
  }
});

// --- the list to work off: the card that was put right makes way for the next

/** @type {HTMLElement | null} */
let next = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = /** @type {CustomEvent} */ (event).detail;
  if (!target?.matches?.(CARDS)) return;
  next = /** @type {HTMLElement | null} */ (target.contains(document.activeElement) ? target.nextElementSibling : null);
});

document.addEventListener("htmx:afterSettle", (event) => {
  const { elt } = /** @type {CustomEvent} */ (event).detail;
  if (!elt?.matches?.(CARDS) || !elt.hasAttribute("data-decided")) return;
  for (const card of document.querySelectorAll("[data-latest]")) card.removeAttribute("data-latest");
  elt.setAttribute("data-latest", "");
  const card = next ?? elt;
  next = null;
  /** @type {HTMLElement | null} */ (card.querySelector("[data-row-link]"))?.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
});

giveKey();
