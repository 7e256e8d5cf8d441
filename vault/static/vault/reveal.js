/* Reveals a value in its place: form[data-reveal="#place"] is sent, and the answer's value shown there for a minute.
   Without this script the form leads to a page that shows the value. */
"use strict";
{
  const SHOWN_FOR = 60_000;
  let hideShown = () => {};

  async function reveal(form) {
    const place = document.querySelector(form.dataset.reveal);
    const response = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "error" });
    if (!response.ok) throw new Error("refused");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const revealed = page.querySelector("#revealed");
    if (!revealed) throw new Error("nothing to show");
    show(form, place, page.querySelector("#revealed-value")?.textContent ?? "", page.querySelector("#revealed-parts"));
  }

  function show(form, place, value, parts) {
    hideShown();
    const button = form.querySelector("button");
    const before = [...place.childNodes];
    const label = [...button.childNodes];
    const isLong = value.includes("\n");
    const shown = document.createElement(isLong ? "pre" : value ? "code" : "span");
    shown.className = isLong ? "ds-pre ds-value" : value ? "ds-value" : "ds-muted";
    shown.textContent = value || "empty";
    place.replaceChildren(shown);
    if (value) place.append(" ", copyButton(shown));
    if (parts) place.append(document.adoptNode(parts));
    button.textContent = "Hide";
    const timer = window.setTimeout(() => hideShown(), SHOWN_FOR);
    hideShown = () => {
      window.clearTimeout(timer);
      place.replaceChildren(...before);
      button.replaceChildren(...label);
      delete form.dataset.isShown;
      hideShown = () => {};
    };
    form.dataset.isShown = "yes";
  }

  function copyButton(shown) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ds-btn ds-btn--small ds-btn--quiet";
    button.textContent = "Copy";
    button.dataset.copy = "#shown-value";
    shown.id = "shown-value";
    return button;
  }

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-reveal]");
    if (!form) return;
    event.preventDefault();
    if (form.dataset.isShown) hideShown();
    else reveal(form).catch(() => form.submit());
  });
  window.addEventListener("pagehide", () => hideShown());
}
