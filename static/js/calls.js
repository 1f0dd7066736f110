// The list of calls: fetched again when something is told of one of them, and as the hours of customers begin and end.
import { htmx } from "./htmx.js";
import { seldom } from "./seldom.js";

const EVERY = 60_000; // ms: calling hours begin on the quarter at the finest
const KINDS = ["calls", "call"];

const list = () => document.getElementById("calls");

/** Somebody plans a call, hands one back, or stands on a field: the list waits. @param {HTMLElement} shown */
const isInUse = (shown) => shown.querySelector("details[open], .call__give, form :focus") !== null;

const refresh = seldom(() => {
  const shown = list();
  if (!shown) return;
  if (isInUse(shown)) waits = true;
  else htmx.trigger(shown, "refresh");
});

let waits = false;
let focused = ""; // the row in which the focus was

document.addEventListener("hark:event", (event) => {
  if (list() && KINDS.includes(/** @type {CustomEvent} */ (event).detail.kind)) refresh();
});
document.addEventListener("hark:resync", () => list() && refresh());
setInterval(() => list() && !document.hidden && refresh(), EVERY);

// What was told while a form stood open is fetched once it is closed.
document.addEventListener("toggle", (event) => {
  const shown = list();
  if (!waits || !shown?.contains(/** @type {Node} */ (event.target)) || isInUse(shown)) return;
  waits = false;
  refresh();
}, true);

// Whoever walks through the rows stays where they are; whoever began to write while it was on its way loses nothing.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  if (detail.target?.id !== "calls") return;
  if (detail.requestConfig?.triggeringEvent?.type === "refresh" && isInUse(detail.target)) {
    detail.shouldSwap = false;
    waits = true;
    return;
  }
  focused = document.activeElement?.closest("#calls .call")?.id ?? "";
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.target?.id !== "calls" || !focused) return;
  /** @type {HTMLElement | null} */ (document.getElementById(focused)?.querySelector("[data-row-link]") ?? null)?.focus({ preventScroll: true });
});
