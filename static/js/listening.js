// What searches find: the list is fetched again when something was found, or somebody else has decided about a post.
import { htmx } from "./htmx.js";
import { seldom } from "./seldom.js";

const list = () => document.getElementById("listening");

/** Somebody stands on a button of it: it waits until they have left. @param {HTMLElement} shown */
const isInUse = (shown) => shown.querySelector(":focus-visible") !== null;

let waits = false;

const refresh = seldom(() => {
  const shown = list();
  if (!shown) return;
  waits = isInUse(shown);
  if (!waits) htmx.trigger(shown, "refresh");
});

document.addEventListener("hark:event", (event) => {
  if (list() && /** @type {CustomEvent} */ (event).detail.kind === "hits") refresh();
});
document.addEventListener("hark:resync", () => list() && refresh());
document.addEventListener("focusout", (event) => {
  if (waits && list()?.contains(/** @type {Node} */ (event.target))) refresh();
});
