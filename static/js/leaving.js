// A reply that is held counts down until it leaves; until then it can be taken back.
import { word } from "./words.js";

/** When each of them leaves, by this page's own clock: the server says in how many seconds. @type {WeakMap<Element, number>} */
const ends = new WeakMap();

function tick() {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-leaves]"))) {
    const end = ends.get(element) ?? performance.now() + Number(element.dataset.leaves) * 1000;
    ends.set(element, end);
    const left = Math.ceil((end - performance.now()) / 1000);
    const text = left > 0 ? word("leaves", { n: left }) : word("leaving");
    if (element.textContent !== text) element.textContent = text;
  }
}

setInterval(tick, 250);
