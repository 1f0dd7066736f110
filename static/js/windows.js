// How long a network still takes an answer, here and in rows of the queue. Without scripts the case says until when.
import { word } from "./words.js";

/** @param {number} minutes */
function span(minutes) {
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return word("span_days", { d: Math.floor(hours / 24), h: hours % 24 });
  return hours ? word("span_hours", { h: hours, m: minutes % 60 }) : word("minutes", { n: minutes });
}

/** @param {HTMLElement} element */
function tick(element) {
  const now = Date.now(), closes = Date.parse(element.dataset.closes ?? ""), ends = Date.parse(element.dataset.ends ?? "");
  const says = element.querySelector("[data-window-says]");
  if (!says || Number.isNaN(closes) || Number.isNaN(ends)) return;
  const byPerson = now >= closes, left = Math.floor(((byPerson ? ends : closes) - now) / 60_000);
  const time = span(Math.max(0, left));
  const short = element.dataset.window === "short"; // a row of the queue shows it in the last hours alone
  const text = short ? time : now >= ends ? word("window_shut") : word(byPerson ? "window_person" : "window_open", { time });
  if (says.textContent !== text) says.textContent = text;
  element.classList.toggle("window--person", byPerson);
  element.classList.toggle("window--soon", left < 180);
}

/** @param {ParentNode} [within] */
function tickAll(within = document) {
  for (const element of within.querySelectorAll("[data-window]")) tick(/** @type {HTMLElement} */ (element));
}

tickAll();
setInterval(tickAll, 15_000);
document.addEventListener("htmx:load", (event) => tickAll(/** @type {HTMLElement} */ (event.target)));
