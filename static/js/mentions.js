// Naming a colleague or a team after an @, or a hashtag after a #, in a note: a small list to choose from. Without it, it
// is just text.
import { word } from "./words.js";

/**
 * `begun`: what stands before the caret while somebody or something is being named; `field`: the name of the data
 * attribute with the address that is asked; `read`: its answer as options.
 * @typedef {{ field: string, begun: RegExp, read: (text: string) => HTMLElement[] }} Kind
 */

/** @type {Kind[]} */
const KINDS = [
  { field: "mentions", begun: /(?:^|[^\w@.])@([\w.+-]*)$/, read: fromHtml },
  { field: "hashtags", begun: /(?:^|[^\w/&#＃])[#＃]([\p{L}\p{N}\p{M}_-]*)$/u, read: fromTags },
];
const MOST = 8;

/** @param {string} html by our own server */
function fromHtml(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return /** @type {HTMLElement[]} */ ([...template.content.children]);
}

/** @param {string} json */
function fromTags(json) {
  /** @type {{ tag: string, group: string, about: string }[]} */
  const tags = json ? JSON.parse(json).tags : [];
  return tags.map(({ tag, group, about }, n) => {
    const option = document.createElement("li");
    const [name, whom] = [document.createElement("span"), document.createElement("span")];
    option.id = `hashtag-${n}`;
    option.className = "menu__item";
    option.setAttribute("role", "option");
    Object.assign(option.dataset, { name: tag, find: `${tag} ${group}`.toLowerCase() });
    name.textContent = `#${tag}`;
    whom.className = "quiet small";
    whom.textContent = about ? `${group}: ${about}` : group;
    option.append(name, whom);
    return option;
  });
}

/** @type {Map<string, Promise<HTMLElement[]>>} what may be named, by address: asked once */
const known = new Map();
/** @type {HTMLTextAreaElement | null} */
let area = null;
const panel = document.createElement("ul");
panel.id = "mentions";
panel.className = "mentions";
panel.setAttribute("role", "listbox");

/** @param {string} url @param {Kind} kind @returns {Promise<HTMLElement[]>} */
function ask(url, { read }) {
  const answer = known.get(url) ?? fetch(url, { headers: { "HX-Request": "true" } })
    .then((response) => (response.ok ? response.text() : ""))
    .then(read)
    .catch(() => (known.delete(url), []));
  known.set(url, answer);
  return answer;
}

/**
 * What is being named in it: the kind, where that is asked for, and how far it is written.
 * @param {HTMLTextAreaElement} field
 */
function begun(field) {
  const before = field.selectionStart === field.selectionEnd ? field.value.slice(0, field.selectionStart) : "";
  for (const kind of KINDS) {
    const found = kind.begun.exec(before), url = field.dataset[kind.field];
    if (found && url) return { kind, url, written: found[1] };
  }
  return null;
}

function close() {
  panel.remove();
  area?.removeAttribute("aria-activedescendant");
  area?.removeAttribute("aria-controls");
  area = null;
}

/** @param {HTMLTextAreaElement} field @param {HTMLElement[]} options @param {string} label */
function open(field, options, label) {
  area = field;
  panel.setAttribute("aria-label", label);
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
  const from = field.selectionStart - found.written.length;
  field.setRangeText(`${option.dataset.name} `, from, field.selectionStart, "end");
  close();
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

/** @param {HTMLTextAreaElement} field */
async function offer(field) {
  const found = begun(field);
  if (!found) return close();
  const all = await ask(found.url, found.kind);
  const now = begun(field);
  if (now?.kind !== found.kind || document.activeElement !== field) return close();
  const wanted = now.written.toLowerCase();
  const fits = all.filter(({ dataset }) => (dataset.find ?? "").split(" ").some((part) => part.startsWith(wanted)));
  if (fits.length) open(field, fits.slice(0, MOST), word(now.kind.field));
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
  const { target } = event;
  if (target instanceof HTMLTextAreaElement && KINDS.some(({ field }) => target.dataset[field])) void offer(target);
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

// Hashtags are wanted where the line is bad: they are fetched with the page, not when the first is typed.
for (const area of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("textarea[data-hashtags]"))) {
  void ask(area.dataset.hashtags ?? "", KINDS[1]);
}
