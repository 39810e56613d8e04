// What every page's script stands on: the mark that scripts run, and copying.
document.documentElement.classList.add("js");
const copyText = async (text, button) => {
  const say = (words) => {
    const before = button.dataset.label || (button.dataset.label = button.textContent);
    button.textContent = words;
    setTimeout(() => { button.textContent = before; }, 1600);
  };
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) return say("Select and copy by hand");
  }
  say("Copied");
};
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () =>
    copyText(document.getElementById(button.dataset.copy).textContent, button));
}
