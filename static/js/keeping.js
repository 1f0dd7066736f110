// Notes of calls, kept on this device until the server has them. Each has a key by which the server knows it again, so
// that it may be sent as often as it takes.
import { word } from "./words.js";

/**
 * @typedef {object} Note
 * @property {string} key
 * @property {string} call
 * @property {string} who is called
 * @property {string} user who wrote it: on a phone of several each sends their own
 * @property {string} url
 * @property {string} at by this device
 * @property {[string, string][]} fields
 * @property {string} [refused] why the server does not take it: then it waits for a person
 */

const PLACE = "hark-call-note:";
const FASTEST = 1_000, SLOWEST = 60_000; // ms between two attempts
const PATIENCE = 30_000; // ms for one attempt: lines that hang are as good as none
const user = document.body.dataset.user ?? "";

/** @type {Map<string, Note>} of this page, and all there are where the device has no room to keep them */
const held = new Map();
let delay = FASTEST;
let timer = 0;
let isSending = false;
/** @type {"" | "note_signed_out" | "note_old"} why nothing can be sent from this page any more */
let stuck = "";

export const why = () => stuck;

/**
 * What this device has stored under names that begin so; nothing where it stores nothing.
 * @param {string} place @returns {any[]}
 */
function stored(place) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(place)).map((name) => JSON.parse(localStorage.getItem(name) ?? "{}"));
  } catch {
    return [];
  }
}

/** @returns {Note[]} the oldest first */
export function notes() {
  const found = new Map(held);
  for (const note of stored(PLACE)) if (note.user === user) found.set(note.key, note);
  return [...found.values()].sort((one, other) => (one.at < other.at ? -1 : 1));
}

/** @param {Note} note */
export function keep(note) {
  try {
    localStorage.setItem(PLACE + note.key, JSON.stringify(note));
    held.delete(note.key);
  } catch {
    held.set(note.key, note);
  }
  tell("hark:kept");
}

/** @param {string} key */
export function drop(key) {
  held.delete(key);
  try {
    localStorage.removeItem(PLACE + key);
  } catch { /* it was not there */ }
  tell("hark:kept");
}

/** @param {string} name @param {unknown} [detail] */
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

/** Send what waits, one after the other; what cannot be sent now is tried again, less and less often. */
export async function sendAll() {
  if (isSending || stuck || !user) return;
  isSending = true;
  clearTimeout(timer);
  for (let note = waiting(); note && (await send(note)); note = waiting()) delay = FASTEST;
  isSending = false;
  if (!waiting() || stuck) return;
  timer = setTimeout(sendAll, delay * (.5 + Math.random() / 2));
  delay = Math.min(SLOWEST, delay * 2);
}

const waiting = () => notes().find((note) => !note.refused);

/** @param {Note} note @returns {Promise<boolean>} whether the server has said what it does with it */
async function send(note) {
  const answer = await post(note);
  if (!answer) return false;
  const { status, html, isLogin } = answer;
  if (isLogin || status === 403) return stop(isLogin ? "note_signed_out" : "note_old");
  if (status >= 500 || status === 429) return false;
  if (status < 300) {
    drop(note.key);
    tell("hark:note-sent", { note, html });
  } else {
    keep({ ...note, refused: status === 404 ? word("note_gone") : sentence(html) });
    tell("hark:note-refused", { note, html });
  }
  return true;
}

/** @param {typeof stuck} reason */
function stop(reason) {
  stuck = reason;
  tell("hark:kept");
  return false;
}

/** @param {Note} note */
async function post({ url, fields }) {
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}"), "HX-Request": "true", "HX-Target": "call" };
  try {
    const body = new URLSearchParams(fields);
    const answer = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(PATIENCE) });
    const isLogin = new URL(answer.url).pathname === document.body.dataset.login;
    return { status: answer.status, html: await answer.text(), isLogin };
  } catch {
    return null; // no line, or it broke: whether the server had it, its key will tell
  }
}

/** @param {string} html */
function sentence(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const said = [...page.querySelectorAll("[data-refusal], .field__error")].map((each) => each.textContent?.trim());
  return said.filter(Boolean).join(" ") || word("failed");
}

function again() {
  delay = FASTEST;
  void sendAll();
}

addEventListener("online", again);
document.addEventListener("visibilitychange", () => document.hidden || again());
