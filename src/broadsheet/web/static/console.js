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
  for (const ask of document.querySelectorAll("details.ask[open]")) ask.open = false;
});
