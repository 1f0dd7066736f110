// Templates in the composer: opened by a key, searched and chosen without the mouse.
import { beginWith } from "./composer.js";

/** @param {Element} within */
const search = (within) => /** @type {HTMLInputElement | null} */ (within.querySelector("[data-picker-search]"));

/** @param {Element} within */
const items = (within) => /** @type {HTMLElement[]} */ ([...within.querySelectorAll("[data-picker-item]")]);

/** @param {Element} picker */
const area = (picker) => /** @type {HTMLTextAreaElement | null} */ (picker.closest(".composer")?.querySelector("#reply-text") ?? null);

/** @param {Element} item */
function choose(item) {
  const picker = item.closest("[data-picker]");
  const place = picker && area(picker);
  if (!place) return;
  picker.removeAttribute("open");
  beginWith(place, item.querySelector("[data-picker-text]")?.textContent ?? "");
}

/**
 * @param {Element} picker
 * @param {1 | -1} step
 */
function move(picker, step) {
  const all = items(picker);
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + step;
  (at < 0 ? search(picker) : all[Math.min(at, all.length - 1)])?.focus();
}

document.addEventListener("toggle", (event) => {
  const picker = /** @type {Element} */ (event.target);
  if (picker instanceof HTMLDetailsElement && picker.matches("[data-picker]") && picker.open) search(picker)?.focus();
}, true);

document.addEventListener("click", (event) => {
  const open = document.querySelector("[data-picker][open]");
  if (open && !open.contains(/** @type {Element} */ (event.target))) open.removeAttribute("open");
  const item = /** @type {Element} */ (event.target).closest("[data-picker-item]");
  if (!item || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(item);
});

document.addEventListener("keydown", (event) => {
  const picker = /** @type {Element} */ (event.target).closest("[data-picker][open]");
  if (!picker) return;
  if (event.key === "ArrowDown") move(picker, 1);
  else if (event.key === "ArrowUp") move(picker, -1);
  else if (event.key === "Enter" && event.target === search(picker)) items(picker)[0]?.click();
  else if (event.key === "Escape") {
    picker.removeAttribute("open");
    area(picker)?.focus();
  } else return;
  event.preventDefault();
});
