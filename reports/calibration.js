// The slider runs along the rows of the table of thresholds and shows nothing that is not in them.
(() => {
  "use strict";
  const slider = document.getElementById("place");
  const rows = [...document.querySelectorAll("#thresholds tbody tr")];
  const values = [...document.querySelectorAll("#reading .value")];
  const markers = [...document.querySelectorAll("[data-here]")];
  const target = document.getElementById("target");
  const list = document.getElementById("thresholds");
  const show = () => {
    const row = rows[slider.value];
    for (const other of rows) other.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    values.forEach((value, k) => value.replaceChildren(...row.cells[k].cloneNode(true).childNodes));
    slider.setAttribute("aria-valuetext", row.dataset.said);
    target.textContent = row.dataset.target;
    for (const marker of markers) {
      const [x, y] = row.getAttribute(`data-${marker.dataset.here}`).split(" ");
      marker.setAttribute("transform", `translate(${x} 0)`);
      marker.querySelector("circle").setAttribute("cy", y);
    }
    list.scrollTop = row.offsetTop - list.clientHeight / 2;
  };
  slider.addEventListener("input", show);
  for (const button of document.querySelectorAll("[data-to]")) {
    button.addEventListener("click", () => {
      slider.value = button.dataset.to;
      show();
    });
  }
  list.closest("details").addEventListener("toggle", show);
  show();
})();
