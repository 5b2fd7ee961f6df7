// The preview keeps itself fresh, switches without a flash, and helps to find a reader. Without this script every
// link and form works just the same.
"use strict";

const EVERY = 1000;
const part = (page, id) => page.getElementById(id);

// Fetch an address of this page and put its parts in place of ours. The frame is kept, so that it keeps its place.
async function show(address, anew) {
  const response = await fetch(address, { cache: "no-store" });
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const desk = part(fresh, "desk");
  if (!desk) throw new Error("not a page of the preview");
  const kept = keep();
  const same = [...fresh.querySelectorAll("[data-part]")].map((each) => each.id).join();
  if (same === [...document.querySelectorAll("[data-part]")].map((each) => each.id).join()) {
    for (const each of fresh.querySelectorAll("[data-part]")) replace(part(document, each.id), each, anew);
    part(document, "desk").dataset.version = desk.dataset.version;
  } else {
    part(document, "bar").replaceWith(part(fresh, "bar"));
    part(document, "desk").replaceWith(desk);
  }
  document.title = fresh.title;
  restore(kept);
}

function replace(old, fresh, anew) {
  const [frame, other] = [old, fresh].map((each) => each.querySelector("iframe"));
  if (!frame || !other) {
    old.replaceWith(fresh);
    return;
  }
  const [device, wanted] = [frame, other].map((each) => each.closest(".device"));
  device.className = wanted.className;
  frame.className = other.className;
  frame.title = other.title;
  const address = other.getAttribute("src");
  if ((frame.dataset.src ?? frame.getAttribute("src")) !== address) {
    frame.dataset.src = address;
    frame.contentWindow.location.replace(address);
  } else if (anew) {
    again(frame, address);
  }
}

// The frame is a stranger to us (it has no origin), so its place can't be read. The browser brings it back when it
// goes back: so go on to the new mail, then back to it. If going on made no step to go back from, it is left at that.
let steps = false;
function again(frame, address) {
  if (!frame.dataset.loaded || frame.dataset.going) {
    frame.contentWindow.location.replace(address);
    return;
  }
  const before = history.length;
  frame.dataset.going = "yes";
  frame.addEventListener("load", () => {
    steps ||= history.length > before;
    if (steps) history.back();
    if (steps) frame.addEventListener("load", () => delete frame.dataset.going, { once: true });
    else delete frame.dataset.going;
  }, { once: true });
  frame.contentWindow.location.href = new URL(`${address}${address.includes("?") ? "&" : "?"}again`, location.href).href;
}

function keep() {
  const at = document.activeElement;
  const typed = [...document.querySelectorAll("input[id]")].filter((each) => each.value !== each.defaultValue);
  return {
    id: at?.id,
    from: at?.selectionStart,
    to: at?.selectionEnd,
    values: typed.map((each) => [each.id, each.value]),
    opened: [...document.querySelectorAll("details[open] > summary")].map((each) => each.textContent),
    x: scrollX,
    y: scrollY,
  };
}

function restore(kept) {
  for (const [id, value] of kept.values) if (part(document, id)) part(document, id).value = value;
  for (const each of document.querySelectorAll("details > summary")) {
    if (kept.opened.includes(each.textContent)) each.parentElement.open = true;
  }
  const at = kept.id && part(document, kept.id);
  if (at && at !== document.activeElement) {
    at.focus({ preventScroll: true });
    if (kept.from !== null && at.type === "search") at.setSelectionRange(kept.from, kept.to);
  }
  scrollTo(kept.x, kept.y);
}

async function keepFresh() {
  try {
    if (!document.hidden) {
      const { changes, version } = part(document, "desk").dataset;
      const now = await (await fetch(changes, { cache: "no-store" })).json();
      if (now.version !== version && !combobox.open()) await show(location.href, true);
    }
    part(document, "lost").hidden = true;
  } catch {
    part(document, "lost").hidden = false;
  }
  setTimeout(keepFresh, EVERY);
}

// Switches: the same page, shown otherwise. Going back leads to where one came from, not through every switch.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  try {
    await show(link.href, false);
    history.replaceState(null, "", link.href);
  } catch {
    location.href = link.href;
  }
});

