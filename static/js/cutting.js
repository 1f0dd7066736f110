// A text that is too long for one post, cut into several: what channels_app/platforms/cutting.py does, step for step.
// tests/browser/test_parts.py compares the two.
import { clusters, length, MENTION, WEB, WORD } from "./counting.js";

const MOST = 20; // posts of one reply; what is left over stands in one more
const MAIL = `(?<!${WORD}|[.+-])(?:${WORD}|[.+-]){1,64}@(?:${WORD}|-)+(?:\\.(?:${WORD}|-)+)+`;
const WHOLE = new RegExp(`${WEB.source}|${MENTION.source}|${MAIL}|[@#]${WORD}{1,100}(?!${WORD})`, "giu");
const SENTENCE = /[.!?…]["'”’»)\]]*(?=\s)|[。！？]|(?=\n)/gu;

/**
 * @param {string} text
 * @returns {number[]} where it may be cut; the last is its end
 */
function endsOf(text) {
  const within = new Set();
  for (const found of text.matchAll(WHOLE)) {
    for (let at = found.index + 1; at < found.index + found[0].length; at += 1) within.add(at);
  }
  let at = 0;
  return clusters(text).map((cluster) => (at += cluster.length)).filter((end) => !within.has(end));
}

/**
 * @param {number[]} ends
 * @param {number} first
 * @param {(end: number) => boolean} fits
 */
function lastThatFits(ends, first, fits) {
  if (!fits(ends[first])) return -1;
  let low = first, step = 16, high = low + step;
  while (high < ends.length && fits(ends[high])) {
    low = high;
    step *= 2;
    high = low + step;
  }
  high = Math.min(high, ends.length);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (fits(ends[middle])) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * @param {string} text
 * @param {number} start
 * @param {number[]} ends
 * @param {number} first
 * @param {number} last
 */
function best(text, start, ends, first, last) {
  const places = new Map(ends.slice(first, last + 1).map((end, n) => [end, first + n]));
  const half = (start + ends[last]) / 2;
  const whole = Array.from(text.slice(start, ends[last] + 1).matchAll(SENTENCE), (found) => start + found.index + found[0].length)
    .filter((end) => half <= end && end <= ends[last] && places.has(end));
  if (whole.length) return /** @type {number} */ (places.get(whole[whole.length - 1]));
  for (let n = last; n >= first; n -= 1) {
    if (/\s/u.test(text[ends[n]] ?? "") && text.slice(start, ends[n]).trim()) return n;
  }
  return last;
}

/**
 * @param {string} text
 * @param {number} limit
 * @param {string | undefined} how
 * @param {string} [ending]
 * @returns {string[] | null} the parts with the blanks around them; null where something in it is longer than a post
 */
export function pieces(text, limit, how, ending = "") {
  const ends = endsOf(text), found = [];
  let start = 0, first = 0;
  while (start < text.length) {
    const begins = start;
    const fits = (/** @type {number} */ end) => length(text.slice(begins, end).trim() + ending, how) <= limit;
    let last = found.length < MOST ? lastThatFits(ends, first, fits) : ends.length - 1;
    if (last < 0) return null;
    if (last < ends.length - 1) {
      last = best(text, start, ends, first, last);
      while (last + 1 < ends.length && !text.slice(ends[last], ends[last + 1]).trim()) last += 1;
    }
    found.push(text.slice(start, ends[last]));
    start = ends[last];
    first = last + 1;
  }
  return found;
}

/**
 * @param {string} text
 * @param {number} limit
 * @param {string | undefined} how
 * @param {boolean} numbered
 * @returns {number} how many posts it makes; 0 where it cannot be cut, or makes too many
 */
export function count(text, limit, how, numbered) {
  const plain = pieces(text, limit, how)?.length ?? 0;
  if (!numbered || plain < 2) return plain <= MOST ? plain : 0;
  for (const nines of ["9", "99"]) {
    const found = pieces(text, limit, how, ` ${nines}/${nines}`)?.length ?? 0;
    if (found <= Number(nines)) return found <= MOST ? found : 0;
  }
  return 0;
}
