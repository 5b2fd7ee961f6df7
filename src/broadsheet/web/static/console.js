// Nothing here is needed to work: forms post and links lead without it.
"use strict";

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
