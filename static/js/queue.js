// The list: a row opens beside it and in the address, the filter stands in the address, the view's name follows.
import { htmx } from "./htmx.js";

const desk = () => /** @type {HTMLElement | null} */ (document.querySelector(".desk[data-queue]"));
const openCase = () => document.querySelector("#case-pane[data-case]")?.getAttribute("data-case") ?? null;

/** The filter as a querystring: the address less what is not a condition. */
function currentQuery() {
  const query = new URLSearchParams(location.search);
  query.delete("case");
  query.delete("after");
  return query.toString();
}

/** Fetch the list anew for the current filter. */
export function reloadRows() {
  const url = desk()?.dataset.queue;
  if (!url) return Promise.resolve();
  const query = currentQuery();
  return htmx.ajax("GET", query ? `${url}?${query}` : url, { target: "#rows", swap: "outerHTML" });
}

function markOpenRow() {
  const open = openCase();
  for (const link of document.querySelectorAll(".row__link")) {
    if (link.getAttribute("data-open") === open) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

/** @param {string | null} open the case that now stands beside the list */
function address(open) {
  const query = new URLSearchParams(location.search);
  query.delete("after");
  if (open) query.set("case", open);
  else query.delete("case");
  const search = query.toString();
  return location.pathname + (search ? `?${search}` : "");
}

function nameTitle() {
  const title = document.getElementById("case-pane")?.dataset.title;
  if (title) document.title = `${title} · Hark`;
}

function nameView() {
  const query = currentQuery();
  for (const input of document.querySelectorAll("[data-current-query]")) /** @type {HTMLInputElement} */ (input).value = query;
  for (const input of document.querySelectorAll("[data-current-page]")) /** @type {HTMLInputElement} */ (input).value = location.pathname + location.search;
  const views = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll("[data-view]")]);
  const current = views.find((link) => new URL(link.href).searchParams.toString() === query);
  for (const link of views) link.removeAttribute("aria-current");
  current?.setAttribute("aria-current", "true");
  const title = document.getElementById("view-title");
  if (title) title.textContent = current?.dataset.view || title.dataset.otherwise || views[0]?.dataset.view || "";
}

// A condition that is empty, or stands as it always does, has no place in the address.
document.addEventListener("htmx:configRequest", (event) => {
  const { elt, formData } = /** @type {CustomEvent} */ (event).detail;
  if (elt.id !== "filters") return;
  for (const field of elt.elements) {
    const isDefault = field instanceof HTMLSelectElement ? field.selectedIndex === 0 : !field.value;
    if (field.name && isDefault) formData.delete(field.name);
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (!desk()) return;
  const { target, requestConfig } = /** @type {CustomEvent} */ (event).detail;
  if (target?.id === "case-pane") {
    const byRow = requestConfig?.elt?.matches?.(".row__link");
    if (byRow && address(openCase()) !== location.pathname + location.search) history.pushState({ htmx: true }, "", address(openCase()));
    markOpenRow();
    nameTitle();
    nameView();
    if (matchMedia("(width < 760px)").matches) document.getElementById("case-title")?.focus();
  }
});

document.addEventListener("htmx:pushedIntoHistory", nameView);
document.addEventListener("htmx:afterSettle", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.target?.id === "rows") markOpenRow();
});

// A phone shows one at a time: the way back is the list as it was.
document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (target.closest("[data-reload-list]")) void reloadRows();
  const back = target.closest("[data-back]");
  if (back && desk()) /** @type {HTMLAnchorElement} */ (back).href = address(null);
});

nameView();
