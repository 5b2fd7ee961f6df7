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
