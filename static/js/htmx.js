// htmx as a typed value: it is loaded by its own script before any module runs.

/**
 * @typedef {object} Htmx
 * @property {(verb: string, path: string, context: object) => Promise<void>} ajax
 * @property {(element: Element, name: string, detail?: object) => boolean} trigger
 * @property {(element: Element) => void} process
 * @property {(target: Element, html: string, how: object) => void} swap
 */

/** @type {Htmx} */
export const htmx = /** @type {any} */ (window).htmx;
