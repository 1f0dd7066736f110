// Names of the files somebody has chosen, beside the button they were chosen with, and what each picture shows.
import { word } from "./words.js";

const shown = (input) => {
  const list = input.closest("[data-attach]").querySelector("[data-chosen]");
  const most = Number(input.dataset.most) || Infinity;
  list.replaceChildren(
    ...[...input.files].map((file, n) => {
      const item = document.createElement("li");
      item.textContent = file.name;
      item.classList.toggle("is-too-many", n >= most);
      return item;
    }),
  );
  list.hidden = !input.files.length;
  const alts = input.closest("[data-attach]").querySelector("[data-alts]");
  if (alts) describe(alts, [...input.files]);
};

// A field for each picture, in the order of the files; what is no picture keeps its place and stays empty.
const describe = (alts, files) => {
  alts.querySelectorAll("[data-alt]").forEach((label, n) => {
    const picture = files[n]?.type.startsWith("image/") ? files[n] : null;
    const says = label.querySelector("[data-alt-says]"), before = says.textContent;
    label.hidden = !picture;
    says.textContent = picture ? word("shows", { name: picture.name }) : "";
    if (says.textContent !== before) label.querySelector("input").value = "";
  });
  alts.hidden = !alts.querySelector("[data-alt]:not([hidden])");
  alts.open = !alts.hidden;
};

const begin = (within) => within.querySelectorAll("[data-alts]").forEach((alts) => describe(alts, []));
document.addEventListener("htmx:load", (event) => begin(event.target));
begin(document);

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-attach] input[type=file]")) shown(event.target);
});
