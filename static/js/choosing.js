// Rows chosen for many at once: counts them, chooses a range with Shift, and keeps them when the list is refreshed.
import { word } from "./words.js";

const boxes = () => /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll(".row__check")]);
/** @type {HTMLInputElement | null} */
let last = null;
/** @type {Set<string>} */
let kept = new Set();

export function showChosen() {
  const count = boxes().filter((box) => box.checked).length;
  for (const label of document.querySelectorAll("[data-chosen]")) label.textContent = word("chosen", { n: count });
}

/** @param {HTMLInputElement} box */
function chooseRange(box) {
  const all = boxes();
  const ends = [all.indexOf(/** @type {HTMLInputElement} */ (last)), all.indexOf(box)].sort((a, b) => a - b);
  if (ends[0] < 0) return;
  for (const one of all.slice(ends[0], ends[1] + 1)) one.checked = box.checked;
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (target.closest("[data-choose-none]")) {
    for (const box of boxes()) box.checked = false;
    showChosen();
  }
  if (!(target instanceof HTMLInputElement) || !target.matches(".row__check")) return;
  if (event.shiftKey && last?.isConnected) chooseRange(target);
  last = target;
  showChosen();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.target?.id !== "rows") return;
  kept = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.target?.id !== "rows") return;
  for (const box of boxes()) if (kept.has(box.value)) box.checked = true;
  showChosen();
});

showChosen();
