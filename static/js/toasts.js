// Short notices: those the server sent with a page, and what scripts have to say. They wait while somebody reads them.
import { picture, word } from "./words.js";

const READING_TIME = 8_000; // ms; errors and what can be undone stay longer or for good

/** @param {HTMLElement} toast */
function letGo(toast) {
  if (toast.dataset.timed) return;
  toast.dataset.timed = "yes";
  if (toast.dataset.toast === "error") return;
  const stay = toast.querySelector("form") ? 2 * READING_TIME : READING_TIME;
  const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 2_000) : toast.remove());
  setTimeout(leave, stay);
}

function letAllGo() {
  for (const toast of document.querySelectorAll("[data-toast]")) letGo(/** @type {HTMLElement} */ (toast));
}

/**
 * @param {string} sentence
 * @param {"error" | "info" | "success"} [level]
 */
export function say(sentence, level = "info") {
  const box = document.getElementById("toasts");
  if (!box || [...box.querySelectorAll("p")].some((p) => p.textContent === sentence)) return;
  const toast = document.createElement("div");
  toast.className = `toast toast--${level}`;
  toast.dataset.toast = level;
  const text = document.createElement("p");
  text.textContent = sentence;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button button--plain button--small button--icon";
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", word("dismiss"));
  close.append(picture("close"));
  toast.append(picture(level === "error" ? "error" : "info"), text, close);
  box.append(toast);
  letGo(toast);
}

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-dismiss]");
  button?.closest("[data-toast]")?.remove();
});
document.addEventListener("htmx:oobAfterSwap", letAllGo);
document.addEventListener("htmx:afterSettle", letAllGo);
letAllGo();
