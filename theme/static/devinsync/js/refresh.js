/* Keeps a part of the page fresh: fetches data-refresh-url every data-refresh-every ms and puts the answer inside.

   Ends when the fragment holds an element with data-finished ("reload" there reloads the page once), or when the
   session has ended. Waits while the tab is hidden, and longer after each failure. */
"use strict";
{
  const SLOWEST = 30000;

  class Refresher {
    constructor(container) {
      this.container = container;
      this.every = Number(container.dataset.refreshEvery) || 2000;
      this.pause = this.every;
      if (!this.isFinished()) this.later();
    }

    isFinished() {
      return this.container.querySelector("[data-finished]") !== null;
    }

    later() {
      window.setTimeout(() => this.turn(), this.pause);
    }

    async turn() {
      if (document.hidden) {
        document.addEventListener("visibilitychange", () => this.turn(), { once: true });
        return;
      }
      try {
        if (!(await this.fetchOnce())) return;
        this.pause = this.every;
      } catch {
        this.pause = Math.min(this.pause * 2, SLOWEST);
      }
      this.later();
    }

    /* Returns whether to go on. */
    async fetchOnce() {
      const response = await fetch(this.container.dataset.refreshUrl, {
        credentials: "same-origin",
        headers: { "X-Requested-With": "XMLHttpRequest" },
        redirect: "manual",
      });
      if (response.type === "opaqueredirect" || response.status === 401 || response.status === 403 || response.status === 404) {
        this.say("This part is no longer updated. Reload the page.");
        return false;
      }
      if (!response.ok) throw new Error(`answered ${response.status}`);
      this.swap(await response.text());
      if (!this.isFinished()) return true;
      if (this.container.querySelector("[data-finished]").dataset.finished === "reload") window.location.reload();
      return false;
    }

    swap(html) {
      if (html === this.last) return;
      this.last = html;
      const focused = this.container.contains(document.activeElement) ? document.activeElement.id : "";
      this.container.innerHTML = html;
      if (focused) document.getElementById(focused)?.focus();
    }

    say(text) {
      const note = document.createElement("p");
      note.className = "ds-callout ds-callout--warning";
      note.textContent = text;
      this.container.append(note);
    }
  }

  /* A page may load this twice. */
  for (const container of document.querySelectorAll("[data-refresh-url]:not([data-refreshed])")) {
    container.dataset.refreshed = "";
    new Refresher(container);
  }
}
