// Menus (<details class="menu">) close as people expect; buttons open dialogs; the theme is chosen and kept.

/** @param {Element | null} [except] */
function closeMenus(except = null) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!except || !menu.contains(except)) menu.removeAttribute("open");
  }
}

/** Closes the innermost open menu and gives focus back to what opened it. @returns {boolean} whether one was open */
function leaveMenu() {
  const open = [...document.querySelectorAll("details.menu[open]")].pop();
  open?.removeAttribute("open");
  open?.querySelector("summary")?.focus();
  return Boolean(open);
}

/** @param {string} name */
export function openDialog(name) {
  const dialog = document.getElementById(name);
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  closeMenus();
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("hark:opened", { bubbles: true }));
}

/** @param {string} chosen "light", "dark" or "" for the device's own */
function setTheme(chosen) {
  const root = document.documentElement;
  if (chosen) root.dataset.theme = chosen;
  else delete root.dataset.theme;
  try {
    if (chosen) localStorage.setItem("hark-theme", chosen);
    else localStorage.removeItem("hark-theme");
  } catch {
    // not kept, but shown
  }
  showTheme();
}

function showTheme() {
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    const pressed = (button.getAttribute("data-theme-set") ?? "") === (document.documentElement.dataset.theme ?? "");
    button.setAttribute("aria-pressed", String(pressed));
  }
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  closeMenus(target.closest("[data-leaves-menu]") ? null : target);
  const opener = target.closest("[data-opens]");
  if (opener) openDialog(opener.getAttribute("data-opens") ?? "");
  const closer = target.closest("[data-closes]");
  if (closer) /** @type {HTMLDialogElement | null} */ (closer.closest("dialog"))?.close();
  if (target instanceof HTMLDialogElement) target.close(); // the backdrop belongs to the dialog
  const theme = target.closest("[data-theme-set]");
  if (theme) setTheme(theme.getAttribute("data-theme-set") ?? "");
  if (target.closest("[data-history-back]") && history.length > 1) {
    event.preventDefault();
    history.back();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]") && leaveMenu()) event.stopImmediatePropagation();
});

showTheme();
