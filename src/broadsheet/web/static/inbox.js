// The list keeps itself fresh. The server answers 304 as long as nothing has come or gone, so asking is cheap;
// without this script the page works just the same, and is fresh when it is loaded.
"use strict";

const EVERY = 2000;

async function refresh() {
  if (document.hidden) return;
  const response = await fetch(location.href, { cache: "no-cache" });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const [old, mails] = [document, fresh].map((page) => page.getElementById("mails"));
  if (old.dataset.version === mails.dataset.version) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  old.replaceWith(mails);
  document.getElementById("count").textContent = fresh.getElementById("count").textContent;
  document.title = fresh.title;
  if (focused) mails.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

async function keepFresh() {
  try {
    await refresh();
  } catch {
    // The server is away; it may come back.
  }
  setTimeout(keepFresh, EVERY);
}

setTimeout(keepFresh, EVERY);
