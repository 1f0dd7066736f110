// The page of an improvement: how many have been told is asked for again when that moves.
import { htmx } from "./htmx.js";
import { seldom } from "./seldom.js";

const part = () => document.getElementById("telling");

const refresh = seldom(() => {
  const telling = part();
  if (telling) htmx.trigger(telling, "refresh");
});

document.addEventListener("hark:event", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.kind === "plan") refresh();
});
document.addEventListener("hark:resync", () => part() && refresh());
