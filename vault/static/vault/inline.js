/* Edits where one is: a[data-inline] opens the form of the page that it leads to, in a row below its own, or at the place
   that its value names. The answer's form, with what was wrong or what it asks, takes the form's place; once it is saved,
   the row, or the page, is shown as it is now. Without this script the link leads to that page. */
"use strict";
{
  const FORM = "form[data-inline-form]";
  let open = null;
  let isOpening = false;

  const parsed = async (response) => new DOMParser().parseFromString(await response.text(), "text/html");

  async function start(link) {
    if (isOpening) return;
    const isAgain = open?.link === link;
    if (open && (!leave() || isAgain)) return;
    isOpening = true;
    try {
      await show(link);
    } finally {
      isOpening = false;
    }
  }

  async function show(link) {
    const response = await fetch(link.href, { redirect: "error" });
    const form = (await parsed(response)).querySelector(FORM);
    if (!response.ok || !form) throw new Error("no form");
    const row = link.closest("tr");
    open = { link, row, isChanged: false, place: row ? below(row) : document.querySelector(link.dataset.inline) };
    put(form, link.href);
    link.setAttribute("aria-expanded", "true");
  }

  function below(row) {
    const place = document.createElement("tr");
    const cell = place.appendChild(document.createElement("td"));
    cell.colSpan = row.cells.length;
    cell.className = "ds-inline";
    row.after(place);
    return cell;
  }

  function put(form, action) {
    const taken = document.adoptNode(form);
    taken.action = action;
    open.place.replaceChildren(taken);
    const first = taken.querySelector("[aria-invalid='true'], [role='alert'], [name='seen'] + *, input:not([type='hidden'])");
    if (!first.matches("input, select, textarea")) first.tabIndex = -1;
    first.focus();
  }

  /* Whether the open form could be closed: what was typed in it is not thrown away unasked. */
  function leave() {
    if (open.isChanged) {
      tell("Save this, or cancel it, first.");
      return false;
    }
    close();
    return true;
  }

  function close() {
    const { link, row, place } = open;
    if (row) place.parentElement.remove();
    else place.replaceChildren();
    link.removeAttribute("aria-expanded");
    open = null;
    link.focus();
  }

  function tell(words) {
    const form = open.place.querySelector(FORM);
    form.querySelector("[data-inline-told]")?.remove();
    const note = document.createElement("p");
    note.className = "ds-callout ds-callout--danger";
    note.dataset.inlineTold = "";
    note.setAttribute("role", "alert");
    note.textContent = words;
    form.prepend(note);
    note.scrollIntoView({ block: "nearest" });
  }

  async function send(form, button) {
    const data = new FormData(form);
    if (button?.name) data.append(button.name, button.value);
    const response = await fetch(form.action, { method: "POST", body: data });
    const page = await parsed(response);
    const again = page.querySelector(FORM);
    if (response.ok && again && !response.redirected) put(again, form.action);
    else if (response.ok && page.querySelector("[data-secret-page]")) await saved(page);
    else throw new Error("not saved");
  }

  async function saved(page) {
    const { link, row } = open;
    const told = page.querySelector(".messagelist");
    const script = page.querySelector("script[src*='refresh']");
    if (row) {
      open.isChanged = false;
      close();
      await showAgain(row);
      document.querySelector(".messagelist")?.remove();
      if (told) document.querySelector("main").prepend(document.adoptNode(told));
    } else {
      open = null;
      document.querySelector("main").replaceChildren(...page.querySelector("main").childNodes);
      renewed(document.querySelector("main"));
      document.querySelector(`[data-inline="${link.dataset.inline}"]`)?.focus();
    }
    if (script) run(script.src);
  }

  async function showAgain(row) {
    const fresh = (await parsed(await fetch(window.location.href, { redirect: "error" }))).getElementById(row.id);
    if (!fresh) return row.remove();
    const taken = document.adoptNode(fresh);
    row.replaceWith(taken);
    renewed(taken);
    return taken.querySelector("[data-inline]")?.focus();
  }

  function renewed(element) {
    element.dispatchEvent(new CustomEvent("ds-renewed", { bubbles: true }));
  }

  /* A script that came with an answer does not run by itself. */
  function run(address) {
    const script = document.createElement("script");
    script.src = address;
    script.dataset.ran = "yes";
    document.head.append(script);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-inline]");
    const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (link && isPlain) {
      event.preventDefault();
      start(link).catch(() => window.location.assign(link.href));
    } else if (open && event.target.closest("[data-inline-cancel]")) {
      event.preventDefault();
      close();
    }
  });
  document.addEventListener("input", (event) => {
    if (open?.place.contains(event.target)) open.isChanged = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && open?.place.contains(event.target)) leave();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest(FORM);
    if (!form || !open?.place.contains(form)) return;
    event.preventDefault();
    send(form, event.submitter).catch(() => {
      tell("It was not saved: the site did not take it, or you are logged out. What you entered is still here.");
    });
  });
}
