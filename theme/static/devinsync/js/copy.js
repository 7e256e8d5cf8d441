/* Buttons that copy: data-copy="#id" takes that element's text, data-copy-text="…" the text itself. */
"use strict";
{
  async function copy(button) {
    const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : null;
    /* Of a secret's value each space counts. */
    const isExact = source?.matches(".ds-value");
    const shown = isExact ? source?.textContent : source?.textContent.trim();
    const text = source ? (source.value ?? shown) : button.dataset.copyText;
    if (!text) return;
    const label = button.dataset.copyLabel || button.textContent;
    button.dataset.copyLabel = label;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl+C";
      if (source) window.getSelection().selectAllChildren(source);
    }
    window.setTimeout(() => { button.textContent = label; }, 1600);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (button) copy(button);
  });
}