// The search for a reader: a combobox with a list (ARIA Authoring Practices, "combobox with list autocomplete").
const combobox = {
  input: () => part(document, "reader"),
  list: () => part(document, "hits"),
  open: () => combobox.list()?.hidden === false,
  asked: 0,
  chosen: -1,

  ready() {
    const input = combobox.input();
    if (!input || input.role === "combobox") return;
    const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-controls": "hits", "aria-expanded": "false" };
    for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);
  },

  async search() {
    combobox.ready();
    const words = combobox.input().value.trim();
    const mine = ++combobox.asked;
    if (!words) return combobox.close();
    const asked = new URL(combobox.input().dataset.hits, location.href);
    const at = new URLSearchParams(location.search).get("at");
    asked.searchParams.set("q", words);
    if (at) asked.searchParams.set("at", at);
    const answer = await (await fetch(asked, { cache: "no-store" })).json();
    if (mine === combobox.asked) combobox.fill(answer.hits, answer.most);
  },

  fill(hits, most) {
    combobox.chosen = -1;
    combobox.list().replaceChildren(...hits.map(combobox.option));
    combobox.list().hidden = !hits.length;
    combobox.input().setAttribute("aria-expanded", String(hits.length > 0));
    combobox.input().removeAttribute("aria-activedescendant");
    const found = hits.length === 1 ? "1 reader" : `${hits.length === most ? "the first " : ""}${hits.length} readers`;
    part(document, "hits-said").textContent = hits.length ? found : "Nobody found";
  },

  option(hit, number) {
    const option = document.createElement("li");
    option.id = `hit-${number}`;
    option.dataset.email = hit.email;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    for (const [tag, words] of [
      ["strong", hit.name || hit.email],
      ["span", hit.name ? hit.email : ""],
      ["small", [hit.interests.join(", "), hit.gets].filter(Boolean).join("; ")],
    ]) option.appendChild(document.createElement(tag)).textContent = words;
    return option;
  },

  move(step) {
    const options = [...combobox.list().children];
    if (!combobox.open() || !options.length) return;
    combobox.chosen = (combobox.chosen + step + options.length + (combobox.chosen < 0 && step < 0 ? 1 : 0)) % options.length;
    options.forEach((each, number) => each.setAttribute("aria-selected", String(number === combobox.chosen)));
    options[combobox.chosen].scrollIntoView({ block: "nearest" });
    combobox.input().setAttribute("aria-activedescendant", options[combobox.chosen].id);
  },

  close() {
    if (!combobox.list()) return;
    combobox.asked += 1;
    combobox.list().hidden = true;
    combobox.input().setAttribute("aria-expanded", "false");
    combobox.input().removeAttribute("aria-activedescendant");
  },

  choose(email) {
    const address = new URL(location.href);
    address.searchParams.delete("q");
    address.searchParams.set("reader", email);
    address.hash = "";
    location.assign(address);
  },
};

let waiting;
document.addEventListener("input", (event) => {
  if (event.target.id !== "reader") return;
  clearTimeout(waiting);
  waiting = setTimeout(() => combobox.search().catch(combobox.close), 120);
});
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "reader") return;
  if (event.key === "ArrowDown" && !combobox.open()) combobox.search().catch(combobox.close);
  else if (event.key === "ArrowDown") combobox.move(1);
  else if (event.key === "ArrowUp") combobox.move(-1);
  else if (event.key === "Escape" && combobox.open()) combobox.close();
  else if (event.key === "Enter" && combobox.open() && combobox.chosen >= 0) {
    combobox.choose(combobox.list().children[combobox.chosen].dataset.email);
  } else return;
  event.preventDefault();
});
document.addEventListener("mousedown", (event) => {
  const option = event.target.closest("#hits [role=option]");
  if (option) {
    event.preventDefault();
    combobox.choose(option.dataset.email);
  } else if (event.target.id !== "reader") combobox.close();
});
document.addEventListener("focusout", (event) => {
  if (event.target.id === "reader") combobox.close();
});
document.addEventListener("focusin", combobox.ready);

combobox.ready();
// Only a frame that is there may go on and back (see `again`); until then it is simply loaded anew.
addEventListener("load", () => {
  const frame = part(document, "frame");
  if (frame) frame.dataset.loaded = "yes";
});
setTimeout(keepFresh, EVERY);
