// How long a text is, as each network counts it: what channels_app/platforms/counting.py says, sign for sign.
// tests/browser/test_counting.py compares the two.

const ADDRESS = 23;
const WITH_SCHEME = String.raw`https?:\/\/[^\s<>"]*[^\s<>".,;:!?…()\[\]{}'’”»]`;
const BARE = "com|net|org|edu|gov|info|biz|app|dev|io|co|eu|de|es|fr|uk";
export const WORD = String.raw`[\p{L}\p{N}\p{M}_]`;
export const WEB = new RegExp(`${WITH_SCHEME}|(?<!${WORD}|[@./-])(?:[a-z0-9-]+\\.)+(?:${BARE})(?!(?:${WORD}|[.-])*${WORD})(?:\\/[^\\s<>"]*)?`, "giu");
const SCHEMED = new RegExp(WITH_SCHEME, "giu");
export const MENTION = new RegExp(`(?<!${WORD}|[/=])@(${WORD}+(?:(?:${WORD}|[.-])*${WORD})?)@(?:${WORD}|[.-])*${WORD}`, "gu");
const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|[0-9#*]\uFE0F?\u20E3|(?![©®])\p{Extended_Pictographic}/u;
const LIGHT = [[0x0000, 0x10ff], [0x2000, 0x200d], [0x2010, 0x201f], [0x2032, 0x2037]];

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** @param {string} text */
export const clusters = (text) => Array.from(segmenter.segment(text), ({ segment }) => segment);

/** @param {string} text */
const graphemes = (text) => clusters(text).length;

/** @param {string} cluster */
function weight(cluster) {
  if (EMOJI.test(cluster)) return 2;
  let sum = 0;
  for (const sign of cluster) {
    const point = /** @type {number} */ (sign.codePointAt(0));
    sum += LIGHT.some(([first, last]) => first <= point && point <= last) ? 1 : 2;
  }
  return sum;
}

/** @param {string} text */
function weighted(text) {
  const normal = text.normalize("NFC");
  const addresses = normal.match(WEB)?.length ?? 0;
  return addresses * ADDRESS + clusters(normal.replace(WEB, "")).reduce((sum, cluster) => sum + weight(cluster), 0);
}

/** @type {Record<string, (text: string) => number>} */
const WAYS = {
  weighted,
  mastodon: (text) => graphemes(text.replace(SCHEMED, "x".repeat(ADDRESS)).replace(MENTION, "@$1")),
  bluesky: (text) => Math.max(graphemes(text), Math.ceil(new TextEncoder().encode(text).length / 10)),
  graphemes,
  codepoints: (text) => Array.from(text).length,
};

/**
 * @param {string} text
 * @param {string | undefined} how
 */
export const length = (text, how) => (WAYS[how ?? ""] ?? graphemes)(text);
