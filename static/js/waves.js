// The page of a wave: looks again when it is told to, and every few seconds while invitations leave.
import { htmx } from "./htmx.js";
import { seldom } from "./seldom.js";

const EVERY = 5_000; // ms

const refresh = seldom(() => {
  const wave = document.getElementById("wave");
  if (wave && !wave.querySelector("details[open]")) htmx.trigger(wave, "refresh");
});

document.addEventListener("hark:event", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.kind === "wave") refresh();
});
document.addEventListener("hark:resync", () => document.getElementById("wave") && refresh());
setInterval(() => !document.hidden && document.querySelector("#wave[data-moves]") && refresh(), EVERY);
