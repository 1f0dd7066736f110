// The line to the server: follows every stream named on the page, catches up by number, says when it is not live.
import { say } from "./toasts.js";
import { language, word } from "./words.js";

const BEAT = 10_000; // ms between two "I am still looking"
const TYPING = 3_000; // ms between two "I am writing"
const SLOWEST = 10_000, FASTEST = 500; // ms between two attempts to reconnect
const SIGNED_OUT = 4401; // the close code of a line nobody is signed in on
const PATIENCE = 1_500; // ms a line may be down before we speak of it

/** @type {Map<string, number>} the newest number we have had of each stream */
const numbers = new Map();
/** @type {Set<string>} */
const following = new Set();
/** @type {Map<string, number>} when we last asked for what we missed */
const asked = new Map();
/** @type {Map<string, number>} streams we shall ask about, with the timer */
const later = new Map();
/** @type {Set<string>} streams of which too much was missed to be told */
const lost = new Set();
let at = 0; // the case we have said we look at
/** @type {WebSocket | null} */
let socket = null;
let delay = FASTEST;
let downSince = Date.now();
let retryTimer = 0, bannerTimer = 0, typedAt = 0;

/** @param {object} message */
function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/** @param {string} name @param {unknown} detail */
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

// --- streams

/** @type {WeakSet<Element>} what named a stream when we last looked */
const drawn = new WeakSet();

/** @returns {Map<string, { number: number, isNew: boolean }>} streams named on the page, and how far each was drawn */
function named() {
  const found = new Map();
  for (const element of document.querySelectorAll("[data-stream]")) {
    const number = Number(element.getAttribute("data-number") || 0);
    found.set(element.getAttribute("data-stream"), { number, isNew: !drawn.has(element) });
    drawn.add(element);
  }
  return found;
}

/**
 * What was drawn on the server before the news that reached us first is behind: we step back, and ask again.
 * @param {string} name @param {{ number: number, isNew: boolean }} drawing
 */
function takeUp(name, { number, isNew }) {
  const known = numbers.get(name) ?? 0;
  const isBehind = isNew && following.has(name) && number < known;
  numbers.set(name, isBehind ? number : Math.max(number, known));
  if (!isBehind) return;
  asked.delete(name);
  catchUp(name);
}

function follow() {
  const wanted = named();
  const fresh = [...wanted].filter(([name]) => !following.has(name));
  const gone = [...following].filter((name) => !wanted.has(name));
  for (const [name, drawing] of wanted) takeUp(name, drawing);
  for (const name of gone) {
    following.delete(name);
    numbers.delete(name);
  }
  leaveCase();
  if (gone.length) send({ do: "leave", streams: gone });
  if (fresh.length) {
    for (const [name] of fresh) {
      following.add(name);
      asked.set(name, Date.now());
    }
    send({ do: "follow", streams: Object.fromEntries(fresh.map(([name]) => [name, numbers.get(name)])) });
    here("viewing");
  }
}

/** @param {string} stream asked about at most once in two seconds; what comes up meanwhile is asked then */
function catchUp(stream) {
  const wait = (asked.get(stream) ?? 0) + 2_000 - Date.now();
  if (wait > 0) {
    if (!later.has(stream)) later.set(stream, setTimeout(() => later.delete(stream) && following.has(stream) && catchUp(stream), wait));
    return;
  }
  asked.set(stream, Date.now());
  send({ do: "follow", streams: { [stream]: numbers.get(stream) ?? 0 } });
}

/** @param {{ stream: string, number: number, kind: string, data: unknown }} event */
function onEvent(event) {
  const last = numbers.get(event.stream);
  if (last === undefined || event.number <= last) return;
  if (event.number > last + 1) return catchUp(event.stream);
  numbers.set(event.stream, event.number);
  asked.delete(event.stream);
  tell("hark:event", event);
}

/** @type {Record<string, (message: any) => void>} */
const DO = {
  event: onEvent,
  presence: (message) => tell("hark:presence", message),
  refused: (message) => following.delete(message.stream) && numbers.delete(message.stream),
  resync({ stream }) {
    lost.add(stream);
    tell("hark:resync", stream);
    catchUp(stream); // answered by "followed", which says where we stand
  },
  followed(message) {
    for (const [stream, number] of Object.entries(message.streams)) {
      if (lost.delete(stream) || (numbers.get(stream) ?? 0) > number) numbers.set(stream, number); // or the server began anew
    }
  },
};

// --- who is here

const openCase = () => Number(document.querySelector("#case-pane[data-case]")?.getAttribute("data-case"));

/** @param {"viewing" | "typing"} doing */
function here(doing) {
  if (document.hidden) return;
  if (!openCase()) return send({ do: "on" });
  at = openCase();
  send({ do: "here", case: at, doing });
}

function leaveCase() {
  if (at && at !== openCase()) send({ do: "here", case: at, doing: "gone" });
  at = openCase();
}

document.addEventListener("hark:typing", () => {
  if (Date.now() - typedAt < TYPING) return;
  typedAt = Date.now();
  here("typing");
});

// --- the line itself

function banner() {
  const box = document.getElementById("unlive");
  if (!box) return;
  const time = new Intl.DateTimeFormat(language, {
    hour: "2-digit", minute: "2-digit", hour12: false, timeZone: document.body.dataset.timeZone || undefined,
  }).format(downSince);
  const text = document.createElement("span");
  text.textContent = word("down", { time });
  const retry = document.createElement("button");
  retry.type = "button";
  retry.className = "textlink";
  retry.textContent = word("retry");
  retry.addEventListener("click", connect);
  box.replaceChildren(text, retry);
  box.hidden = false;
}

function onOpen() {
  document.body.dataset.liveState = "live";
  clearTimeout(bannerTimer);
  bannerTimer = 0;
  delay = FASTEST;
  const box = document.getElementById("unlive");
  if (box) box.hidden = true;
  following.clear();
  asked.clear();
  follow();
}

/** @param {CloseEvent} event */
function onClose(event) {
  socket = null;
  if (document.body.dataset.liveState === "live") downSince = Date.now();
  document.body.dataset.liveState = "down";
  if (event.code === SIGNED_OUT) return say(word("signed_out"), "error");
  bannerTimer ||= setTimeout(banner, PATIENCE);
  clearTimeout(retryTimer);
  retryTimer = setTimeout(connect, delay * (.5 + Math.random() / 2));
  delay = Math.min(SLOWEST, delay * 2);
}

function connect() {
  clearTimeout(retryTimer);
  if (socket) return;
  const url = new URL(document.body.dataset.live ?? "", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const line = new WebSocket(url);
  socket = line;
  line.addEventListener("open", () => line === socket && onOpen());
  line.addEventListener("close", (event) => line === socket && onClose(event));
  line.addEventListener("message", ({ data }) => {
    if (line !== socket) return;
    const message = JSON.parse(data);
    DO[message.do]?.(message);
  });
}

/** Without a network the closing of a line may take minutes to be noticed: we let go of it at once. */
function letGo() {
  const line = socket;
  if (!line) return;
  onClose(new CloseEvent("close"));
  line.close();
}

if (document.body.dataset.live) {
  document.body.dataset.liveState = "down";
  connect();
  document.addEventListener("htmx:afterSettle", follow);
  setInterval(() => here(Date.now() - typedAt < TYPING ? "typing" : "viewing"), BEAT);
  document.addEventListener("visibilitychange", () => document.hidden || (socket ? here("viewing") : connect()));
  addEventListener("online", connect);
  addEventListener("offline", letGo);
}
