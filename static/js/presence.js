// Who is looking at a case, or at another place such as "request:7", and who is writing in it: shown for everyone else.
import { picture, word } from "./words.js";

/** @typedef {{ id: number, name: string, doing: "viewing" | "typing" }} Person */

const FORGET_AFTER = 30_000; // ms without a word about a case
const me = Number(document.body.dataset.user);
/** @type {Map<string, { people: Person[], at: number }>} by the number of a case, or the name of another place */
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
  const people = seen.get(place.dataset.presence ?? "")?.people ?? [];
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

/** @param {string} name */
function paintPlace(name) {
  for (const place of document.querySelectorAll(`[data-presence="${name}"]`)) paint(/** @type {HTMLElement} */ (place));
}

document.addEventListener("hark:presence", (event) => {
  const { case: place, people } = /** @type {CustomEvent} */ (event).detail;
  const others = /** @type {Person[]} */ (people).filter((person) => person.id !== me);
  seen.set(String(place), { people: others, at: Date.now() });
  paintPlace(String(place));
});

setInterval(() => {
  for (const [name, { at }] of seen) {
    if (Date.now() - at < FORGET_AFTER) continue;
    seen.delete(name);
    paintPlace(name);
  }
}, 5_000);

document.addEventListener("htmx:load", (event) => paintAll(/** @type {HTMLElement} */ (event.target)));
