// The open conversation: starts at its newest words, stays where somebody reads, and says when something came.
import { htmx } from "./htmx.js";

const NEAR = 80; // px from the end that still count as the end
const scroller = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-conversation-scroll]"));

/** @param {HTMLElement} box */
const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;

let sticks = true; // whether the reader is at the end and wants to stay there

function toEnd() {
  const box = scroller();
  if (box) box.scrollTop = box.scrollHeight;
  sticks = true;
  showNewer(false);
}

// The composer grows, pictures of text settle: who was at the end stays there.
const watcher = new ResizeObserver(() => sticks && toEnd());

function watch() {
  const box = scroller();
  watcher.disconnect();
  if (!box) return;
  watcher.observe(box);
  for (const child of box.children) watcher.observe(child);
}

/** @param {boolean} shown */
function showNewer(shown) {
  const pill = document.querySelector("[data-newer]");
  if (pill instanceof HTMLElement) pill.hidden = !shown;
}

export function refreshConversation() {
  const conversation = document.getElementById("conversation");
  if (conversation) htmx.trigger(conversation, "refresh");
}

/** Other panels of the same customer, which a deed in this case may have changed. */
export function refreshPanels() {
  for (const panel of document.querySelectorAll(".side [data-panel]")) htmx.trigger(panel, "refresh");
}

function afterDeed() {
  refreshPanels();
  // the button that was pressed is gone: whoever cannot see the page is told where they are
  if (document.activeElement === document.body) document.getElementById("case-title")?.focus({ preventScroll: true });
}

let lastShown = "";
const newest = () => [...document.querySelectorAll("#conversation [data-message]")].pop()?.getAttribute("data-message") ?? "";

document.addEventListener("htmx:beforeSwap", (event) => {
  const box = scroller();
  if (/** @type {Element} */ (event.target).id !== "conversation" || !box) return;
  lastShown = newest();
});

document.addEventListener("htmx:afterSwap", (event) => {
  const detail = /** @type {CustomEvent} */ (event).detail;
  const id = detail.target?.id;
  if (id === "case-pane") {
    toEnd();
    watch();
    if (detail.requestConfig?.verb === "post") afterDeed();
  } else if (id === "conversation") {
    watch();
    if (sticks) toEnd();
    else showNewer(newest() !== lastShown);
  }
});

document.addEventListener("click", (event) => {
  if (/** @type {Element} */ (event.target).closest("[data-newer]")) toEnd();
});

document.addEventListener("scroll", (event) => {
  const box = scroller();
  if (event.target !== box || !box) return;
  sticks = atEnd(box);
  if (sticks) showNewer(false);
}, true);

toEnd();
watch();
