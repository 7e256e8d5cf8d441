/* The search of all pages: a dialog with an ARIA combobox, opened by Ctrl+K, Cmd+K or its link.

   What is typed is asked at data-search-from, which answers the page's own results; each link marked data-search-hit
   becomes an option. Of many answers the newest question's counts. Enter before it has come waits for it, so that it
   never goes to what an older text had found. Nothing acts here: an option leads to its page. */
"use strict";
{
  const PAUSE = 150;

  class Search {
    constructor(link) {
      this.link = link;
      this.question = 0;
      this.build();
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.open();
      });
      document.addEventListener("keydown", (event) => {
        if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
        event.preventDefault();
        if (this.dialog.open) this.dialog.close();
        else this.open();
      });
    }

    build() {
      this.dialog = element("dialog", { class: "ds-search-dialog", "aria-label": "Search everything" });
      this.box = element("input", {
        type: "text", role: "combobox", class: "ds-search-dialog__box", maxlength: "100", autocomplete: "off",
        spellcheck: "false", "aria-label": "Search everything", "aria-autocomplete": "list", "aria-expanded": "false",
        "aria-controls": "ds-search-list", placeholder: "Keys, folders, syncs, runs, pages, actions",
      });
      this.list = element("div", { id: "ds-search-list", role: "listbox", "aria-label": "Results" });
      this.status = element("p", { role: "status", class: "ds-search-dialog__status" });
      this.dialog.append(this.box, this.list, this.status);
      document.body.append(this.dialog);
      this.box.addEventListener("input", () => this.askLater());
      this.box.addEventListener("keydown", (event) => this.key(event));
      this.list.addEventListener("mousedown", (event) => event.preventDefault());
      this.list.addEventListener("click", (event) => this.clicked(event));
      this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
      /* A late answer finds nobody who waits for it. */
      this.dialog.addEventListener("close", () => this.forget());
    }

    /* The browser keeps the focus within, and gives it back. */
    open() {
      this.dialog.showModal();
      this.box.value = "";
      this.box.focus();
      this.ask();
    }

    forget() {
      this.question += 1;
      this.box.value = "";
      window.clearTimeout(this.timer);
      this.show([], "");
    }

    askLater() {
      this.question += 1;
      this.goes = false;
      this.box.setAttribute("aria-busy", "true");
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.ask(), PAUSE);
    }

    async ask() {
      const question = this.question += 1;
      this.box.setAttribute("aria-busy", "true");
      const address = new URL(this.link.dataset.searchFrom, window.location.href);
      address.searchParams.set("q", this.box.value);
      const answer = await answerOf(address);
      if (question !== this.question) return;
      this.box.removeAttribute("aria-busy");
      this.show(groupsIn(answer), answer?.querySelector("[data-search-status]")?.textContent ?? "The search did not answer. Type again.");
      if (this.goes && this.active) this.go(this.active);
    }

    get isWaiting() {
      return this.box.hasAttribute("aria-busy");
    }

    show(groups, told) {
      this.options = [];
      this.list.replaceChildren(...groups.map((group, index) => this.groupOf(group, index)));
      this.status.textContent = told.replace(/\s+/g, " ").trim();
      this.box.setAttribute("aria-expanded", String(this.options.length > 0));
      this.activate(this.options[0] ?? null);
    }

    groupOf(group, index) {
      const title = element("p", { id: `ds-search-group-${index}`, class: "ds-search-dialog__group", role: "presentation" });
      title.textContent = group.title;
      const made = element("div", { role: "group", "aria-labelledby": title.id });
      made.append(title, ...group.rows.map((row) => this.optionOf(row)));
      return made;
    }

    optionOf(row) {
      const link = row.querySelector("[data-search-hit]");
      const option = element("div", { role: "option", id: `ds-search-${this.options.length}`, "aria-selected": "false" });
      option.append(...link.childNodes, ...row.querySelectorAll(".ds-list__meta"));
      this.options.push({ option, url: link.href, does: link.dataset.does });
      return option;
    }

    key(event) {
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key in steps) {
        event.preventDefault();
        this.move(steps[event.key]);
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (this.isWaiting) this.goes = true;
        else if (this.active) this.go(this.active);
      }
    }

    move(step) {
      if (!this.options.length) return;
      const now = this.options.indexOf(this.active);
      this.activate(this.options[(now + step + this.options.length) % this.options.length]);
    }

    activate(chosen) {
      this.active = chosen;
      for (const each of this.options) each.option.setAttribute("aria-selected", String(each === chosen));
      if (!chosen) return this.box.removeAttribute("aria-activedescendant");
      this.box.setAttribute("aria-activedescendant", chosen.option.id);
      chosen.option.scrollIntoView({ block: "nearest" });
    }

    clicked(event) {
      const found = this.options.find((each) => each.option.contains(event.target));
      if (found) this.go(found);
    }

    go(chosen) {
      this.dialog.close();
      if (chosen.does === "theme") document.querySelector(".theme-toggle")?.click();
      else window.location.assign(chosen.url);
    }
  }

  async function answerOf(address) {
    try {
      const response = await fetch(address, { credentials: "same-origin", redirect: "error" });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      return response.ok ? page.querySelector("[data-search-results]") : null;
    } catch {
      return null;
    }
  }

  function groupsIn(answer) {
    return [...answer?.querySelectorAll("[data-search-group]") ?? []].map((section) => ({
      title: section.dataset.searchGroup, rows: [...section.querySelectorAll("li")],
    }));
  }

  function element(name, attributes) {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    return made;
  }

  const link = document.querySelector("[data-search-from]");
  if (link) new Search(link);
}
