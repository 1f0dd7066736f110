// Where we write: counts characters as people see them, sends with Ctrl+Enter, keeps drafts until they are sent.
import { word } from "./words.js";

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** @param {string} text */
function graphemes(text) {
  let count = 0;
  for (const _ of segmenter.segment(text)) count += 1;
  return count;
}

/** @param {HTMLTextAreaElement} area */
function count(area) {
  const limit = Number(area.dataset.limit);
  const counter = area.form?.querySelector("[data-counter]");
  if (!limit || !counter) return;
  const left = limit - graphemes(area.value);
  counter.textContent = left < 0 ? word("over", { n: -left }) : word("left", { n: left });
  counter.toggleAttribute("data-over", left < 0);
  area.setAttribute("aria-invalid", String(left < 0));
  area.setCustomValidity(left < 0 ? word("over_limit", { n: -left }) : "");
}

// --- drafts: one per case and kind, in this tab only

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
  if (draft && !area.value) area.value = draft;
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

/** @param {Element | null | undefined} form */
function forget(form) {
  for (const area of form?.querySelectorAll("textarea[data-draft]") ?? []) {
    sessionStorage.removeItem(draftKey(/** @type {HTMLElement} */ (area)));
  }
}

// Sent and taken: the draft is done with. A refusal (422) keeps it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = /** @type {CustomEvent} */ (event).detail;
  const form = /** @type {Element | undefined} */ (requestConfig?.elt)?.closest("form[data-composer]");
  if (form && xhr.status < 400) forget(form);
});

document.addEventListener("htmx:load", (event) => restoreAll(/** @type {HTMLElement} */ (event.target)));
restoreAll(document);
