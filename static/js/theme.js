// Runs before the first paint, so that a page never flashes in the wrong light. Everything else waits for main.js.
(function () {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const chosen = localStorage.getItem("hark-theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    // storage is refused in some private windows: the device's own theme is right there
  }
})();
