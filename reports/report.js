// Filters, sorting and copying. The page is complete without it: nothing here adds content.
(() => {
  "use strict";
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // -- copying ------------------------------------------------------------------------------------
  const csvCell = (value) => {
    const text = value === null ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const cells = () => JSON.parse(document.getElementById("data").textContent).cells;
  for (const button of all("[data-copy-csv]")) {
    button.addEventListener("click", () =>
      copyText(cells().map((row) => row.map(csvCell).join(",")).join("\n") + "\n", button));
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

  // -- words that two texts share -------------------------------------------------------------------
  const MOST_CELLS = 4e6;
  // Longest common subsequence (Wagner & Fischer, J. ACM 21, 1974): which words of each are in it.
  const common = (a, b) => {
    const width = b.length + 1;
    const best = new Uint16Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i -= 1) {
      for (let j = b.length - 1; j >= 0; j -= 1) {
        const at = i * width + j;
        best[at] = a[i] === b[j]
          ? best[at + width + 1] + 1
          : Math.max(best[at + width], best[at + 1]);
      }
    }
    const [inA, inB] = [new Set(), new Set()];
    for (let i = 0, j = 0; i < a.length && j < b.length;) {
      const at = i * width + j;
      if (a[i] === b[j]) { inA.add(i); inB.add(j); i += 1; j += 1; }
      else if (best[at + width] >= best[at + 1]) i += 1;
      else j += 1;
    }
    return [inA, inB];
  };
  const marked = (words, shared, tag) => {
    const nodes = [];
    let run = "";
    const flush = () => {
      if (!run) return;
      const node = document.createElement(tag);
      node.textContent = run;
      nodes.push(node);
      run = "";
    };
    words.forEach((word, at) => {
      if (!shared.has(at)) { run += word; return; }
      flush();
      nodes.push(word);
    });
    flush();
    return nodes;
  };

  // -- samples ------------------------------------------------------------------------------------
  const form = document.getElementById("filters");
  const samples = all("details.sample");
  // "#s-1f2e…&left=a&right=b": the place, then the filters by the names a reader sees, so that a link
  // still holds on the page of a later run.
  const linked = () => {
    const [place, ...rest] = location.hash.slice(1).split("&");
    return [place, new URLSearchParams(rest.join("&"))];
  };
  const openLinked = () => {
    const [place, filters] = linked();
    if (form && (place === "samples" || place.startsWith("s-"))) readFilters(filters);
    const target = document.getElementById(place);
    if (!target || !target.matches(".sample")) {
      if (target && [...filters].length) target.scrollIntoView();
      return;
    }
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
  };
  let readFilters = () => {};
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
    const list = document.querySelector("#samples .list");
    const count = (row, code) => row.dataset.r.split(code).length - 1;
    const orders = {
      "": () => 0,
      hard: (row) => count(row, "p"),
      split: (row) => -Math.min(count(row, "p"), count(row, "b") + count(row, "x")),
    };
    let order = "";
    const filters = [...form.querySelectorAll("select, input")];
    const shownAs = (field) => (field.options ? field.selectedOptions[0]?.text : field.value.trim());
    readFilters = (wanted) => {
      for (const field of filters) {
        const value = wanted.get(field.name) ?? "";
        if (!field.options) field.value = value;
        else field.selectedIndex = Math.max(0, [...field.options].findIndex((o) => o.text === value));
      }
      apply();
    };
    const link = (place) => {
      const set = filters.filter((field) => field.value.trim()).map((f) => [f.name, shownAs(f)]);
      return [`#${place}`, ...(set.length ? [new URLSearchParams(set)] : [])].join("&");
    };
    const show = (place) => {
      try {
        history.replaceState(null, "", link(place));
      } catch { /* in a sandboxed frame: the page works, the address stays */ }
    };
    list.addEventListener("click", (event) => {
      const anchor = event.target.closest("a[href^='#s-']");
      if (!anchor) return;
      event.preventDefault();
      show(anchor.hash.slice(1));
      copyText(location.href, anchor);
    });
    const apply = () => {
      const fields = Object.fromEntries(new FormData(form));
      const { task, candidate, result, text } = fields;
      if (fields.order !== order) {
        order = fields.order;
        list.append(...[...samples].sort((a, b) => orders[order](a) - orders[order](b)));
      }
      compare(fields.left || "", fields.right || "");
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

    // Two candidates side by side; words that only one of them has are marked.
    let pair = null;
    const whole = new WeakMap();
    const compare = (left, right) => {
      const next = left !== "" && right !== "" && left !== right ? [left, right] : null;
      if (String(next) === String(pair)) return;
      pair = next;
      document.getElementById("pairs").hidden = !pair;
      for (const row of samples) if (row.open || row.dataset.paired) showPair(row);
    };
    const showPair = (row) => {
      const answers = all("article", row);
      for (const [article, output] of answers.map((a) => [a, a.querySelector(".output")])) {
        if (output && whole.has(output)) output.textContent = whole.get(output);
        article.hidden = pair !== null && !pair.includes(article.dataset.c);
        article.classList.toggle("right", pair !== null && article.dataset.c === pair[1]);
      }
      row.querySelector(".answers").classList.toggle("pair", pair !== null);
      row.toggleAttribute("data-paired", pair !== null);
      if (!pair) return;
      const [one, two] = pair.map((place) =>
        answers.find((a) => a.dataset.c === place)?.querySelector(".output"));
      if (one && two) markDifferences(one, two);
    };
    const markDifferences = (one, two) => {
      const [a, b] = [one, two].map((node) => {
        whole.set(node, node.textContent);
        return node.textContent.match(/\s*\S+|\s+$/g) || [];
      });
      if (a.length * b.length > MOST_CELLS) return;
      const [inOne, inTwo] = common(a.map((word) => word.trim()), b.map((word) => word.trim()));
      one.replaceChildren(...marked(a, inOne, "del"));
      two.replaceChildren(...marked(b, inTwo, "ins"));
    };
    samples.forEach((row) => row.addEventListener("toggle", () => {
      if (row.open && pair && !row.dataset.paired) showPair(row);
    }));

    let waiting = 0;
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { apply(); show("samples"); }, 80);
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

  // -- age ----------------------------------------------------------------------------------------
  // The page is the same whenever it is made; how old its prices are, only a reader's clock tells.
  for (const note of all("[data-since]")) {
    const days = Math.floor((Date.now() - Date.parse(note.dataset.since)) / 864e5);
    note.querySelector("span").textContent = days;
    note.hidden = !(days > 30);
  }

  // -- print --------------------------------------------------------------------------------------
  addEventListener("beforeprint", () => {
    for (const details of all("details:not(.sample, .yaml)")) details.open = true;
  });
})();
