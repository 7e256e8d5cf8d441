/* Shows the preview below the text, which stays as it was typed: form[data-preview="#place"] is sent, and the same
   place of the answer put here. Without this script the form leads to a page with the preview and an empty text. */
"use strict";
{
  const FAULT = ["aria-describedby", "aria-invalid"];

  /* What is wrong with the answer's fields stands at the same fields here, which keep what was entered. */
  function tellFaults(form, page) {
    for (const field of form.querySelectorAll(".ds-field")) {
      const control = field.querySelector("textarea, input");
      const answered = page.getElementById(control.id);
      const errors = answered.closest(".ds-field").querySelector(".ds-errors");
      field.classList.toggle("ds-field--error", Boolean(errors));
      field.querySelector(".ds-errors")?.remove();
      if (errors) control.after(errors);
      for (const name of FAULT) {
        if (answered.hasAttribute(name)) control.setAttribute(name, answered.getAttribute(name));
        else control.removeAttribute(name);
      }
    }
    const faulty = form.querySelector('[aria-invalid="true"]');
    faulty?.focus();
    return faulty;
  }

  async function preview(form) {
    const selector = form.dataset.preview;
    const response = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "error" });
    if (!response.ok) throw new Error("refused");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const place = document.querySelector(selector);
    place.replaceChildren(...page.querySelector(selector).childNodes);
    if (tellFaults(form, page)) return;
    // The next step is now below, where its button is the one that stands out.
    form.querySelector("[type=submit]").classList.remove("ds-btn--primary");
    place.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-preview]");
    if (!form) return;
    event.preventDefault();
    preview(form).catch(() => form.submit());
  });
}
