/* A choice that is searched by typing: the ARIA combobox, made of what a page has without scripts.

   <ds-typeahead><select>…</select></ds-typeahead>                               one of a list
   <ds-typeahead><input list="i"><datalist id="i">…</datalist></ds-typeahead>    a text, with suggestions

   The select, or the field, keeps its name, its value and its events. A select stays in the form, hidden behind a field
   for its label. data-from: an address that answers, for “?q=” and what is typed, the element with other suggestions.
   data-more on a datalist: how many suggestions it leaves out. take(other) takes the options of a newer answer, and
   leaves what is being typed. Of many answers the newest question's is shown, in whatever order they come. */
"use strict";
{
  const MOST = 50;
  const PAUSE = 200;
  let count = 0;

  class Typeahead extends HTMLElement {
    connectedCallback() {
      if (this.box) return;
      this.control = this.querySelector("select, input");
      if (!this.control || this.control.disabled) return;
      this.select = this.control.tagName === "SELECT" ? this.control : null;
      this.id ||= `ds-typeahead-${count += 1}`;
      this.question = 0;
      this.build();
      this.reset();
      window.addEventListener("pageshow", this);
    }

    disconnectedCallback() {
      window.removeEventListener("pageshow", this);
    }

    build() {
      this.datalist = this.querySelector("datalist");
      this.box = this.select ? this.boxOfSelect() : this.control;
      this.box.removeAttribute("list");
      const parts = {
        role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": `${this.id}-list`,
        autocomplete: "off", spellcheck: "false",
      };
      for (const [name, value] of Object.entries(parts)) this.box.setAttribute(name, value);
      this.list = element("ul", { id: `${this.id}-list`, role: "listbox", "aria-label": "Choices" });
      this.note = element("p", { role: "status" });
      this.pop = element("div", { class: "ds-typeahead__pop" });
      this.pop.hidden = true;
      this.pop.append(this.list, this.note);
      this.append(this.pop);
      for (const type of ["input", "keydown", "click", "blur"]) this.box.addEventListener(type, this);
      /* The focus stays in the field. */
      this.pop.addEventListener("mousedown", (event) => event.preventDefault());
      this.list.addEventListener("click", this);
    }

    /* Takes the select's place at its label, and its descriptions. */
    boxOfSelect() {
      const box = element("input", { type: "text", class: "ds-typeahead__box", id: this.select.id });
      for (const name of ["aria-describedby", "aria-invalid"]) {
        if (this.select.hasAttribute(name)) box.setAttribute(name, this.select.getAttribute(name));
      }
      this.select.removeAttribute("id");
      this.select.hidden = true;
      this.select.before(box);
      return box;
    }

    handleEvent(event) {
      if (event.type === "pageshow") this.reset();
      else if (event.type === "input") this.typed(event);
      else if (event.type === "keydown") this.key(event);
      else if (event.type === "blur") this.leave();
      else if (event.currentTarget === this.list) this.picked(event);
      else if (this.isOpen) this.close();
      else this.open();
    }

    get isOpen() {
      return !this.pop.hidden;
    }

    /* What there is to choose. An option without a value stands for none. */
    get choices() {
      const options = [...(this.select ?? this.datalist)?.options ?? []];
      return options.map((option) => ({ value: option.value, label: option.label.trim() })).filter((each) => each.value);
    }

    /* The field says again what is chosen. */
    reset() {
      this.isTyping = false;
      if (!this.select) return;
      const chosen = this.select.selectedOptions[0];
      const none = [...this.select.options].find((option) => !option.value);
      this.box.value = this.box.defaultValue = chosen?.value ? chosen.label.trim() : "";
      this.box.placeholder = none?.label.trim() ?? "";
    }

    typed(event) {
      /* Of a select nothing has been chosen yet. */
      if (this.select) event.stopPropagation();
      this.isTyping = true;
      this.open();
      if (this.dataset.from) this.askLater();
    }

    key(event) {
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key in steps) {
        event.preventDefault();
        if (this.isOpen) this.move(steps[event.key]);
        else this.open(steps[event.key]);
      } else if (event.key === "Enter" && this.isOpen) {
        event.preventDefault();
        if (this.active) this.choose(this.active);
        else this.close();
      } else if (event.key === "Escape" && this.isOpen) {
        event.preventDefault();
        this.close();
        this.reset();
      } else if (event.key === "Tab" && this.isOpen && this.isTyping && this.select && this.active) {
        this.choose(this.active);
      }
    }

    leave() {
      this.close();
      if (!this.select || !this.isTyping) return;
      const text = this.box.value.trim();
      const meant = text ? this.choices.find((each) => each.label === text) : { value: "", label: "" };
      if (meant) this.choose(meant);
      else this.reset();
    }

    picked(event) {
      const option = event.target.closest('[role="option"]');
      if (option) this.choose(this.found[[...this.list.children].indexOf(option)]);
    }

    choose(choice) {
      this.close();
      const isOther = this.control.value !== choice.value;
      this.control.value = choice.value;
      this.reset();
      if (!isOther) return;
      this.box.removeAttribute("aria-invalid");
      for (const type of ["input", "change"]) this.control.dispatchEvent(new Event(type, { bubbles: true }));
      /* A text field has just told itself as well. */
      this.close();
      this.isTyping = false;
    }

    /* The list */

    open(step = 0) {
      this.pop.hidden = false;
      this.box.setAttribute("aria-expanded", "true");
      this.draw();
      if (step < 0) this.move(-1);
      else if (step > 0 || (this.isTyping && this.box.value.trim())) this.move(1);
    }

    close() {
      this.pop.hidden = true;
      this.box.setAttribute("aria-expanded", "false");
      this.activate(null);
    }

    draw() {
      const matching = matches(this.choices, this.isTyping ? this.box.value : "");
      this.found = matching.slice(0, MOST);
      this.list.replaceChildren(...this.found.map((choice, index) => this.optionOf(choice, index)));
      this.list.hidden = this.found.length === 0;
      const more = matching.length - this.found.length + Number(this.datalist?.dataset.more ?? 0);
      this.note.textContent = told(this.found.length, more);
      /* A text may be another than any suggestion: then nothing stands in the way of what is below. */
      this.pop.hidden = !this.select && !this.dataset.from && !matching.length && !more;
      this.box.setAttribute("aria-expanded", String(this.isOpen));
      this.activate(null);
    }

    optionOf(choice, index) {
      const option = element("li", { role: "option", id: `${this.id}-${index}`, "aria-selected": "false" });
      option.append(choice.label);
      if (!this.select && choice.label !== choice.value) option.append(" ", element("code", {}, choice.value));
      return option;
    }

    move(step) {
      if (!this.found.length) return;
      const now = this.found.indexOf(this.active);
      const next = now < 0 && step < 0 ? this.found.length - 1 : now + step;
      this.activate(this.found[(next + this.found.length) % this.found.length]);
    }

    activate(choice) {
      this.active = choice;
      [...this.list.children].forEach((option, index) => {
        const isActive = choice !== null && this.found[index] === choice;
        option.setAttribute("aria-selected", String(isActive));
        if (!isActive) return;
        this.box.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      });
      if (choice === null) this.box.removeAttribute("aria-activedescendant");
    }

    /* Newer options */

    take(other) {
      const fresh = other.querySelector("select, input");
      if (fresh?.tagName !== this.control.tagName) this.giveWayTo(other);
      else if (this.select) this.takeOptions(fresh);
      else this.datalist?.replaceWith(this.datalist = other.querySelector("datalist"));
      if (!this.isTyping) this.reset();
      if (this.isOpen) this.open();
    }

    /* As its chosen option leaves it, a select chooses another: so what it says is read before. */
    takeOptions(fresh) {
      const chosen = fresh.value;
      this.select.replaceChildren(...fresh.childNodes);
      this.select.value = chosen;
    }

    /* A list has become too long to be one, or short enough. */
    giveWayTo(other) {
      const text = this.isTyping ? this.box.value : null;
      this.replaceWith(other);
      other.box.focus();
      if (text === null) return;
      other.box.value = text;
      other.box.dispatchEvent(new Event("input", { bubbles: true }));
    }

    askLater() {
      const question = this.question += 1;
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.ask(question), PAUSE);
    }

    async ask(question) {
      this.box.setAttribute("aria-busy", "true");
      const address = new URL(this.dataset.from, window.location.href);
      address.searchParams.set("q", this.box.value);
      try {
        const response = await fetch(address, { credentials: "same-origin", redirect: "error" });
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        const other = response.ok ? page.querySelector("ds-typeahead") : null;
        if (other && question === this.question) this.take(other);
      } catch {
        /* What there was stays, and what is typed counts. */
      }
      if (question === this.question) this.box.removeAttribute("aria-busy");
    }
  }

  /* Those that have each word of a text, the very one first, then those that begin so. */
  function matches(choices, text) {
    const whole = text.trim().toLowerCase();
    const words = whole.split(/\s+/);
    const rank = ({ label, value }) => {
      const name = label.toLowerCase();
      if (name === whole || value.toLowerCase() === whole) return 0;
      return name.startsWith(whole) ? 1 : 2;
    };
    return choices
      .filter(({ label, value }) => words.every((word) => `${label}\n${value}`.toLowerCase().includes(word)))
      .sort((one, other) => rank(one) - rank(other));
  }

  function told(shown, more) {
    if (!shown) return "Nothing matches.";
    const choices = shown === 1 ? "1 choice" : `${shown} choices`;
    return more > 0 ? `${choices}, and ${more} more. Type to narrow them down.` : `${choices}.`;
  }

  function element(name, attributes, text = "") {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    made.textContent = text;
    return made;
  }

  customElements.define("ds-typeahead", Typeahead);
}
