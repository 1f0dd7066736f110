// Naming a colleague or a team in a note: after an @, a small list to choose from. Without it, it is just text.
import { word } from "./words.js";

const BEGUN = /(?:^|[^\w@.])@([\w.+-]*)$/; // what stands before the caret while somebody is being named
const MOST = 8;

/** @type {Map<string, Promise<HTMLElement[]>>} who may be named, by address: asked once */
const known = new Map();
/** @type {HTMLTextAreaElement | null} */
let area = null;
const panel = document.createElement("ul");
panel.id = "mentions";
panel.className = "mentions";
panel.setAttribute("role", "listbox");

/** @param {string} url @returns {Promise<HTMLElement[]>} */
function ask(url) {
  const answer = known.get(url) ?? fetch(url, { headers: { "HX-Request": "true" } })
    .then((response) => (response.ok ? response.text() : ""))
    .then((html) => {
      const template = document.createElement("template");
      template.innerHTML = html; // by our own server
      return /** @type {HTMLElement[]} */ ([...template.content.children]);
    })
    .catch(() => (known.delete(url), []));
  known.set(url, answer);
  return answer;
}

/** @param {HTMLTextAreaElement} field */
const begun = (field) => (field.selectionStart === field.selectionEnd ? BEGUN.exec(field.value.slice(0, field.selectionStart)) : null);

function close() {
  panel.remove();
  area?.removeAttribute("aria-activedescendant");
  area?.removeAttribute("aria-controls");
  area = null;
}

/** @param {HTMLTextAreaElement} field @param {HTMLElement[]} options */
function open(field, options) {
  area = field;
  panel.setAttribute("aria-label", word("mentions"));
  panel.replaceChildren(...options);
  if (!panel.isConnected) field.before(panel);
  field.setAttribute("aria-controls", panel.id);
  mark(0);
}

/** @param {number} at */
function mark(at) {
  const options = [...panel.children];
  options.forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
  options[at]?.scrollIntoView({ block: "nearest" });
  area?.setAttribute("aria-activedescendant", options[at]?.id ?? "");
}

const marked = () => [...panel.children].findIndex((option) => option.getAttribute("aria-selected") === "true");

/** @param {Element | undefined} option */
function choose(option) {
  const field = area;
  const found = field && begun(field);
  if (!(option instanceof HTMLElement) || !field || !found) return close();
  const from = field.selectionStart - found[1].length;
  field.setRangeText(`${option.dataset.name} `, from, field.selectionStart, "end");
  close();
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

/** @param {HTMLTextAreaElement} field */
async function offer(field) {
  const found = begun(field);
  if (!found) return close();
  const everybody = await ask(field.dataset.mentions ?? "");
  const now = begun(field);
  if (!now || document.activeElement !== field) return close();
  const wanted = now[1].toLowerCase();
  const fits = everybody.filter(({ dataset }) => (dataset.find ?? "").split(" ").some((part) => part.startsWith(wanted)));
  if (fits.length) open(field, fits.slice(0, MOST));
  else close();
}

/** @type {Record<string, () => void>} */
const KEYS = {
  ArrowDown: () => mark((marked() + 1) % panel.children.length),
  ArrowUp: () => mark((marked() - 1 + panel.children.length) % panel.children.length),
  Enter: () => choose(panel.children[marked()]),
  Tab: () => choose(panel.children[marked()]),
  Escape: close,
};

document.addEventListener("input", (event) => {
  if (event.target instanceof HTMLTextAreaElement && event.target.dataset.mentions) void offer(event.target);
});
document.addEventListener("keydown", (event) => {
  if (!area || event.target !== area || event.ctrlKey || event.metaKey || event.isComposing || !(event.key in KEYS)) return;
  event.preventDefault();
  event.stopPropagation();
  KEYS[event.key]();
}, true);
document.addEventListener("pointerdown", (event) => {
  const option = /** @type {Element} */ (event.target).closest("#mentions > li");
  if (!option) return;
  event.preventDefault(); // the field keeps the focus
  choose(option);
});
document.addEventListener("focusout", (event) => event.target === area && close());
