/* Shows the preview below the text, which stays as it was typed: form[data-preview="#place"] is sent, and the same
   place of the answer put here. Without this script the form leads to a page with the preview and an empty text. */
"use strict";
{
  async function preview(form) {
    const selector = form.dataset.preview;
    const response = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "error" });
    if (!response.ok) throw new Error("refused");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const place = document.querySelector(selector);
    place.replaceChildren(...page.querySelector(selector).childNodes);
    for (const element of place.querySelectorAll("[data-only-script]")) element.hidden = false;
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
