// Parts of a page that are fetched again when something moves: data-again names the kinds of events that concern them.
import { htmx } from "./htmx.js";
import { seldom } from "./seldom.js";

const parts = () => /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-again]"));

/** @type {Set<string>} the kinds we were told of since we last fetched */
const told = new Set();

/** @param {HTMLElement} part */
const isConcerned = (part) => part.dataset.again?.split(" ").some((kind) => told.has(kind));

const refresh = seldom(() => {
  for (const part of parts()) if (isConcerned(part)) htmx.trigger(part, "refresh");
  told.clear();
});

/** @param {Iterable<string>} kinds */
function hear(kinds) {
  for (const kind of kinds) told.add(kind);
  if ([...parts()].some(isConcerned)) refresh();
}

document.addEventListener("hark:event", (event) => hear([/** @type {CustomEvent} */ (event).detail.kind]));
document.addEventListener("hark:resync", () => hear([...parts()].flatMap((part) => (part.dataset.again ?? "").split(" "))));
