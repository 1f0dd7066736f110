// A button that copies a field: [data-copies] names the field, whose [data-copied] is what is said then.
import { say } from "./toasts.js";

document.addEventListener("click", async (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-copies]");
  const field = button && document.getElementById(button.getAttribute("data-copies") ?? "");
  if (!(field instanceof HTMLInputElement)) return;
  field.select();
  // without https there is no clipboard: what is selected can still be copied by hand
  await navigator.clipboard?.writeText(field.value).then(() => say(field.dataset.copied ?? "", "success"), () => {});
});
