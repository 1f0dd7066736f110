// What live events do to the page. Rows change where they stand; new ones wait while somebody points at the list.
import { showChosen } from "./choosing.js";
import { refreshConversation, refreshPanels } from "./conversation.js";
import { htmx } from "./htmx.js";
import { paintAll } from "./presence.js";
import { reloadRows } from "./queue.js";
import { seldom } from "./seldom.js";
import { tickAll } from "./times.js";
import { word } from "./words.js";

// --- the list

let waiting = 0;
const list = () => document.getElementById("list");
const button = () => /** @type {HTMLButtonElement | null} */ (document.getElementById("arrivals"));
const pullRows = seldom(reloadRows);

/** Nobody points at a row, walks through the rows, chooses some, or has scrolled. */
function isQuiet() {
  const box = list();
  return Boolean(box && box.scrollTop < 4 && !document.hidden && !box.querySelector(".row:hover, .row :focus-visible, .row__check:checked"));
}

function showWaiting() {
  const shown = button();
  if (!shown) return;
  shown.hidden = waiting === 0;
  shown.dataset.count = String(waiting);
  shown.textContent = waiting === 1 ? word("new_one") : word("new_many", { n: waiting });
}

/** @param {number} count */
function arrived(count) {
  if (!list()) return;
  if (isQuiet()) {
    pullRows();
    return;
  }
  waiting += count;
  showWaiting();
}

function letIn() {
  const box = list();
  if (box) box.scrollTop = 0;
  const hadFocus = document.activeElement === button();
  void Promise.resolve(reloadRows()).then(() => {
    if (hadFocus) /** @type {HTMLElement | null} */ (document.querySelector(".row__link"))?.focus();
  });
}

/**
 * @param {HTMLElement} row
 * @param {string} html one row, rendered by our own server for everyone
 */
function replaceRow(row, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = /** @type {HTMLElement | null} */ (template.content.querySelector(".row"));
  if (!fresh) return;
  if (fresh.dataset.state === "merged") return row.remove();
  const checked = row.querySelector(".row__check:checked");
  const focused = row.contains(document.activeElement) ? document.activeElement?.className.split(" ")[0] : "";
  if (row.querySelector("[aria-current]")) fresh.querySelector(".row__link")?.setAttribute("aria-current", "true");
  if (checked) /** @type {HTMLInputElement} */ (fresh.querySelector(".row__check")).checked = true;
  row.replaceWith(fresh);
  htmx.process(fresh);
  tickAll(fresh);
  paintAll(fresh);
  if (focused) /** @type {HTMLElement | null} */ (fresh.querySelector(`.${focused}`))?.focus({ preventScroll: true });
  showChosen();
}

// --- the open case

const pane = () => /** @type {HTMLElement | null} */ (document.querySelector("#case-pane[data-case]"));

/** Parts beside the conversation that come along with the head, but for those in which somebody is at work. */
function partsAtRest() {
  const parts = [...document.querySelectorAll("#case-pane [data-part]")];
  return parts.filter((part) => !part.querySelector("details[open]") && !part.contains(document.activeElement)).map((part) => `#${part.id}`).join(",");
}

const title = () => document.getElementById("case-title");
const atTitle = () => document.activeElement === title(); // sent there after a deed, not at work there

/** @param {Element} head */
const isHeadInUse = (head) => head.querySelector("details[open]") !== null || (head.matches(":focus-within") && !atTitle());

/** @param {Element} side */
const isSideInUse = (side) => side.querySelector("form:focus-within") !== null;

let asked = ""; // the parts the head that is on its way brings along

/** The head alone: what somebody writes below it stays. While they use it, it waits. */
function pullHead() {
  const head = document.getElementById("case-head");
  const url = pane()?.dataset.url;
  if (!head || !url) return;
  if (isHeadInUse(head)) return seldomHead();
  asked = partsAtRest();
  void htmx.ajax("GET", url, { target: "#case-head", swap: "outerHTML", select: "#case-head", selectOOB: asked });
}

let wasAtTitle = false;

// While it was on its way somebody may have gone to work there: then it comes later.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const isHead = detail.target?.id === "case-head", isSide = detail.target?.id === "case-side";
  if (isHead) wasAtTitle = atTitle();
  const waits = isHead ? isHeadInUse(detail.target) || partsAtRest() !== asked : isSide && isSideInUse(detail.target);
  if (!waits) return;
  detail.shouldSwap = false;
  if (isHead) seldomHead();
  else seldomSide();
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.target?.id === "case-head" && wasAtTitle) title()?.focus({ preventScroll: true });
});

const seldomHead = seldom(pullHead);
const seldomConversation = seldom(refreshConversation);
const seldomPanels = seldom(refreshPanels);

function pullPane() {
  seldomHead();
  seldomConversation();
  seldomPanels();
}

/** Somebody else, or known better, or not to be written to: beside the case, and where one answers them. */
function pullSide() {
  const side = document.getElementById("case-side");
  const url = pane()?.dataset.url;
  if (!side || !url) return;
  if (isSideInUse(side)) return seldomSide();
  const shown = side.querySelector("[id^=customer-panel]")?.id ?? "";
  void htmx.ajax("GET", url, { target: "#case-side", swap: "outerHTML", select: "#case-side", selectOOB: "#reply-blocked,#reply-where" })
    .then(() => {
      const same = document.getElementById(shown); // it was kept as it stood
      if (same) htmx.trigger(same, "refresh");
    });
}

const seldomSide = seldom(pullSide);

/** One's own stream repeats what one's team is told; it counts only for cases of other teams. @param {any} event */
const isToldTwice = ({ stream, data }) =>
  stream.startsWith("user:") && document.querySelector(`[data-stream="team:${data.team_id}"]`) !== null;

/** @type {Record<string, (data: any, event: any) => void>} */
const DO = {
  case(data, event) {
    const row = document.getElementById(`case-${data.id}`);
    const me = Number(document.body.dataset.user);
    const folded = document.querySelector("#rows[data-folded]") !== null;
    if (data.behind && folded) return row?.remove(); // the one in front says how many stand behind it
    if (row) replaceRow(row, data.html);
    else if (data.handed_by && data.handed_by !== me) arrived(1);
    else if (data.arrived && (data.owner_id === null || data.owner_id === me) && !isToldTwice(event)) arrived(1);
  },
  cases: (data) => arrived(data.count),
  message: (data) => String(data.case) === pane()?.dataset.case && seldomConversation(),
  customer: (data) => String(data.case) === pane()?.dataset.case && seldomSide(),
  pane: (data) => String(data.case) === pane()?.dataset.case && pullPane(),
};

document.addEventListener("hark:event", (event) => {
  const told = /** @type {CustomEvent} */ (event).detail;
  DO[told.kind]?.(told.data, told);
});

// Too much was missed to be told piece by piece: fetch the region.
document.addEventListener("hark:resync", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.startsWith("case:")) pullPane();
  else if (list()) arrived(1);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.target?.id !== "rows") return;
  waiting = 0;
  showWaiting();
});

document.addEventListener("click", (event) => {
  if (/** @type {Element} */ (event.target).closest("#arrivals")) letIn();
});
document.addEventListener("visibilitychange", () => waiting && isQuiet() && pullRows());
