// A deed answers with the whole case anew, and news bring its side. What somebody began there meanwhile is carried over.

/** @typedef {{ action: string, name: string, value: string, checked: boolean }} Begun */

/** Something that is filled in by hand. @param {Element} element */
export const isField = (element) =>
  (element instanceof HTMLInputElement && !["hidden", "file", "submit"].includes(element.type)) ||
  element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement;

/** Whether it is no longer as the server drew it. @param {any} field */
export const isChanged = (field) =>
  field instanceof HTMLSelectElement
    ? [...field.options].some((option) => option.selected !== option.defaultSelected)
    : field.value !== field.defaultValue || (field.checked ?? false) !== (field.defaultChecked ?? false);

/** @param {Element} form */
const place = (form) => form.getAttribute("action") ?? "";

/** @type {Begun[]} */
let begun = [];
/** @type {string[]} */
let opened = []; // forms somebody was at: what they are folded into is unfolded again
let focused = { action: "", name: "", start: 0, end: 0 };

/**
 * @param {Element} pane
 * @param {Element | null} sent the form whose answer this is
 */
function remember(pane, sent) {
  const around = sent?.closest("details"); // a menu from which something was chosen is done with
  const forms = [...pane.querySelectorAll("form[method=post][action]")].filter((form) => form !== sent && (!around || !around.contains(form)));
  const fields = forms.flatMap((form) => [...form.querySelectorAll("[name]")].filter(isField).map((field) => ({ form, field })));
  begun = fields
    .filter(({ field }) => isChanged(field))
    .map(({ form, field }) => ({ action: place(form), name: /** @type {any} */ (field).name, value: /** @type {any} */ (field).value, checked: /** @type {any} */ (field).checked ?? false }));
  const at = fields.find(({ field }) => field === document.activeElement);
  const field = /** @type {any} */ (at?.field);
  const isText = field instanceof HTMLTextAreaElement || (field instanceof HTMLInputElement && field.type === "text");
  opened = [...new Set([...begun.map(({ action }) => action), ...(at ? [place(at.form)] : [])])];
  focused = { action: at ? place(at.form) : "", name: field?.name ?? "", start: isText ? field.selectionStart : 0, end: isText ? field.selectionEnd : 0 };
}

/**
 * @param {string} action
 * @param {string} name
 * @param {string} [value] of a box or a button of several
 */
function find(action, name, value) {
  const fields = [...document.querySelectorAll(`#case-pane form[method=post][action="${CSS.escape(action)}"] [name="${CSS.escape(name)}"]`)].filter(isField);
  const several = fields.length > 1 && value !== undefined;
  return /** @type {any} */ (several ? fields.find((field) => /** @type {any} */ (field).value === value) : fields[0]);
}

function restore() {
  for (const action of opened) {
    const box = document.querySelector(`#case-pane form[method=post][action="${CSS.escape(action)}"]`)?.closest("details");
    if (box) box.open = true;
  }
  for (const { action, name, value, checked } of begun) {
    const field = find(action, name, value);
    if (!field) continue;
    if (field.type === "checkbox" || field.type === "radio") field.checked = checked;
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const field = focused.name ? find(focused.action, focused.name) : null;
  if (!field) return;
  field.focus({ preventScroll: true });
  if (focused.end && field.setSelectionRange) field.setSelectionRange(focused.start, focused.end);
}

/** @param {Event} event */
const comesAnew = (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  return detail.target?.id === "case-side" || (detail.target?.id === "case-pane" && detail.requestConfig?.verb === "post");
};

document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  if (comesAnew(event) && detail.shouldSwap) remember(detail.target, detail.requestConfig?.elt?.closest("form") ?? null);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (comesAnew(event)) restore();
});
