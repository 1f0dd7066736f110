// The list of matches: after a decision the next card is at hand, and the last decision can be taken back by one key.

const LINK = "[data-row-link]";
/** @type {HTMLElement | null} */
let next = null;

/** @param {Element} card */
function following(card) {
  const open = [...document.querySelectorAll("[data-matches] [data-row]:not([data-decided])")];
  const at = open.indexOf(card);
  return /** @type {HTMLElement | null} */ (open[at + 1] ?? open[at - 1] ?? null);
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = /** @type {CustomEvent} */ (event).detail;
  if (!target?.matches?.("[data-matches] [data-row]")) return;
  next = target.contains(document.activeElement) ? following(target) : null;
});

document.addEventListener("htmx:afterSettle", (event) => {
  const { elt } = /** @type {CustomEvent} */ (event).detail;
  if (!elt?.matches?.("[data-fresh]")) return;
  elt.removeAttribute("data-fresh");
  const decided = elt.hasAttribute("data-decided");
  for (const card of document.querySelectorAll("[data-latest]")) card.removeAttribute("data-latest");
  if (decided) elt.setAttribute("data-latest", "");
  const card = decided ? next : elt;
  next = null;
  const link = /** @type {HTMLElement | null} */ (card?.querySelector(LINK));
  link?.focus({ preventScroll: true });
  card?.scrollIntoView({ block: "nearest" });
});
