// Ctrl K: one field that finds customers, cases and actions. Arrows walk through what was found.
import { htmx } from "./htmx.js";

const palette = () => /** @type {HTMLDialogElement | null} */ (document.getElementById("palette"));
const field = () => /** @type {HTMLInputElement | null} */ (document.getElementById("palette-q"));
const found = () => /** @type {HTMLElement[]} */ ([...(palette()?.querySelectorAll("[data-found]") ?? [])]);

/** @param {1 | -1} step */
function walk(step) {
  const places = [field(), ...found()];
  const at = places.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  places[(at + step + places.length) % places.length]?.focus();
}

document.addEventListener("hark:opened", (event) => {
  const input = field();
  if (event.target !== palette() || !input) return;
  input.select();
  htmx.trigger(input, "find");
});

document.addEventListener("keydown", (event) => {
  if (!palette()?.open) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    walk(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.target !== field() && event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
    field()?.focus(); // typing goes on where it belongs
  }
});

// What was found is replaced while somebody stands in it: back to where they type.
document.addEventListener("htmx:beforeSwap", (event) => {
  const target = /** @type {CustomEvent} */ (event).detail.target;
  if (target?.id === "found" && target.contains(document.activeElement)) field()?.focus();
});

// Enter means the first thing found for what was typed, also when the answer is still on its way.
let answered = ""; // the words that what is shown was found for
let hurried = false;

document.addEventListener("htmx:afterSwap", (event) => {
  const { target, requestConfig } = /** @type {CustomEvent} */ (event).detail;
  if (target?.id !== "found") return;
  answered = requestConfig?.parameters?.q ?? new URL(requestConfig?.path ?? "", location.href).searchParams.get("q") ?? "";
  if (hurried && answered === field()?.value) found()[0]?.click();
});

document.addEventListener("input", (event) => {
  if (event.target === field()) hurried = false;
});

document.addEventListener("submit", (event) => {
  if (!palette()?.contains(/** @type {Node} */ (event.target))) return;
  event.preventDefault();
  if (answered === field()?.value) found()[0]?.click();
  else hurried = true;
});
