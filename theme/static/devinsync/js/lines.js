/* Adds lines to a text of many lines by a choice that is searched by typing.

   <textarea id="t"></textarea>
   <div data-adds-to="t" data-adds-of="connection" hidden><ds-typeahead data-from="…">…</ds-typeahead></div>

   What is chosen becomes a line, by what it is called where that is one choice alone, else by its value; and so does what is
   typed, as it is. data-adds-of: a field of the form whose value the choices depend on, sent along under its name. */
"use strict";
{
  class Adder {
    constructor(part) {
      this.lines = document.getElementById(part.dataset.addsTo);
      this.choice = part.querySelector("ds-typeahead");
      this.box = part.querySelector("input");
      this.from = this.choice.dataset.from;
      this.of = this.lines.form.elements[part.dataset.addsOf];
      part.hidden = false;
      /* Nothing here is an entry of the form. */
      this.box.removeAttribute("name");
      for (const type of ["input", "change"]) this.box.addEventListener(type, (event) => event.stopPropagation());
      this.box.addEventListener("change", () => this.add());
      this.box.addEventListener("keydown", (event) => { if (event.key === "Enter") this.entered(event); });
      this.of?.addEventListener("change", () => this.offer());
      this.offer();
    }

    /* The choices of what the form says now. */
    offer() {
      const address = new URL(this.from, window.location.href);
      if (this.of) address.searchParams.set(this.of.name, this.of.value);
      this.choice.dataset.from = address;
      if (!this.of || this.of.value) this.choice.ask?.(this.choice.question += 1);
    }

    entered(event) {
      event.preventDefault();
      this.add();
    }

    add() {
      const line = this.lineOf(this.box.value.trim());
      this.box.value = "";
      const there = this.lines.value.split("\n").map((each) => each.trim()).filter(Boolean);
      if (!line || there.some((each) => this.lineOf(each) === line)) return;
      this.lines.value = [...there, line].join("\n");
      this.lines.dispatchEvent(new Event("input", { bubbles: true }));
    }

    lineOf(text) {
      const options = [...this.choice.querySelector("datalist").options];
      const called = options.find((option) => option.value === text)?.label ?? text;
      return options.filter((option) => option.label === called).length > 1 ? text : called;
    }
  }

  /* After the script that makes the choices. */
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-adds-to]").forEach((part) => new Adder(part));
  });
}
