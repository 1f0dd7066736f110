// The page of a call: what is written down is kept on this device first and then sent, with a line or without one.
import { htmx } from "./htmx.js";
import { drop, keep, notes, sendAll, why } from "./keeping.js";
import { seldom } from "./seldom.js";
import { say } from "./toasts.js";
import { language, picture, word } from "./words.js";

/** @typedef {import("./keeping.js").Note} Note */

const OURS = ["csrfmiddlewaretoken", "key", "at"]; // fields in which nobody types
const user = document.body.dataset.user ?? "";
/** @type {Note | null} what was thrown away last, until the page is left */
let thrown = null;

const page = () => /** @type {HTMLElement | null} */ (document.getElementById("call"));
const form = () => /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-call-note]"));

/** @param {HTMLFormElement} from @returns {[string, string][]} */
const fieldsOf = (from) =>
  [...new FormData(from)].filter(([name]) => name !== "csrfmiddlewaretoken").map(([name, value]) => [name, String(value)]);

/** Also where crypto.randomUUID is not: on a page without a certificate. */
function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// --- what is typed

/** @param {HTMLFormElement} into @param {[string, string][]} fields */
function fill(into, fields) {
  for (const [name, value] of fields) {
    for (const field of into.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      const one = /** @type {HTMLInputElement} */ (field);
      if (one.type === "radio") one.checked = one.value === value;
      else if (name !== "csrfmiddlewaretoken") one.value = value;
    }
  }
  const heard = into.querySelector("details.heard");
  if (heard?.querySelector("input:checked:not([value=''])")) heard.setAttribute("open", "");
}

const DRAFTS = "hark-call-draft:";
const FORGOTTEN = 14 * 86_400_000; // ms after which nobody comes back to what they began to write
const draftOf = () => `${DRAFTS}${user}:${form()?.dataset.callNote}`;

/** @param {() => void} act */
function safely(act) {
  try {
    act();
  } catch { /* a device without room: the page itself still holds what is typed */ }
}

function keepDraft() {
  const from = form();
  if (!from) return;
  const isTyped = fieldsOf(from).some(([name, value]) => !OURS.includes(name) && value.trim());
  const draft = { at: Date.now(), fields: fieldsOf(from) };
  safely(() => (isTyped ? localStorage.setItem(draftOf(), JSON.stringify(draft)) : localStorage.removeItem(draftOf())));
}

const draft = () => JSON.parse(localStorage.getItem(draftOf()) ?? "null")?.fields;

/** A customer's words do not stay on a phone for ever. */
function forget() {
  for (const name of Object.keys(localStorage).filter((each) => each.startsWith(DRAFTS))) {
    if (Date.now() - (JSON.parse(localStorage.getItem(name) ?? "{}").at ?? 0) > FORGOTTEN) localStorage.removeItem(name);
  }
}

/** What was being typed when the page was left, or what the server did not take. */
function restore() {
  const into = form();
  if (!into || into.hasAttribute("data-refused")) return;
  const refused = notes().find((note) => note.refused && note.call === into.dataset.callNote);
  safely(() => {
    const fields = draft() ?? refused?.fields;
    if (!fields) return;
    fill(into, fields);
    into.closest("details")?.setAttribute("open", "");
  });
}

/** @param {HTMLFormElement} typed */
function beginAnew(typed) {
  typed.reset();
  fill(typed, [["key", freshKey()], ["at", ""]]);
  typed.inert = false;
}

// --- kept, sent, refused

document.addEventListener("submit", (event) => {
  const typed = event.target;
  if (!(typed instanceof HTMLFormElement) || !typed.dataset.callNote) return;
  event.preventDefault();
  const at = /** @type {HTMLInputElement | null} */ (typed.querySelector("[name=at]"));
  if (at) at.value ||= new Date().toISOString();
  const fields = fieldsOf(typed);
  const { callNote: call, who } = typed.dataset;
  const key = fields.find(([name]) => name === "key")?.[1] ?? "";
  typed.inert = true;
  safely(() => localStorage.removeItem(draftOf()));
  keep({ key, call, who: who ?? "", user, url: typed.action, at: at?.value ?? "", fields });
  void sendAll().then(() => {
    if (form() !== typed || !typed.inert) return;
    beginAnew(typed); // no line: what comes next may be written
    document.querySelector("#call [data-kept-notes]")?.scrollIntoView({ block: "center" });
  });
});

