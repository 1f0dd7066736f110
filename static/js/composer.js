// Where we write: counts as the network counts, sends with Ctrl+Enter, leads from gap to gap, keeps drafts until they are
// sent. The server has each draft a second after the last key; what has not reached it yet stays in this tab.
import { length } from "./counting.js";
import { count as partsOf } from "./cutting.js";
import { word } from "./words.js";

/** @param {HTMLTextAreaElement} area */
function count(area) {
  const limit = Number(area.dataset.limit);
  const counter = area.form?.querySelector("[data-counter]");
  if (!limit || !counter) return;
  const left = limit - length(area.value, area.dataset.counts);
  counter.textContent = left < 0 ? word("over", { n: -left }) : word("left", { n: left });
  const inParts = left < 0 ? offerParts(area, limit) : 0;
  if (left >= 0) area.form?.querySelector("[data-parts]")?.setAttribute("hidden", "");
  if (inParts) counter.textContent = word("posts", { n: inParts });
  counter.toggleAttribute("data-over", left < 0 && !inParts);
  area.setAttribute("aria-invalid", String(left < 0 && !inParts));
  area.setCustomValidity(left < 0 && !inParts ? word("over_limit", { n: -left }) : "");
}

/**
 * What is too long may leave as several posts, where the network has threads of them.
 * @param {HTMLTextAreaElement} area
 * @param {number} limit
 * @returns {number} in how many, where that was chosen; else 0
 */
function offerParts(area, limit) {
  const offer = area.form?.querySelector("[data-parts]");
  const chosen = /** @type {HTMLInputElement | null | undefined} */ (offer?.querySelector("[data-in-parts]"));
  if (!offer || !chosen) return 0;
  const numbered = /** @type {HTMLInputElement | null} */ (offer.querySelector("[data-numbered]"));
  const n = partsOf(area.value.trim(), limit, area.dataset.counts, numbered?.checked ?? false);
  offer.removeAttribute("hidden");
  const says = offer.querySelector("[data-parts-says]");
  if (says) says.textContent = n ? word("parts", { n }) : word("parts_not");
  chosen.disabled = !n;
  return chosen.checked ? n : 0;
}

document.addEventListener("change", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || !box.closest("[data-parts]")) return;
  const area = box.form?.querySelector("textarea[data-limit]");
  if (area instanceof HTMLTextAreaElement) count(area);
});

// --- drafts: one per case and kind

/** @param {HTMLElement} area */
const draftKey = (area) => `hark-draft-${area.dataset.draft}-${area.id}`;

/** @param {HTMLTextAreaElement} area */
function keep(area) {
  if (area.value.trim()) sessionStorage.setItem(draftKey(area), area.value);
  else sessionStorage.removeItem(draftKey(area));
}

/** @param {HTMLTextAreaElement} area */
function restore(area) {
  const draft = sessionStorage.getItem(draftKey(area));
  if (area.dataset.fresh) selectGap(area, 0);
  else if (draft) area.value = draft; // newer than what the server has: it goes when it has arrived there
  count(area);
}

/** @param {ParentNode} within */
function restoreAll(within) {
  for (const area of within.querySelectorAll("textarea[data-draft]")) restore(/** @type {HTMLTextAreaElement} */ (area));
}

document.addEventListener("input", (event) => {
  const area = event.target;
  if (!(area instanceof HTMLTextAreaElement) || !area.dataset.draft) return;
  keep(area);
  count(area);
  if (area.value) document.dispatchEvent(new CustomEvent("hark:typing", { detail: Number(area.dataset.typing) }));
});

document.addEventListener("keydown", (event) => {
  const area = event.target;
  if (!(area instanceof HTMLTextAreaElement) || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  area.form?.requestSubmit();
});

// --- gaps: [[what only a person can say]]

const GAP = /\[\[[\s\S]*?\]\]/g;

/**
 * Choose the next gap at or after `from`, so that typing replaces it.
 * @param {HTMLTextAreaElement} area
 * @param {number} from
 * @returns {boolean} whether there is one
 */
function selectGap(area, from) {
  const next = [...area.value.matchAll(GAP)].find((gap) => gap.index >= from);
  if (!next) return false;
  area.focus();
  area.setSelectionRange(next.index, next.index + next[0].length);
  return true;
}

/**
 * Begin with a template: in place of nothing, else where the caret stands.
 * @param {HTMLTextAreaElement} area
 * @param {string} text
 */
export function beginWith(area, text) {
  const start = area.value.trim() ? area.selectionStart : 0;
  area.setRangeText(text, start, area.value.trim() ? area.selectionEnd : area.value.length, "end");
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
  selectGap(area, start);
}

// Tab leads to the next gap; behind the last it leaves the field as ever.
document.addEventListener("keydown", (event) => {
  const area = event.target;
  if (!(area instanceof HTMLTextAreaElement) || !area.dataset.draft || event.key !== "Tab" || event.shiftKey) return;
  if (selectGap(area, area.selectionEnd)) event.preventDefault();
});

/** @param {Element | null | undefined} form */
function forget(form) {
  for (const area of form?.querySelectorAll("textarea[data-draft]") ?? []) {
    sessionStorage.removeItem(draftKey(/** @type {HTMLElement} */ (area)));
  }
}

// Sent and taken: the draft is done with. A refusal (422) keeps it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = /** @type {CustomEvent} */ (event).detail;
  const form = /** @type {Element | undefined} */ (requestConfig?.elt);
  if (form?.matches("form[data-composer]") && xhr.status < 400) forget(form);
});

// Kept by the server: this tab need not.
document.addEventListener("htmx:afterRequest", (event) => {
  const { successful, requestConfig } = /** @type {CustomEvent} */ (event).detail;
  const area = requestConfig?.elt;
  if (!successful || !(area instanceof HTMLTextAreaElement) || !area.dataset.draft) return;
  if (sessionStorage.getItem(draftKey(area)) === requestConfig.parameters.text) sessionStorage.removeItem(draftKey(area));
});

document.addEventListener("htmx:load", (event) => restoreAll(/** @type {HTMLElement} */ (event.target)));
restoreAll(document);
