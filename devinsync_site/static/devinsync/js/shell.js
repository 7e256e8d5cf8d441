/* The frame: the sidebar on narrow screens, and menus that close when you look elsewhere. */
"use strict";
{
  const body = document.body;
  const button = document.querySelector("[data-nav-toggle]");
  const sidebar = document.getElementById("ds-sidebar");

  function setOpen(open) {
    body.classList.toggle("ds-nav-open", open);
    button.setAttribute("aria-expanded", String(open));
    (open ? sidebar.querySelector("a") : button).focus();
  }

  if (button && sidebar) {
    button.addEventListener("click", () => setOpen(!body.classList.contains("ds-nav-open")));
    document.querySelector(".ds-backdrop")?.addEventListener("click", () => setOpen(false));
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (body.classList.contains("ds-nav-open")) setOpen(false);
    document.querySelectorAll("details.ds-menu[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.ds-menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  // On a phone the list of filters would push the rows out of sight, so it starts closed there.
  if (window.matchMedia("(max-width: 900px)").matches) {
    document.querySelectorAll("#changelist-filter details[open]").forEach((filter) => {
      filter.open = false;
    });
  }
}
