// The overview: whatever changes in a team's queue changes its figures.
import { htmx } from "./htmx.js";
import { seldom } from "./seldom.js";

const refresh = seldom(() => {
  const screen = document.getElementById("care");
  if (screen && !screen.contains(document.activeElement?.closest("details[open]") ?? null)) htmx.trigger(screen, "refresh");
});

for (const name of ["hark:event", "hark:resync", "hark:presence"]) {
  document.addEventListener(name, () => document.getElementById("care") && refresh());
}
