// The page is whole without this. It asks for the same page again and replaces what is marked data-live, takes files
// that are dropped, and asks before what cannot be undone.
"use strict";

const busy = (part) => part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea, button");
const due = new Map();

async function refresh() {
  const parts = [...document.querySelectorAll("[data-live][id]")];
  const now = Date.now();
  const wanted = parts.filter((part) => (due.get(part.id) ?? 0) <= now && !busy(part));
  if (document.hidden || wanted.length === 0) return;
  wanted.forEach((part) => due.set(part.id, now + Number(part.dataset.live)));
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (answer.redirected || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of wanted) {
    const other = fresh.getElementById(part.id);
    if (other === null) continue;
    if (other.dataset.live === undefined) delete part.dataset.live;
    if (part.innerHTML !== other.innerHTML) exchange(part, other);
  }
}

// Pictures that stay the same stay, so that nothing flickers; a new one is shown when it is there.
function exchange(part, other) {
  const focus = document.activeElement?.closest("a[href]")?.getAttribute("href");
  const held = part.contains(document.activeElement);
  const pictures = new Map([...part.querySelectorAll("img")].map((image) => [image.getAttribute("src").split("?at=")[0], image]));
  for (const image of other.querySelectorAll("img")) {
    const old = pictures.get(image.getAttribute("src").split("?at=")[0]);
    if (old === undefined) continue;
    if (old.getAttribute("src") !== image.getAttribute("src")) {
      const next = new Image();
      const source = image.getAttribute("src");
      next.onload = () => old.setAttribute("src", source);
      next.src = source;
    }
    image.replaceWith(old);
  }
  part.replaceChildren(...other.childNodes);
  if (held && focus) part.querySelector(`a[href="${CSS.escape(focus)}"]`)?.focus();
}

async function watch() {
  try {
    await refresh();
  } catch {
    // The gateway restarts, or the network is away: the next time.
  }
  setTimeout(watch, 250);
}

function drops(zone) {
  const input = zone.querySelector("input[type=file]");
  const list = zone.querySelector("[data-chosen]");
  const show = () => {
    list.replaceChildren(...[...input.files].map((file) => {
      const item = document.createElement("li");
      item.textContent = `${file.name} (${Math.ceil(file.size / 1024)} kB)`;
      return item;
    }));
  };
  input.addEventListener("change", show);
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.remove("over"); });
  }
  zone.addEventListener("drop", (event) => {
    input.files = event.dataTransfer.files;
    show();
  });
}

document.querySelectorAll("[data-drop]").forEach(drops);
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.sure;
  if (question && !confirm(question)) event.preventDefault();
});
if (document.querySelector("[data-live]")) setTimeout(watch, 500);
