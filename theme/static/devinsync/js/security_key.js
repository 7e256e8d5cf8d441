/* Forms with data-key-options: the browser asks for the security key or passkey, and its answer is sent with the form. */
"use strict";
{
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (credentials) => (credentials ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

  function parsed(json) {
    const options = { ...JSON.parse(json) };
    options.challenge = bytes(options.challenge);
    if (options.user) options.user = { ...options.user, id: bytes(options.user.id) };
    options.allowCredentials &&= named(options.allowCredentials);
    options.excludeCredentials &&= named(options.excludeCredentials);
    return options;
  }

  /* The form of `toJSON`, which not every browser has. */
  function told(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    const { id, type } = credential;
    return JSON.stringify({ id, type, rawId: text(credential.rawId), response, clientExtensionResults: {} });
  }

  const REASONS = {
    InvalidStateError: "This key is added already.",
    NotAllowedError: "The key was not used in time, or the browser's dialog was closed. Try again.",
    SecurityError: "The browser does not lend keys to this address. Open DevinSync by its name, over https.",
  };

  async function ask(form) {
    const error = form.querySelector("[data-key-error]");
    error.hidden = true;
    try {
      const publicKey = parsed(form.dataset.keyOptions);
      const credential = await navigator.credentials[form.dataset.keyDoes]({ publicKey });
      form.elements.answer.value = told(credential);
      form.submit();
    } catch (reason) {
      error.textContent = REASONS[reason.name] ?? "The browser could not use the key. Try again, or take another way.";
      error.hidden = false;
    }
  }

  for (const form of document.querySelectorAll("form[data-key-options]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    });
  }
}
