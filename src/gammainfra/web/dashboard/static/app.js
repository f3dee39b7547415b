// Counters, keys, copying and the theme. Without it every page still works: links, forms and tables need no script.
"use strict";

(() => {
  const body = document.body;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);

  // ---- what is new: one stream for each tab, told to everything that asks with hx-trigger="records from:body"
  let shown = Number(body.dataset.written || 0);
  let announced = shown;
  let waiting = 0;

  function announce(written) {
    for (const link of all("[data-new]")) {
      const fresh = written < shown ? 0 : written - shown;
      link.hidden = fresh === 0;
      link.querySelector("[data-new-count]").textContent = String(fresh);
    }
    if (written === announced || waiting) return;
    // A page is made anew at most every second and a half, and never while a reader has something open in it.
    waiting = setTimeout(() => {
      waiting = 0;
      announced = written;
      if (!document.hidden) body.dispatchEvent(new CustomEvent("records"));
    }, 1500);
  }

  function listen() {
    const source = new EventSource(body.dataset.events);
    const lost = one("#connection");
    source.addEventListener("counts", (event) => {
      const counts = JSON.parse(event.data);
      for (const place of all("[data-in-flight]")) place.textContent = String(counts.in_flight);
      if (lost) lost.hidden = true;
      announce(counts.written);
    });
    source.onerror = () => {
      if (lost) lost.hidden = false;
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    };
  }
  if (body.dataset.events && window.EventSource) listen();

  // ---- theme: the system's, light or dark; kept in a cookie so that the server's page has it from the first byte
  function turnTheme() {
    const root = document.documentElement;
    const next = { "": "light", light: "dark", dark: "" }[root.dataset.theme || ""];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    document.cookie = `gammainfra-theme=${next}; Path=/dashboard; SameSite=Lax; Max-Age=${next ? 31536000 : 0}`;
    for (const place of all("[data-theme-name]")) place.textContent = next || "system";
  }

  async function copy(button) {
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it";
    }
    setTimeout(() => { button.textContent = before; }, 1500);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.copy !== undefined) copy(button);
    else if (button.dataset.open) one("#" + button.dataset.open).showModal();
    else if (button.dataset.themeSwitch !== undefined) turnTheme();
  });

  // An address without empty parameters; a choice applies at once.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-filters]")) return;
    for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-filters]");
    if (form && event.target.tagName === "SELECT") form.requestSubmit();
  });
  window.addEventListener("pageshow", () => {
    for (const field of all("[data-filters] :disabled")) field.disabled = false;
  });

  // ---- keys
  let afterG = false;

  function move(by) {
    const rows = all("[data-rows] a.row");
    if (!rows.length) return;
    const here = rows.findIndex((row) => row.closest("tr").contains(document.activeElement));
    const next = rows[Math.min(rows.length - 1, Math.max(0, here < 0 ? 0 : here + by))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (afterG) {
      afterG = false;
      const link = one(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) link.click();
      return;
    }
    const actions = {
      j: () => move(1),
      k: () => move(-1),
      g: () => { afterG = true; setTimeout(() => { afterG = false; }, 1500); },
      t: turnTheme,
      l: () => { const link = one("[data-new]:not([hidden])"); if (link) link.click(); },
      "/": () => { const field = one("[data-search]"); if (field) field.focus(); else location.href = "/dashboard/requests"; },
      "?": () => { const list = one("#shortcuts"); if (list && !list.open) list.showModal(); },
      Escape: () => { const back = one("[data-back]"); if (back && !one("dialog[open]")) back.click(); },
    };
    if (actions[event.key]) {
      if (event.key !== "Escape") event.preventDefault();
      actions[event.key]();
    }
  });
})();
