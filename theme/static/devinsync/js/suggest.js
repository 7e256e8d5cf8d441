/* Fills the list of a field with data-suggests-at: what that address answers for the text as it stands, as {"names": [...]}.

   Without script, or where nothing answers, the field takes any text as before. */
"use strict";
{
  const latest = new WeakMap();

  async function suggest(field) {
    const text = field.value;
    latest.set(field, text);
    const address = `${field.dataset.suggestsAt}?${new URLSearchParams({ q: text })}`;
    try {
      const response = await fetch(address, { credentials: "same-origin", redirect: "error" });
      const { names } = response.ok ? await response.json() : { names: [] };
      if (latest.get(field) === text) show(field, names);
    } catch {
      show(field, []);
    }
  }

  function show(field, names) {
    const options = names.map((name) => Object.assign(document.createElement("option"), { value: name }));
    field.list.replaceChildren(...options);
  }

  for (const field of document.querySelectorAll("input[data-suggests-at]")) {
    field.addEventListener("input", () => suggest(field));
    field.addEventListener("focus", () => suggest(field), { once: true });
  }
}
