// Who is looking at a case and who is writing in it: told by us while the page is seen, shown for everyone else.
import { picture, word } from "./words.js";

/** @typedef {{ id: number, name: string, doing: "viewing" | "typing" }} Person */

const FORGET_AFTER = 30_000; // ms without a word about a case
const me = Number(document.body.dataset.user);
/** @type {Map<number, { people: Person[], at: number }>} */
const seen = new Map();

/** @param {Person[]} people */
function sentence(people) {
  const [first, ...others] = people;
  const name = others.length ? word("and_more", { name: first.name, n: others.length }) : first.name;
  return word(people.some((person) => person.doing === "typing") ? "typing" : "viewing", { name });
}

/** @param {string} name */
function initials(name) {
  const words = name.split(/[^\p{L}]+/u).filter(Boolean);
  return [words[0], words.length > 1 ? words[words.length - 1] : undefined].map((one) => [...(one ?? "")][0] ?? "").join("").toUpperCase();
}

/** @param {HTMLElement} place */
function paint(place) {
  const people = seen.get(Number(place.dataset.presence))?.people ?? [];
  place.replaceChildren();
  place.removeAttribute("title");
  if (!people.length) return;
  const typing = people.find((person) => person.doing === "typing");
  const words = document.createElement("span");
  words.textContent = sentence(typing ? [typing, ...people.filter((person) => person !== typing)] : people);
  place.append(picture(typing ? "typing" : "viewing"));
  if (!place.hasAttribute("data-presence-words")) {
    place.title = words.textContent;
    words.className = "sr-only";
    const short = document.createElement("span");
    short.setAttribute("aria-hidden", "true");
    short.textContent = people.slice(0, 2).map((person) => initials(person.name)).join(" ") + (people.length > 2 ? ` +${people.length - 2}` : "");
    place.append(short);
  }
  place.append(words);
}

/** @param {ParentNode} [within] */
export function paintAll(within = document) {
  for (const place of within.querySelectorAll("[data-presence]")) paint(/** @type {HTMLElement} */ (place));
}

/** @param {number} number */
function paintCase(number) {
  for (const place of document.querySelectorAll(`[data-presence="${number}"]`)) paint(/** @type {HTMLElement} */ (place));
}

document.addEventListener("hark:presence", (event) => {
  const { case: number, people } = /** @type {CustomEvent} */ (event).detail;
  const others = /** @type {Person[]} */ (people).filter((person) => person.id !== me);
  seen.set(number, { people: others, at: Date.now() });
  paintCase(number);
});

setInterval(() => {
  for (const [number, { at }] of seen) {
    if (Date.now() - at < FORGET_AFTER) continue;
    seen.delete(number);
    paintCase(number);
  }
}, 5_000);

document.addEventListener("htmx:load", (event) => paintAll(/** @type {HTMLElement} */ (event.target)));
