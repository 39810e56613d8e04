// Filters, sorting and copying. The page is complete without it: nothing here adds content.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // -- copying ------------------------------------------------------------------------------------
  const say = (button, text) => {
    const before = button.dataset.label || (button.dataset.label = button.textContent);
    button.textContent = text;
    setTimeout(() => { button.textContent = before; }, 1600);
  };
  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      if (!done) return say(button, "Select and copy by hand");
    }
    say(button, "Copied");
  };
  const csvCell = (value) => {
    const text = value === null ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const cells = () => JSON.parse(document.getElementById("data").textContent).cells;
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", () =>
      copy(document.getElementById(button.dataset.copy).textContent, button));
  }
  for (const button of all("[data-copy-csv]")) {
    button.addEventListener("click", () =>
      copy(cells().map((row) => row.map(csvCell).join(",")).join("\n") + "\n", button));
  }

  // -- sorting ------------------------------------------------------------------------------------
  for (const table of all("table[data-sortable]")) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    for (const head of all("th[data-sort]", table)) {
      const column = head.cellIndex;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { none: "descending", descending: "ascending", ascending: "none" };
        const order = next[head.ariaSort || "none"];
        for (const other of all("th[data-sort]", table)) other.removeAttribute("aria-sort");
        if (order !== "none") head.setAttribute("aria-sort", order);
        const value = (row) => Number(row.cells[column].dataset.v ?? -2);
        const sign = order === "ascending" ? 1 : -1;
        const rows = order === "none"
          ? original
          : [...original].sort((a, b) => sign * (value(a) - value(b)));
        body.append(...rows);
      });
    }
  }

  // -- samples ------------------------------------------------------------------------------------
  const form = document.getElementById("filters");
  const samples = all("details.sample");
  const openLinked = () => {
    const target = /^#s\d+$/.test(location.hash) && document.querySelector(location.hash);
    if (!target) return;
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
  };
  if (form) {
    const texts = new Map();
    const textOf = (row) => {
      if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
      return texts.get(row);
    };
    const hasResult = (codes, candidate, result) => {
      if (result === "d") return new Set(codes.replaceAll("-", "")).size > 1;
      if (candidate === "") return !result || codes.includes(result);
      const code = codes[Number(candidate)];
      return result ? code === result : code !== "-";
    };
    const apply = () => {
      const { task, candidate, result, text } = Object.fromEntries(new FormData(form));
      const needle = text.trim().toLowerCase();
      let count = 0;
      for (const row of samples) {
        const shown = (task === "" || row.dataset.task === task)
          && hasResult(row.dataset.r, candidate, result)
          && (!needle || textOf(row).includes(needle));
        row.hidden = !shown;
        count += shown;
      }
      form.elements.count.value = `${count} of ${samples.length} shown`;
      document.getElementById("none").hidden = count > 0;
    };
    let waiting = 0;
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(apply, 80);
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    const toggle = form.querySelector("[data-toggle-all]");
    toggle.addEventListener("click", () => {
      const shown = samples.filter((row) => !row.hidden).slice(0, 200);
      const open = shown.some((row) => !row.open);
      for (const row of shown) row.open = open;
      toggle.textContent = open ? "Close all shown" : "Open all shown";
    });
    apply();
  }
  addEventListener("hashchange", openLinked);
  openLinked();

  // -- print --------------------------------------------------------------------------------------
  addEventListener("beforeprint", () => {
    for (const details of all("details:not(.sample, .yaml)")) details.open = true;
  });
})();
