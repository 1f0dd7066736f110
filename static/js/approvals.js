// The number of replies that wait for me, in the rail: fetched again when one comes or is decided.
import { htmx } from "./htmx.js";
import { seldom } from "./seldom.js";

const refresh = seldom(() => {
  const count = document.getElementById("approvals-count");
  if (count) htmx.trigger(count, "refresh");
});

document.addEventListener("hark:event", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.kind === "approvals") refresh();
});