document.addEventListener("hark:note-sent", (event) => {
  const { note, html } = /** @type {CustomEvent} */ (event).detail;
  say(word("note_sent", { name: note.who }), "success");
  show(note, html);
});

document.addEventListener("hark:note-refused", (event) => {
  const { note, html } = /** @type {CustomEvent} */ (event).detail;
  show(note, html);
});

/** @param {Note} note @param {string} html the page of its call, where the server shows it */
function show(note, html) {
  const there = page();
  if (there?.dataset.call !== note.call || !html.includes("id=\"call\"")) return;
  let isTyping = false;
  safely(() => (isTyping = Boolean(draft())));
  if (isTyping) return htmx.trigger(/** @type {Element} */ (document.getElementById("call-facts")), "refresh");
  htmx.swap(there, html, { swapStyle: "outerHTML" });
}

// --- what waits on this device

/** @param {string} name @param {string} text @param {(HTMLElement | string)[]} more */
function line(name, text, ...more) {
  const made = document.createElement("div");
  made.className = `notice ${name}`;
  const words = document.createElement("p");
  words.textContent = text;
  made.append(picture(name === "notice--bad" ? "error" : "info"), words, ...more);
  return made;
}

/** @param {string} name @param {() => void} deed */
function button(name, deed) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button--small";
  made.textContent = word(name);
  made.addEventListener("click", deed);
  return made;
}

/** @param {string} href @param {string} name */
function link(href, name) {
  const made = document.createElement("a");
  made.className = "textlink";
  made.href = href;
  made.textContent = word(name);
  return made;
}

/** @param {Note} note */
function asLine(note) {
  const clock = { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: document.body.dataset.timeZone || undefined };
  const facts = { name: note.who, time: new Intl.DateTimeFormat(language, /** @type {any} */ (clock)).format(new Date(note.at)) };
  if (!note.refused) return line("notice--warn", word("note_kept", facts));
  const text = `${word("note_refused", facts)} ${note.refused}`;
  const away = button("note_throw", () => ((thrown = note), drop(note.key)));
  const isHere = page()?.dataset.call === note.call;
  return line("notice--bad", text, ...(isHere ? [] : [link(note.url.replace(/record\/$/, ""), "note_open")]), away);
}

function draw() {
  const lines = () => [
    ...(why() && notes().length ? [line("notice--bad", word(why()), link(location.href, "note_reload"))] : []),
    ...notes().map(asLine),
    ...(thrown ? [line("", word("note_thrown"), button("note_back", () => thrown && keep({ ...thrown, refused: undefined })))] : []),
  ];
  if (notes().some((note) => note.key === thrown?.key)) thrown = null;
  for (const box of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-kept-notes]"))) {
    box.replaceChildren(...lines());
    box.hidden = !box.childElementCount;
  }
}

// --- live

const refresh = seldom(() => {
  const facts = document.getElementById("call-facts");
  const isTold = [...(facts?.querySelectorAll("textarea") ?? [])].some((area) => area.value.trim()); // what a group asked back
  if (facts && !isTold) htmx.trigger(facts, "refresh");
});

document.addEventListener("hark:event", (event) => {
  const { kind, data } = /** @type {CustomEvent} */ (event).detail;
  const here = Number(page()?.dataset.call);
  if (here && (kind === "call" || kind === "calls") && (data.call === here || data.calls?.includes(here))) refresh();
});
document.addEventListener("hark:resync", () => page() && refresh());

for (const name of ["input", "change"]) {
  document.addEventListener(name, (event) => /** @type {Element} */ (event.target).closest("form[data-call-note]") && keepDraft());
}
document.addEventListener("hark:kept", draw);
addEventListener("storage", draw); // another page of this phone has kept or sent something
document.addEventListener("htmx:load", (event) => {
  const came = /** @type {Element} */ (event.target);
  if (!came.querySelector("[data-kept-notes]")) return;
  restore();
  draw();
});
safely(forget);
restore();
draw();
void sendAll();
