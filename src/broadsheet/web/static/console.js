// Nothing here is needed to work: forms post and links lead without it.
"use strict";

// On a phone the row of places is wider than the window: the one where one is shows itself.
const showPlace = () => {
  const places = document.querySelector(".side nav");
  const here = places?.querySelector("[aria-current]");
  if (here) places.scrollLeft = here.offsetLeft - places.offsetLeft - (places.clientWidth - here.offsetWidth) / 2;
};
showPlace();
addEventListener("resize", showPlace);

// A details that asks closes when one clicks beside it, or presses Escape.
document.addEventListener("click", (event) => {
  for (const ask of document.querySelectorAll("details.ask[open]")) {
    if (!ask.contains(event.target)) ask.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const ask of document.querySelectorAll("details.ask[open]")) {
    if (ask.contains(document.activeElement)) ask.querySelector("summary").focus();
    ask.open = false;
  }
});

// On the calendar, the arrow keys go from edition to edition, as Tab does through all that is in between.
document.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const entries = [...document.querySelectorAll("[data-keys] summary")];
  const here = entries.indexOf(document.activeElement);
  if (!step || here < 0 || !entries[here + step]) return;
  event.preventDefault();
  entries[here + step].focus();
});

// Words to click in: they go where the cursor was last, or into the field that they are for.
let last;
document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-insertable]")) last = event.target;
});
document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-insert]");
  if (!chip) return;
  const own = chip.dataset.for && document.getElementById(chip.dataset.for);
  const field = own || (last?.isConnected && last) || document.querySelector("[data-insertable]");
  if (!field || field.disabled) return;
  const [from, to] = own ? [field.value.length, field.value.length] : [field.selectionStart, field.selectionEnd];
  field.setRangeText((own && field.value.trim() ? ", " : "") + chip.dataset.insert, from, to, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

// What was unfolded stays so when its part of the page is put in anew.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  for (const old of target.querySelectorAll("details[id][open]")) {
    const fresh = fragment.querySelector(`#${old.id}`);
    if (fresh) fresh.open = true;
  }
});

// A colour can be picked beside the field that says it, and the picker follows what is typed.
for (const pick of document.querySelectorAll("input[type=color][data-for]")) {
  const field = document.getElementById(pick.dataset.for);
  pick.hidden = false;
  pick.disabled = field.matches(":disabled");
  pick.addEventListener("input", () => {
    field.value = pick.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  field.addEventListener("input", () => {
    const typed = field.value || field.placeholder;
    if (/^#[0-9a-f]{6}$/i.test(typed)) pick.value = typed;
  });
}

// A mistake's line is the one that is edited next.
for (const text of document.querySelectorAll("textarea[data-line]")) {
  const lines = text.value.split("\n");
  const line = Math.min(Number(text.dataset.line), lines.length);
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + lines[line - 1].length);
  text.scrollTop = Math.max(0, (text.scrollHeight / lines.length) * (line - 6));
  window.scrollTo(0, 0);
}

// What is to be pasted elsewhere can be copied, where the browser allows it.
if (navigator.clipboard) document.documentElement.classList.add("can-copy");
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});
