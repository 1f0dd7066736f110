// Names of the files somebody has chosen, beside the button they were chosen with.
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
};

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-attach] input[type=file]")) shown(event.target);
});
