// The bell: counts what has come in while the page stands open, and says it.
import { htmx } from "./htmx.js";
import { say } from "./toasts.js";

const MOST = 99;
const bell = () => document.getElementById("bell-count");

/** @param {number} unread */
function count(unread) {
  const shown = bell()?.querySelector("[data-unread]");
  if (!shown) return;
  shown.textContent = unread > MOST ? `${MOST}+` : String(unread);
  /** @type {HTMLElement} */ (bell()).hidden = unread === 0;
}

document.addEventListener("hark:event", (event) => {
  const { kind, data } = /** @type {CustomEvent} */ (event).detail;
  if (kind !== "notice") return;
  count(data.unread);
  if (data.text) say(data.text);
});

// Too much was missed to be told piece by piece: ask how many there are.
document.addEventListener("hark:resync", (event) => {
  const shown = bell();
  if (shown && /** @type {CustomEvent} */ (event).detail === shown.dataset.stream) htmx.trigger(shown, "refresh");
});
