// Requests to groups: the inbox and the page of one look again when told to; who is on a page is told to the others there.
import { isChanged, isField } from "./carrying.js";
import { htmx } from "./htmx.js";
import { seldom } from "./seldom.js";
import { say } from "./toasts.js";
import { word } from "./words.js";

const BEAT = 10_000; // ms between two "I am still here"
const TYPING = 3_000; // ms between two "I am writing"
const NEAR_TOP = 300; // px: further down, a list that comes anew would jump under the reader

const me = Number(document.body.dataset.user);
const page = () => document.getElementById("request-page");
const rows = () => /** @type {HTMLElement | null} */ (document.querySelector("#rows[data-requests]"));
let typedAt = 0;

// --- the list

const refreshRows = seldom(() => {
  const list = rows();
  if (list) htmx.trigger(list, "refresh");
});

function newsOfRows() {
  const offer = /** @type {HTMLElement | null} */ (rows()?.querySelector("[data-requests-news]"));
  if (!rows()) return;
  if (window.scrollY < NEAR_TOP || !offer) refreshRows();
  else offer.hidden = false;
}

document.addEventListener("click", (event) => {
  if (/** @type {Element} */ (event.target).closest("[data-requests-news]")) refreshRows();
});

// --- one

/**
 * Whether somebody has begun something there that must not be taken from under their hands.
 * @param {Element} part
 */
function isBusy(part) {
  if (part.id !== "request-deeds") return false;
  if (part.contains(document.activeElement)) return true;
  return [...part.querySelectorAll("[name]")].some((field) => isField(field) && isChanged(field));
}

const refreshPage = seldom(() => {
  for (const part of document.querySelectorAll("[data-request-part]")) if (!isBusy(part)) htmx.trigger(part, "refresh");
});

/** @param {{ request: number, by: number | null, by_name: string }} news */
function newsOfPage({ request, by, by_name: name }) {
  const open = page();
  if (!open || Number(open.dataset.request) !== request) return;
  const deeds = document.getElementById("request-deeds");
  if (name && by !== me && deeds && isBusy(deeds)) say(word("meanwhile", { name }));
  refreshPage();
}

// --- who is here

/** @param {string} place @param {unknown[]} people */
const tell = (place, people) => document.dispatchEvent(new CustomEvent("hark:presence", { detail: { case: place, people } }));

/** @param {"viewing" | "typing" | "gone"} doing */
async function here(doing) {
  const open = page();
  if (!open || (document.hidden && doing !== "gone")) return;
  const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  const body = new URLSearchParams({ doing });
  try {
    const answer = await fetch(open.dataset.typing ?? "", { method: "POST", headers, body, keepalive: true });
    if (answer.ok && doing !== "gone") tell(`request:${open.dataset.request}`, (await answer.json()).people);
  } catch { /* without a network nobody is told: the banner says that */ }
}

document.addEventListener("input", (event) => {
  const field = /** @type {Element} */ (event.target);
  if (!field.closest("#request-deeds") || Date.now() - typedAt < TYPING) return;
  typedAt = Date.now();
  here("typing");
});

addEventListener("pagehide", () => here("gone"));
document.addEventListener("visibilitychange", () => here("viewing"));
setInterval(() => here(Date.now() - typedAt < TYPING ? "typing" : "viewing"), BEAT);
here("viewing");

// --- what is told

document.addEventListener("hark:event", (event) => {
  const { kind, data } = /** @type {CustomEvent} */ (event).detail;
  if (kind === "requests" || kind === "calls") newsOfRows();
  else if (kind === "request") newsOfPage(data);
  else if (kind === "presence" && data.request) tell(`request:${data.request}`, data.people);
});

document.addEventListener("hark:resync", () => {
  newsOfRows();
  if (page()) refreshPage();
});
