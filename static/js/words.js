// Sentences the scripts say. They stand translated in <template id="words">; this fills in their {places}.

/** @type {Map<string, string>} */
const words = new Map();
const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("words"));
for (const element of template?.content.querySelectorAll("[data-word]") ?? []) {
  words.set(element.getAttribute("data-word") ?? "", element.textContent ?? "");
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} [facts]
 * @returns {string}
 */
export function word(name, facts = {}) {
  return (words.get(name) ?? name).replace(/\{(\w+)\}/g, (whole, key) => String(facts[key] ?? whole));
}

/**
 * An icon that stands in the template, since scripts cannot draw one.
 * @param {string} name
 * @returns {Node}
 */
export function picture(name) {
  return template?.content.querySelector(`[data-icon="${name}"] svg`)?.cloneNode(true) ?? document.createTextNode("");
}

/** The language of the page; plain English writes its dates as Europe does. */
export const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
