/* Keeps a form's page in step with what is being entered, without a reload.

   A form with data-live-form is posted as its "refresh" button, or the one that it names, would post it, and every
   data-live-part of the answer takes the place of the part of that name here. An answer to older entries is dropped.
   What data-live-hide marks is only needed without this script; what is entered within data-live-quiet asks nothing.
   data-live-submit: a button whose answer is shown in the same way. data-live-goto: a link that keeps the entries.
   data-live-once: a form that is sent once, however often its button is pressed. */
"use strict";
{
  const PAUSE = 300;

  class LiveForm {
    constructor(form) {
      this.form = form;
      this.question = 0;
      this.button = form.dataset.liveForm || "refresh";
      form.querySelectorAll("[data-live-hide]").forEach((element) => { element.hidden = true; });
      form.addEventListener("input", (event) => this.forgetError(event.target));
      if (form.querySelector(`[name="${this.button}"]`) || form.querySelector("[data-live-submit]")) {
        form.addEventListener("input", (event) => this.entered(event.target));
        /* Whoever waits long for this script has chosen something by now. */
        if ([...form.elements].some(hasMoved)) this.later(0);
      }
      form.addEventListener("click", (event) => this.click(event));
      form.addEventListener("submit", () => this.stop());
    }

    /* What was wrong with the field is about what stood in it before. */
    forgetError(input) {
      const field = input.closest(".ds-field--error");
      if (!field) return;
      field.classList.remove("ds-field--error");
      input.removeAttribute("aria-invalid");
      field.querySelector(".ds-errors")?.remove();
    }

    entered(input) {
      if (!input.closest("[data-live-quiet]")) this.later(["text", "textarea"].includes(input.type) ? PAUSE : 0);
    }

    later(pause) {
      this.stop();
      this.showWaiting(true);
      this.timer = window.setTimeout(() => this.send(this.button), pause);
    }

    /* Whatever is being asked, its answer is not wanted any more. */
    stop() {
      this.question += 1;
      window.clearTimeout(this.timer);
      this.request?.abort();
    }

    click(event) {
      const button = event.target.closest("[data-live-submit]");
      if (!button) return;
      event.preventDefault();
      button.setAttribute("aria-disabled", "true");
      /* What has the focus is not swapped, and a button may go with its part. */
      if (button.closest("[data-live-part]")) button.blur();
      this.send(button.name).finally(() => button.removeAttribute("aria-disabled"));
    }

    async send(name) {
      this.stop();
      const question = this.question;
      const request = this.request = new AbortController();
      this.showWaiting(true);
      const body = new FormData(this.form);
      body.append(name, "1");
      try {
        const response = await fetch(window.location.href, {
          method: "POST", body, credentials: "same-origin", redirect: "manual", signal: request.signal,
        });
        const page = new DOMParser().parseFromString(response.ok ? await response.text() : "", "text/html");
        if (question === this.question) this.swap(page);
      } catch (error) {
        if (error.name !== "AbortError") this.form.querySelectorAll("[data-live-hide]").forEach((e) => { e.hidden = false; });
      } finally {
        if (question === this.question) this.showWaiting(false);
      }
    }

    /* data-live-wait: what is shown while an answer is awaited; its style keeps quick answers from flickering. */
    showWaiting(isWaiting) {
      this.form.setAttribute("aria-busy", String(isWaiting));
      this.form.querySelectorAll("[data-live-wait]").forEach((element) => { element.hidden = !isWaiting; });
    }

    swap(page) {
      page.querySelectorAll("[data-live-part]").forEach((fresh) => {
        const part = this.form.querySelector(`[data-live-part="${fresh.dataset.livePart}"]`);
        if (!part || part.innerHTML === fresh.innerHTML) return;
        if (part.contains(document.activeElement)) this.update(part, fresh);
        else part.replaceChildren(...fresh.childNodes);
      });
    }

    /* The field that somebody is in stays; what there is to choose in it changes. */
    update(part, fresh) {
      const choice = fresh.querySelector("ds-typeahead");
      if (choice) part.querySelector("ds-typeahead")?.take(choice);
    }
  }

  /* Whether a field says something else than the page came with. */
  function hasMoved(field) {
    if (field.type === "text") return field.value !== field.defaultValue;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.type !== "select-one") return false;
    const given = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
    return given !== undefined && !given.selected;
  }

  function goKeeping(event) {
    const form = document.querySelector("[data-live-form]");
    if (!form || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const goal = document.createElement("input");
    goal.type = "hidden";
    goal.name = "wizard_goto_step";
    goal.value = event.currentTarget.dataset.liveGoto;
    form.append(goal);
    form.submit();
  }

  function sendOnce(event) {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  }

  document.querySelectorAll("[data-live-form]").forEach((form) => new LiveForm(form));
  document.querySelectorAll("[data-live-goto]").forEach((link) => link.addEventListener("click", goKeeping));
  document.querySelectorAll("[data-live-once]").forEach((form) => form.addEventListener("submit", sendOnce));
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent));
}
