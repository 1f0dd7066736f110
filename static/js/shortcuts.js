// The keyboard. A key clicks the element that carries it (data-key), so that there is one way to do a thing.
import { openDialog } from "./menus.js";

const ROW = ".row, tr, [data-row]";
const off = () => document.body.dataset.shortcuts === "off";
let goPressedAt = 0;

/** @param {EventTarget | null} target */
function isField(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), textarea, select"));
}

/** @param {Element} element */
const isShown = (element) => element.checkVisibility() || element.matches(".tab > input");

/**
 * An entry of a closed menu: the menu is opened around it.
 * @param {Element} element
 */
function unfold(element) {
  const menu = element.closest("details.menu:not([open])");
  if (!menu || !isShown(menu)) return false;
  menu.setAttribute("open", "");
  return isShown(element);
}

/**
 * @param {string} selector
 * @returns {boolean} whether there was something to press
 */
function press(selector) {
  const all = [...document.querySelectorAll(selector)];
  const element = all.find(isShown) ?? all.find(unfold);
  if (!(element instanceof HTMLElement)) return false;
  if (isField(element)) {
    element.focus();
    if (element instanceof HTMLInputElement) element.select();
    return true;
  }
  element.click();
  focusWhere(element);
  return true;
}

/** @param {HTMLElement} element */
function focusWhere(element) {
  const place = element.dataset.focus && document.querySelector(element.dataset.focus);
  if (place instanceof HTMLElement) place.focus();
}

/** @param {1 | -1} step */
function moveRow(step) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".row__link, [data-row-link]")].filter(isShown));
  if (!links.length) return;
  const here = document.activeElement?.closest(ROW)?.querySelector(".row__link, [data-row-link]") ?? document.querySelector(".row__link[aria-current]");
  const at = links.findIndex((link) => link === here);
  const next = links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step))];
  next.focus();
  next.closest(ROW)?.scrollIntoView({ block: "nearest" });
}

/**
 * A key of the row one is in (data-row-key): what it does to this row comes before what it does elsewhere.
 * @param {string} key
 */
function pressInRow(key) {
  const button = document.activeElement?.closest(ROW)?.querySelector(`[data-row-key="${CSS.escape(key)}"]`);
  if (!(button instanceof HTMLElement) || !isShown(button)) return false;
  button.click();
  return true;
}

/** What was done last, in a list or as a notice. */
function undo() {
  const last = document.querySelector("[data-latest] [data-undo]") ?? [...document.querySelectorAll("[data-toast] [data-undo]")].pop();
  if (last instanceof HTMLElement) last.click();
}

function chooseRow() {
  const row = document.activeElement?.closest(".row") ?? document.querySelector(".row:has([aria-current])");
  /** @type {HTMLElement | null} */ (row?.querySelector(".row__check"))?.click();
}

/** @type {Record<string, () => void>} */
const KEYS = {
  j: () => moveRow(1),
  k: () => moveRow(-1),
  x: chooseRow,
  u: undo,
  g: () => void (goPressedAt = Date.now()),
  "?": () => openDialog("shortcuts"),
};

/** @param {KeyboardEvent} event */
function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k" && document.getElementById("palette")) {
    event.preventDefault();
    openDialog("palette");
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (event.key === "Escape") {
    if (isField(event.target) && !document.querySelector("dialog[open]")) /** @type {HTMLElement} */ (event.target).blur();
    return;
  }
  if (off() || isField(event.target) || document.querySelector("dialog[open]")) return;
  if (Date.now() - goPressedAt < 1_200 && press(`[data-go="${CSS.escape(event.key)}"]`)) {
    goPressedAt = 0;
    event.preventDefault();
    return;
  }
  if (pressInRow(event.key)) event.preventDefault();
  else if (event.key in KEYS) KEYS[event.key]();
  else if (!press(`[data-key="${CSS.escape(event.key)}"]`)) return;
  event.preventDefault();
}

document.addEventListener("keydown", onKey);

// A click on "Reply" or "Hand over" leads into its field as the key does.
document.addEventListener("change", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.matches(".tab > input[data-focus]") && !matchMedia("(pointer: coarse)").matches) focusWhere(target);
});
