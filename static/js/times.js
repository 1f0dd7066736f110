// Relative times and promises tick, and their tooltips tell the exact moment in the reader's own zone.
import { language, word } from "./words.js";

const zone = document.body.dataset.timeZone || undefined;
const exact = new Intl.DateTimeFormat(language, {
  weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false, timeZone: zone,
});
const SPANS = /** @type {const} */ ([[3_600, 60, "minutes"], [86_400, 3_600, "hours"], [7 * 86_400, 86_400, "days"]]);

/**
 * The same rounding as crm.templatetags.hark.since; null when the server's date stands.
 * @param {number} seconds
 * @param {string} form "" or "ago"
 * @returns {string | null}
 */
function since(seconds, form) {
  const ending = form ? `_${form}` : "";
  if (seconds < 45) return word(`now${ending}`);
  const span = SPANS.find(([limit]) => seconds < limit);
  return span ? word(span[2] + ending, { n: Math.max(1, Math.floor(seconds / span[1])) }) : null;
}

/** @param {HTMLTimeElement} element */
function tick(element) {
  const at = Date.parse(element.dateTime);
  if (Number.isNaN(at)) return;
  const text = since((Date.now() - at) / 1000, element.dataset.relative ?? "");
  if (text !== null && element.textContent !== text) element.textContent = text;
  if (!element.dataset.exact) {
    element.dataset.exact = "yes";
    element.title = `${exact.format(at)} (${zone ?? exact.resolvedOptions().timeZone})`;
  }
}

/**
 * How a promise stands: the same words and rounding as cases.templatetags.promises.
 * @param {HTMLElement} element
 */
function tickPromise(element) {
  const due = Date.parse(element.dataset.due ?? ""), risk = Date.parse(element.dataset.risk ?? ""), now = Date.now();
  if (Number.isNaN(due) || Number.isNaN(risk)) return;
  const state = now > due ? "broken" : now >= risk ? "risk" : "kept";
  const seconds = Math.abs(due - now) / 1000;
  const span = SPANS.find(([limit]) => seconds < limit) ?? SPANS[2];
  const time = word(span[2], { n: Math.max(1, Math.floor(seconds / span[1])) });
  const text = word(`promise_${state}`, { name: element.dataset.promise ?? "", time });
  if (element.textContent !== text) element.textContent = text;
  for (const other of ["kept", "risk", "broken"]) element.classList.toggle(`promise--${other}`, other === state);
  element.title = `${exact.format(due)} (${zone ?? exact.resolvedOptions().timeZone})`;
}

/** @param {HTMLElement} element */
function tickClock(element) {
  const there = new Intl.DateTimeFormat(language, {
    hour: "2-digit", minute: "2-digit", hour12: false, timeZone: element.dataset.clock,
  });
  element.textContent = there.format(Date.now());
}

/** @param {ParentNode} [within] */
export function tickAll(within = document) {
  for (const element of within.querySelectorAll("time[data-relative]")) tick(/** @type {HTMLTimeElement} */ (element));
  for (const element of within.querySelectorAll("[data-due]")) tickPromise(/** @type {HTMLElement} */ (element));
  for (const element of within.querySelectorAll("time[data-clock]")) tickClock(/** @type {HTMLElement} */ (element));
}

tickAll();
setInterval(tickAll, 15_000);
document.addEventListener("htmx:load", (event) => tickAll(/** @type {HTMLElement} */ (event.target)));
document.addEventListener("visibilitychange", () => document.hidden || tickAll());
