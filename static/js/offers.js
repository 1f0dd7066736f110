// What is offered to me, above the list: it comes, and goes when somebody took it, by itself.
import { htmx } from "./htmx.js";

const PAUSE = 300; // ms in which several events about one change come
let timer = 0;

const box = () => document.querySelector("#offers[hx-get]");

/** Fetch the cards anew, once for what comes together. */
function refresh() {
  if (timer || !box()) return;
  timer = setTimeout(() => {
    timer = 0;
    const shown = box();
    if (shown) htmx.trigger(shown, "refresh");
  }, PAUSE);
}

document.addEventListener("hark:event", (event) => {
  const { kind, data } = /** @type {CustomEvent} */ (event).detail;
  const isShown = kind === "case" && data.owner_id !== null && box()?.querySelector(`[data-offer="${CSS.escape(String(data.id))}"]`);
  if (kind === "offer" || isShown) refresh();
});

document.addEventListener("hark:resync", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.startsWith("user:")) refresh();
});

// an answer given here, or in the case, when no event reaches this page
document.addEventListener("htmx:afterRequest", (event) => {
  const path = /** @type {CustomEvent} */ (event).detail.requestConfig?.path ?? "";
  if (/\/queue\/(next|offers\/\d+\/\w+)\/$/.test(path)) refresh();
});
