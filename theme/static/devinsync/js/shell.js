/* The frame: the sidebar on narrow screens, menus that close when you look elsewhere, the first field to be mended. */
"use strict";
{
  const MENUS = "details.ds-menu[open], details.ds-filter[open]";
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
    document.querySelectorAll(MENUS).forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  document.addEventListener("click", (event) => {
    document.querySelectorAll(MENUS).forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  /* After the scripts that put a control of their own in a field's place. */
  document.addEventListener("DOMContentLoaded", () => {
    const faulty = [...document.querySelectorAll('#content [aria-invalid="true"]')];
    faulty.find((field) => field.checkVisibility())?.focus();
  });
}
