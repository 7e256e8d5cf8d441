/* Copies a value without showing it: form[data-copy-secret] is sent, and the answer's value goes to the clipboard.
   Where the answer is another page, as the one that asks for the password, the form leads there. Without this script, or
   where the browser lets no page write to the clipboard, the form stays hidden. */
"use strict";
{
  const SAID_FOR = 2_000;

  async function valueFrom(form) {
    const response = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "error" });
    if (!response.ok) throw new Error("refused");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!page.querySelector("#revealed")) throw new Error("nothing to copy");
    return page.querySelector("#revealed-value")?.textContent ?? "";
  }

  /* Some browsers write only what they were promised while the button was still being pressed. */
  async function write(value) {
    if (!window.ClipboardItem) return navigator.clipboard.writeText(await value);
    const text = value.then((it) => new Blob([it], { type: "text/plain" }));
    return navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
  }

  async function copy(form) {
    const value = valueFrom(form);
    const writing = write(value);
    writing.catch(() => {});
    try {
      await value;
    } catch {
      form.submit();
      return;
    }
    try {
      await writing;
      say(form, "Copied");
    } catch {
      say(form, "The browser refused");
    }
  }

  function say(form, words) {
    const place = form.querySelector("[data-copy-word]");
    place.setAttribute("role", "status");
    place.textContent = words;
    window.setTimeout(() => { place.textContent = "Copy"; }, SAID_FOR);
  }

  function offer(within) {
    if (navigator.clipboard) for (const form of within.querySelectorAll("form[data-copy-secret]")) form.hidden = false;
  }

  offer(document);
  document.addEventListener("ds-renewed", (event) => offer(event.target));
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-copy-secret]");
    if (!form) return;
    event.preventDefault();
    copy(form);
  });
}
