// What many events ask for and one request answers: soon, and at most once in PAUSE.
const PAUSE = 2_000; // ms between two pulls of the same thing
const JITTER = 200; // ms, so that a hundred pages do not ask at once

/**
 * Calls `pull` soon, and at most once in PAUSE however often it is asked for.
 * @param {() => unknown} pull
 */
export function seldom(pull) {
  let last = 0;
  let timer = 0;
  return () => {
    if (timer) return;
    const wait = Math.max(Math.random() * JITTER, last + PAUSE - Date.now());
    timer = setTimeout(() => {
      timer = 0;
      last = Date.now();
      pull();
    }, wait);
  };
}
