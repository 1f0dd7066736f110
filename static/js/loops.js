// The page of a loop: looks again when a call, a request or the loop itself moves.
import { htmx } from "./htmx.js";
import { seldom } from "./seldom.js";

const KINDS = new Set(["call", "request", "loop"]);
const page = () => document.getElementById("loop");

const refresh = seldom(() => {
  const loop = page();
  if (loop) htmx.trigger(loop, "refresh");
});

document.addEventListener("hark:event", (event) => {
  if (KINDS.has(/** @type {CustomEvent} */ (event).detail.kind)) refresh();
});
document.addEventListener("hark:resync", () => page() && refresh());
